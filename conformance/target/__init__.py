"""The implementation under test as a process: started, watched and ended with all that it started.

Kept free of imports: the supervisor of each target loads this package without any library.
"""

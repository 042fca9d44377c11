"""The demo: a small project, a board of eight issues, and the real daemon that gets them done.

Everything happens in one scratch directory, in this process and offline. Nothing here is used by
the daemon itself.
"""

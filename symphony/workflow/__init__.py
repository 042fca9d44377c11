"""WORKFLOW.md: from its text to settings and a prompt, and how an edit of it is noticed.

The watcher and reading the one file are the only I/O here; everything else is pure.
"""

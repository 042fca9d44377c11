"""Symphony: a daemon that turns an issue tracker into finished work."""

__version__ = "0.1.0"

"""A suite that judges any implementation of `SPEC.md`, in any language, from outside.

It knows an implementation only by what that implementation shows: its requests to the tracker,
its agent process, its files, its output and exit code, and its HTTP interface. It imports nothing
from `symphony`.
"""

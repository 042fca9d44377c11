"""The command line of the suite: `symphony-conformance`."""

from conformance.cli.program import main

__all__ = ["main"]

"""What the program's exit codes mean, and the error that carries one."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the program tells the shell."""

    CONFORMING = 0
    """Done; after a run: nothing that the implementation must do was found broken."""
    NOT_CONFORMING = 1
    """The implementation does not conform, or the baseline is stale."""
    USAGE = 2
    """Asked for something that cannot be: the caller has to ask otherwise."""
    HARNESS = 3
    """A fault of the suite or of the machine, or an interrupted run: there is no verdict."""
    NEVER_READY = 4
    """The implementation never asked the tracker for anything."""


class CommandError(Exception):
    """Ends a command with `code`; the message says what is wrong, where, and what to do."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self.code = code

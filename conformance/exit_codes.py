"""What the program's exit codes mean, and the error that carries one."""

from __future__ import annotations

from typing import Final

EXIT_CONFORMS: Final = 0
"""Done; after a run: nothing that the implementation must do was found broken."""
EXIT_BREACH: Final = 1
"""The implementation does not conform, or the baseline is stale."""
EXIT_USAGE: Final = 2
"""Asked for something that cannot be: the caller has to ask otherwise."""
EXIT_SUITE: Final = 3
"""A fault of the suite or of the machine, or an interrupted run: there is no verdict."""
EXIT_NEVER_READY: Final = 4
"""The implementation never asked the tracker for anything."""


class CommandError(Exception):
    """Ends a command with `code`; the message says what is wrong, where, and what to do."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code

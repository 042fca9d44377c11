"""The parser that every command has: one look for all help texts, and no guessing of options.

Its arguments can be listed, so that shells complete what is really there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence


class CommandParser(argparse.ArgumentParser):
    """`name` is the command, empty for the program itself."""

    def __init__(
        self, name: str, description: str, epilog: str | None = None, *, usage: str | None = None
    ) -> None:
        super().__init__(
            prog=f"symphony {name}".rstrip(),
            usage=usage,
            description=description,
            epilog=epilog,
            # Texts are laid out by hand.
            formatter_class=argparse.RawDescriptionHelpFormatter,
            # An abbreviation that a script uses would break with the next option.
            allow_abbrev=False,
        )

    @property
    def arguments(self) -> Sequence[argparse.Action]:
        """Every option and positional argument, in the order of the help."""
        return tuple(self._actions)

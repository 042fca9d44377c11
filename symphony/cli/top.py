"""`symphony top`: the page of `symphony status`, kept up to date until Ctrl-C."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from symphony.cli.asking import EXIT_CODES, Place, add_place, ask, find_daemon
from symphony.cli.board import QuestionError, complain
from symphony.cli.parsing import CommandParser
from symphony.cli.status import lines_of

if TYPE_CHECKING:
    from rich.console import RenderableType

EVERY_S = 1.0

_DESCRIPTION = """\
Shows what `symphony status` shows, again and again until Ctrl-C. If the daemon goes away it says so
and goes on asking. Where the output is no terminal, it is shown once.
"""


def top_parser() -> CommandParser:
    """What the command takes."""
    parser = CommandParser("top", _DESCRIPTION, EXIT_CODES)
    add_place(parser)
    return parser


def run_top(words: Sequence[str]) -> int:
    """Show it until interrupted; gives the exit code."""
    options = top_parser().parse_args(words)
    try:
        place = find_daemon(options.path, options.url)
        lines = list(lines_of(ask(place, "api/v1/state")))
    except QuestionError as error:
        return complain(error)
    if not sys.stdout.isatty():
        print("\n".join(lines))
        return 0
    try:
        _watch(place, lines)
    except KeyboardInterrupt:
        return 0
    return 0


def _watch(place: Place, lines: list[str]) -> None:
    from rich.console import Console
    from rich.live import Live

    with Live(_page(lines), console=Console(), screen=True, auto_refresh=False) as live:
        while True:
            live.update(_page(lines), refresh=True)
            # Nothing is waited for here: a person looks at it.
            time.sleep(EVERY_S)
            try:
                lines = list(lines_of(ask(place, "api/v1/state")))
            except QuestionError as error:
                lines = [str(error)]


def _page(lines: list[str]) -> RenderableType:
    from rich.text import Text

    # As plain text: nothing in a title or message is taken for markup.
    return Text("\n".join(lines), no_wrap=True, overflow="ellipsis")

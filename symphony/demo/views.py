"""Where the story is shown: redrawn on a terminal, or line by line where there is none."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from symphony.demo.board import ISSUES
from symphony.demo.happenings import Happening
from symphony.demo.history import History
from symphony.demo.live import live_view
from symphony.demo.outcome import DONE
from symphony.domain.issue import state_key

REDRAWS_PER_SECOND: Final = 6


class Screen(Console):
    """A console that notices when nobody reads any more (`symphony demo | head`)."""

    is_lost = False

    def on_broken_pipe(self) -> None:
        self.is_lost = True
        self.quiet = True
        # What Python still holds would fail again at its exit.
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


class View(Protocol):
    """Shows a history. Used as a context manager."""

    @property
    def is_lost(self) -> bool:
        """Whether nobody can see it any more."""
        ...

    def __enter__(self) -> View: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def tell(self, news: Sequence[Happening]) -> None:
        """These happenings are new."""
        ...

    def redraw(self) -> None:
        """Some time has passed."""
        ...


class LiveView:
    """The whole picture, redrawn in place; it is gone when the block ends."""

    def __init__(self, console: Screen, history: History, title: str) -> None:
        self._console = console
        self._history = history
        self._title = title
        self._live = Live(console=console, auto_refresh=False, transient=True)

    @property
    def is_lost(self) -> bool:
        return self._console.is_lost

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def tell(self, news: Sequence[Happening]) -> None:
        """They are in the history, and drawn with it."""

    def redraw(self) -> None:
        view = live_view(
            self._history,
            total=len(ISSUES),
            done=done_so_far(self._history),
            height=self._console.size.height,
            title=self._title,
        )
        self._live.update(view, refresh=True)


class PlainView:
    """One line for each happening, for pipes, files and terminals that cannot redraw."""

    def __init__(self, console: Screen, history: History) -> None:
        self._console = console
        self._history = history

    @property
    def is_lost(self) -> bool:
        return self._console.is_lost

    def __enter__(self) -> PlainView:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing is held."""

    def tell(self, news: Sequence[Happening]) -> None:
        for each in news:
            seconds = self._history.seconds(each.at)
            line = f"{seconds:6.1f} s  {each.identifier or 'daemon':7} {each.text}"
            self._console.print(Text(line), soft_wrap=True)

    def redraw(self) -> None:
        """Lines stay as they are."""


def done_so_far(history: History) -> int:
    """As far as the daemon has seen; the end looks for itself."""
    states = (tally.state for tally in history.tallies.values())
    return sum(state_key(state) == state_key(DONE) for state in states)

"""What a daemon that was started on a terminal shows below its log lines: the page of `top`.

Everything that touches the terminal happens on threads of its own, so that one that hangs, is
stopped by Ctrl-S or is closed holds up nothing. What fails here costs the view and never the
daemon: log lines then come as they would without it. The terminal's modes are left alone, so that
nothing has to be put right if the daemon is killed.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import anyio

from symphony.domain.json import JsonObject
from symphony.domain.settings import Settings
from symphony.observability.sinks import write_all
from symphony.runtime.surface import RunningDaemon
from symphony.scheduler.snapshot import Snapshot

EVERY_S: Final = 1.0
MOST_OF_THE_LOOP: Final = 0.01
"""As much of the event loop's time as looking may take: a snapshot of a large board is not free."""
END_S: Final = 0.5
"""How long the end of the daemon waits for a terminal that takes nothing."""
_SMALLEST: Final = os.terminal_size((20, 6))
_USUAL: Final = os.terminal_size((80, 24))
Redact = Callable[[str], str]

_ERASE_LINE: Final = "\r\x1b[2K"
_UP_AND_ERASE: Final = "\x1b[1A\x1b[2K"


class Region:
    """The lines at the bottom of a terminal that are drawn again and again."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._shown: Sequence[str] = ()

    def draw(self, text: str, lines: Sequence[str]) -> None:
        """Write `text`, which ends with a line end or is empty, above the region, and these lines
        as the region. Raises `OSError`."""
        size = self._size()
        fitting = _fitting(lines, size)
        erased = self._erase(size.columns)
        # All at once: nothing flickers, and nobody else's line gets in between.
        data = f"{erased}{text}{chr(10).join(fitting)}"
        self._shown = fitting
        write_all(self._descriptor, data.encode("utf-8", "replace"))

    def _erase(self, columns: int) -> str:
        """A terminal that became narrower shows one line as several."""
        if not self._shown:
            return ""
        rows = sum(max(1, -(-_width(line) // columns)) for line in self._shown)
        return _ERASE_LINE + _UP_AND_ERASE * (rows - 1)

    def _size(self) -> os.terminal_size:
        try:
            size = os.get_terminal_size(self._descriptor)
        except OSError:
            return _USUAL
        # Some terminals say 0 while they start.
        return size if size.columns > 0 and size.lines > 0 else _USUAL


@dataclass(frozen=True, slots=True)
class _View:
    snapshot: Snapshot
    settings: Settings
    requests_sent: int | None


class Foreground:
    """The log's target on a terminal, and what shows the daemon on it."""

    def __init__(self, descriptor: int) -> None:
        self._region = Region(descriptor)
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._lines: Sequence[str] = ()
        self._works = True
        self._news = threading.Semaphore(0)
        self._next: _View | None = None
        self._is_over = False

    # The log's side.

    def write(self, text: str) -> None:
        """Log lines, above the region. Raises `OSError`; called on the thread of the log."""
        with self._lock:
            if self._works and self._drawn(text):
                return
            write_all(self._descriptor, text.encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        """The terminal is not ours."""

    # The daemon's side.

    async def show(self, daemon: RunningDaemon) -> None:
        """Show what it does until cancelled. Raises nothing."""
        thread = threading.Thread(
            target=self._redraw, args=(daemon.redact,), name="symphony-view", daemon=True
        )
        try:
            thread.start()
            while self._works:
                began = time.monotonic()
                self._look(daemon)
                took = time.monotonic() - began
                await anyio.sleep(max(EVERY_S, took / MOST_OF_THE_LOOP))
        except Exception:
            # No thread to be had, or a defect of the snapshot: nobody misses more than the view.
            self._works = False
        finally:
            self._is_over = True
            self._news.release()
            if thread.is_alive():
                thread.join(END_S)

    def _look(self, daemon: RunningDaemon) -> None:
        snapshot = daemon.snapshot()
        if snapshot is not None:
            self._next = _View(snapshot, daemon.settings(), daemon.requests_sent())
            self._news.release()

    # Its thread.

    def _redraw(self, redact: Redact) -> None:
        try:
            while not self._is_over:
                self._news.acquire()
                view, self._next = self._next, None
                if view is not None:
                    self._put(_page(view, redact))
            self._put(())
        except Exception:
            # A terminal that is gone, or a defect of the page.
            self._works = False

    def _put(self, lines: Sequence[str]) -> None:
        with self._lock:
            self._lines = lines
            self._drawn("")

    def _drawn(self, text: str) -> bool:
        """False where a defect keeps it from being drawn. Raises `OSError`; either is the end of
        the view."""
        try:
            self._region.draw(text, self._lines)
        except OSError:
            self._works = False
            raise
        except Exception:
            self._works = False
            return False
        return True


def _page(view: _View, redact: Redact) -> Sequence[str]:
    # Late, and on this thread: the start of the daemon does not wait for it.
    from symphony.cli.status import SHOWN_WAITING, lines_of
    from symphony.http.state import state_document

    # Those that are not shown anyway would cost the most.
    shown = replace(view.snapshot, skipped=view.snapshot.skipped[:SHOWN_WAITING])
    state = state_document(shown, view.settings, redact, requests_sent=view.requests_sent)
    counts: JsonObject = {"skipped": len(view.snapshot.skipped)}
    return ("-" * 8, *lines_of({**state, "counts": counts}))


def _fitting(lines: Sequence[str], size: os.terminal_size) -> Sequence[str]:
    """As many as leave room for the log, none longer than a line of the terminal."""
    if size.columns < _SMALLEST.columns or size.lines < _SMALLEST.lines:
        return ()
    room = max(size.lines * 2 // 3, 3)
    shown = [*lines[: room - 1], f"... and {len(lines) - room + 1} more lines"]
    from rich.cells import set_cell_size

    # The last column stays free: a full line would be wrapped by some terminals.
    return [
        set_cell_size(line, size.columns - 1).rstrip()
        for line in (shown if len(lines) > room else lines)
    ]


def _width(line: str) -> int:
    from rich.cells import cell_len

    return cell_len(line)

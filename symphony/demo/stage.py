"""The daemon in this process, watched until the board is done, stuck, late, or stopped by hand.

Whatever ends the show, the daemon is stopped in order: no agent is left when `perform` returns.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

import anyio

from symphony.demo.history import History
from symphony.demo.views import REDRAWS_PER_SECOND, View
from symphony.domain.problems import ProblemError
from symphony.runtime.daemon import Daemon, DaemonOptions
from symphony.scheduler.eligibility import SLOT_CODES
from symphony.scheduler.events import Event
from symphony.scheduler.snapshot import Snapshot

MAX_FAILURES: Final = 3
"""In a row on one issue. The demo has one failure on purpose; the third is no accident."""
MAX_RUNS: Final = 5
"""Of one issue. An agent that ends well and never finishes would go on for ever."""
STUCK_POLLS: Final = 3
"""So many polls that found nothing to start while nothing runs: nothing will come any more."""
STOP_LIMIT_S: Final = 90.0
"""How long a stop may take: a hook may use its 60 s, and processes have their grace."""


class End(Enum):
    """Why it ended."""

    FINISHED = "finished"
    STUCK = "stuck"
    LATE = "late"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """`reason` is a sentence where something is wrong."""

    end: End
    reason: str = ""


async def perform(
    options: DaemonOptions, history: History, view: View, *, limit_s: float
) -> Ending:
    """Run the daemon and show it. Raises `ProblemError` where it cannot start."""
    return await _Performance(options, history, view, limit_s).run()


class _Performance:
    def __init__(
        self, options: DaemonOptions, history: History, view: View, limit_s: float
    ) -> None:
        self._daemon = Daemon(options, observers=(self._observe,))
        self._history = history
        self._view = view
        self._limit_s = limit_s
        self._ending: Ending | None = None
        self._decided = anyio.Event()
        self._quiet_polls: set[datetime] = set()

    async def run(self) -> Ending:
        problem: ProblemError | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch_signals)
            tasks.start_soon(self._watch_clock)
            tasks.start_soon(self._stop_when_decided)
            tasks.start_soon(self._redraw)
            try:
                await self._daemon.run()
            except ProblemError as error:
                # Not through the task group, which would wrap it.
                problem = error
            tasks.cancel_scope.cancel()
        if problem is not None:
            raise problem
        return self._ending or Ending(end=End.STUCK, reason="the daemon stopped by itself")

    def _observe(self, _: Event) -> None:
        snapshot = self._daemon.snapshot()
        if snapshot is None:
            return
        self._view.tell(self._history.take(snapshot))
        if self._view.is_lost:
            self._decide(Ending(end=End.INTERRUPTED, reason="nobody reads the output any more"))
        ending = self._judge(snapshot)
        if ending is not None:
            self._decide(ending)

    def _judge(self, snapshot: Snapshot) -> Ending | None:
        for name, tally in self._history.tallies.items():
            if tally.failures >= MAX_FAILURES:
                reason = f"{name} failed {tally.failures} times in a row: {tally.error}"
                return Ending(end=End.STUCK, reason=reason)
            if len(tally.runs) > MAX_RUNS:
                reason = f"{name} was run {MAX_RUNS} times and is still {tally.state}"
                return Ending(end=End.STUCK, reason=reason)
        poll = snapshot.last_poll
        if not is_quiet(snapshot) or poll is None or poll.problem is not None:
            self._quiet_polls.clear()
            return None
        if poll.candidates == 0:
            return Ending(end=End.FINISHED)
        self._quiet_polls.add(poll.at)
        if len(self._quiet_polls) < STUCK_POLLS:
            return None
        return Ending(end=End.STUCK, reason=why_stuck(snapshot))

    def _decide(self, ending: Ending) -> None:
        if self._ending is None:
            self._ending = ending
            self._decided.set()

    async def _stop_when_decided(self) -> None:
        await self._decided.wait()
        await self._daemon.request_stop()
        await anyio.sleep(STOP_LIMIT_S)
        # It does not come to its end. The warden takes over.
        os._exit(1)

    async def _watch_clock(self) -> None:
        await anyio.sleep(self._limit_s)
        reason = f"not done within {self._limit_s:g} s (--limit allows more)"
        self._decide(Ending(end=End.LATE, reason=reason))

    async def _watch_signals(self) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            async for number in signals:
                if self._ending is not None:
                    # The second wish: at once. The warden ends what is left.
                    os._exit(128 + number)
                self._decide(Ending(end=End.INTERRUPTED, reason=f"stopped by {number.name}"))

    async def _redraw(self) -> None:
        while True:
            snapshot = self._daemon.snapshot()
            if snapshot is not None:
                self._view.tell(self._history.take(snapshot))
            self._view.redraw()
            await anyio.sleep(1 / REDRAWS_PER_SECOND)


def is_quiet(snapshot: Snapshot) -> bool:
    """Nothing runs, nothing is due, and nothing waits for a slot only."""
    busy = snapshot.running or snapshot.retrying or snapshot.cleaning
    startable = any(row.code in SLOT_CODES for row in snapshot.skipped)
    return not busy and not startable


def why_stuck(snapshot: Snapshot) -> str:
    """Which issues are left, and what each of them waits for."""
    asked = [f"{row.issue.identifier} needs a person: {row.question}" for row in snapshot.blocked]
    left = [f"{row.issue.identifier}: {row.reason}" for row in snapshot.skipped]
    return "; ".join([*asked, *left]) or "issues are left that the daemon does not see"

"""Timers of the scheduler: one task, one heap, the last one armed of each kind counts."""

from __future__ import annotations

import heapq
import itertools
from typing import assert_never

import anyio

from symphony.domain.ids import IssueId
from symphony.runtime.clock import Clock
from symphony.runtime.mailbox import Mailbox
from symphony.scheduler.commands import RefillTimer, RetryTimer, TickTimer, Timer
from symphony.scheduler.events import Event, RefillDue, RetryDue, TickDue

_Slot = str | IssueId


class Timers:
    """Posts the event of each timer when it is due."""

    def __init__(self, clock: Clock, mailbox: Mailbox) -> None:
        self._clock = clock
        self._mailbox = mailbox
        self._heap: list[tuple[int, int, Timer]] = []
        self._current: dict[tuple[str, _Slot], Timer] = {}
        self._order = itertools.count()
        self._changed = anyio.Event()

    def arm(self, timer: Timer, due_ms: int) -> None:
        """Fire at `due_ms`; replaces an earlier timer of the same kind and issue."""
        self._current[_slot(timer)] = timer
        heapq.heappush(self._heap, (due_ms, next(self._order), timer))
        self._changed.set()

    async def run(self) -> None:
        """Fire timers until cancelled."""
        while True:
            self._changed = anyio.Event()
            if not self._heap:
                await self._changed.wait()
                continue
            due_ms = self._heap[0][0]
            if due_ms > self._clock.now().monotonic_ms:
                await self._wait(due_ms)
                continue
            _, _, timer = heapq.heappop(self._heap)
            if self._current.get(_slot(timer)) is timer:
                del self._current[_slot(timer)]
                await self._mailbox.post(_event(timer))

    async def _wait(self, due_ms: int) -> None:
        """Until the time has come or another timer was armed."""

        async def changed() -> None:
            await self._changed.wait()
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(changed)
            await self._clock.sleep_until(due_ms)
            group.cancel_scope.cancel()


def _slot(timer: Timer) -> tuple[str, _Slot]:
    return (type(timer).__name__, timer.issue_id if isinstance(timer, RetryTimer) else "")


def _event(timer: Timer) -> Event:
    match timer:
        case TickTimer(epoch=epoch):
            return TickDue(epoch=epoch)
        case RetryTimer(issue_id=issue_id, epoch=epoch):
            return RetryDue(issue_id=issue_id, epoch=epoch)
        case RefillTimer(epoch=epoch):
            return RefillDue(epoch=epoch)
        case _:
            assert_never(timer)

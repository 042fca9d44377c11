"""The real runtime on virtual time: a day in each run, a week with `SYMPHONY_VIRTUAL_DAYS=7`.

What a daemon holds at the end of its first shift is what it holds at the end of its last: memory,
tasks, descriptors and threads are flat, and so is what it logs about the same amount of work.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import resource
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from symphony.scheduler.events import Event
from symphony.testing import VirtualClock
from symphony.trackers.memory import MemoryTracker
from tests.support.simulation.office import SHIFT_HOURS, Office, OfficeAgents
from tests.support.virtual_daemon import virtual_daemon

pytestmark = pytest.mark.anyio
DAYS = int(os.environ.get("SYMPHONY_VIRTUAL_DAYS", "1"))
SHIFTS = DAYS * 24 // SHIFT_HOURS
ISSUES_PER_SHIFT = 12
# Less than one for each run of a single day, let alone for each of its 2,880 polls.
OBJECTS_TO_SPARE = 40
MEMORY_TO_SPARE_KB = 8_000
# Start, end, retry, a question, a stall, a removal: what one run says at most.
LINES_PER_RUN = 12
TICKS_PER_SHIFT = SHIFT_HOURS * 120


class Lines(logging.Handler):
    """Counts what is logged, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.names: Counter[str] = Counter()
        self.bytes = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.names[record.msg] += 1
        self.bytes += len(record.msg) + len(str(vars(record).get("fields", "")))


@contextmanager
def counted_lines() -> Generator[Lines]:
    """Of all loggers of the daemon, which nobody else keeps meanwhile: pytest would keep them."""
    logger, lines = logging.getLogger("symphony"), Lines()
    before, logger.propagate = logger.level, False
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.setLevel(before)
        logger.propagate = True
        logger.removeHandler(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What this process holds. `memory_kb` is the most that it ever held."""

    objects: int
    tasks: int
    threads: int
    descriptors: int
    memory_kb: int

    @staticmethod
    def now() -> Held:
        gc.collect()
        return Held(
            objects=len(gc.get_objects()),
            tasks=len(asyncio.all_tasks()),
            threads=threading.active_count(),
            descriptors=len(os.listdir("/dev/fd")),
            memory_kb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        )


@pytest.mark.proves("recovery.service.survives")
async def test_a_daemon_holds_after_days_of_work_what_it_held_after_hours() -> None:
    board, rng = MemoryTracker(), random.Random(1)  # noqa: S311
    agents: list[OfficeAgents] = []
    events: Counter[str] = Counter()

    def hire(clock: VirtualClock) -> OfficeAgents:
        agents.append(OfficeAgents(clock, board, rng))
        return agents[0]

    def count(event: Event) -> None:
        events[type(event).__name__] += 1

    with counted_lines() as lines:
        async with virtual_daemon(board, slots=5, make_worker=hire, observers=(count,)) as daemon:
            office, held = Office(daemon, rng), list[Held]()
            for _ in range(SHIFTS):
                await office.shift(ISSUES_PER_SHIFT)
                office.forget_the_past()
                held.append(Held.now())
            left = [issue_id for issue_id in office.open if issue_id not in daemon.running()]
            snapshot = daemon.snapshot()
    runs = events["RunEnded"]
    print(f"\n{DAYS} days, {office.born} issues, {runs} runs, {events.total()} events")
    print(f"{sum(lines.names.values())} log lines, {lines.bytes} bytes; {dict(agents[0].ended)}")
    print(*held, sep="\n")
    assert len(left) <= ISSUES_PER_SHIFT, "work piles up"
    assert snapshot.totals.total_tokens > 0
    assert sum(lines.names.values()) <= LINES_PER_RUN * runs, lines.names
    first, last = held[0], held[-1]
    assert last.objects - first.objects <= OBJECTS_TO_SPARE
    assert (last.tasks, last.threads) == (first.tasks, first.threads)
    assert last.descriptors == first.descriptors
    assert last.memory_kb - first.memory_kb <= MEMORY_TO_SPARE_KB


async def test_six_idle_hours_cost_one_request_a_tick_and_not_a_line_of_log() -> None:
    board = MemoryTracker()
    with counted_lines() as lines:
        async with virtual_daemon(board) as daemon:
            office = Office(daemon, random.Random(1))  # noqa: S311
            board.requests.clear()
            lines.names.clear()
            await office.idle_shift()
            assert [one.operation for one in board.requests] == ["states"] * TICKS_PER_SHIFT
            assert lines.names == Counter()

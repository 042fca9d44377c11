"""Time and chance of one simulated world. The seed decides everything that happens in it."""

from __future__ import annotations

import heapq
import random
from collections import Counter, deque
from collections.abc import Callable
from datetime import timedelta

from symphony.domain.settings import Settings
from symphony.scheduler.commands import Command
from symphony.scheduler.events import Event
from symphony.scheduler.moment import Moment
from symphony.scheduler.state import SchedulerState
from symphony.scheduler.step import step
from tests.support.scheduling import START
from tests.support.simulation.bench import Bench, Step
from tests.support.simulation.faults import Faults
from tests.support.simulation.script import Recorder
from tests.support.simulation.settings import some_settings
from tests.support.simulation.tracker import SimulatedTracker

LAST_EVENTS = 30
MOST_ISSUES_AT_START = 25


class Scene:
    """The clock, the queue of what will happen, the tracker, and the scheduler on its bench.

    `faults` and `issues` (how many there are at the start) follow from the seed unless given.
    """

    def __init__(
        self,
        seed: str,
        *,
        faults: Faults | None = None,
        issues: int | None = None,
        decide: Step = step,
    ) -> None:
        self.seed = seed
        self.rng = random.Random(seed)  # noqa: S311
        drawn = Faults.some(self.rng)
        self.faults = drawn if faults is None else faults
        self.met: Counter[str] = Counter()
        drawn_issues = self.rng.randrange(1, MOST_ISSUES_AT_START)
        self.issues = drawn_issues if issues is None else issues
        self.tracker = SimulatedTracker(self.rng, self.issues, self.met)
        self.now_ms = 0
        self.wall_ms = 0
        self.revision = 1
        bound = some_settings(self.rng, self.revision)
        self.bench = Bench(bound, decide)
        self.recorder: Recorder | None = None
        self.last: deque[tuple[int, Event]] = deque(maxlen=LAST_EVENTS)
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._order = 0

    @property
    def state(self) -> SchedulerState:
        return self.bench.state

    @property
    def settings(self) -> Settings:
        return self.state.settings

    @property
    def events(self) -> int:
        return self.bench.watch.count

    @property
    def is_empty(self) -> bool:
        """Whether nothing will happen any more."""
        return not self._queue

    def chance(self, probability: float) -> bool:
        return probability > 0 and self.rng.random() < probability

    def next(self) -> None:
        """Let time pass until the next thing happens."""
        due, _, action = heapq.heappop(self._queue)
        self.now_ms = max(self.now_ms, due)
        action()

    def later(self, delay_ms: int, action: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._queue, (self.now_ms + delay_ms, self._order, action))

    def within(self, longest_ms: int, action: Callable[[], None]) -> None:
        self.later(self.rng.randrange(longest_ms + 1), action)

    @property
    def moment(self) -> Moment:
        """`wall_ms` is how wrong the clock on the wall is."""
        utc = START + timedelta(milliseconds=self.now_ms + self.wall_ms)
        return Moment(monotonic_ms=self.now_ms, utc=utc)

    def deliver(self, event: Event, *, is_past: bool = False) -> None:
        """One event into the scheduler, everything judged, its commands into the world."""
        self.last.append((self.now_ms, event))
        now = self.moment
        if self.recorder is not None:
            self.recorder.before(event, now)
        commands = self.bench.deliver(event, now, is_past=is_past)
        if self.recorder is not None:
            self.recorder.after(commands)
        for command in commands:
            self.carry_out(command)
        self.after(event)

    def carry_out(self, command: Command) -> None:
        """Do what the scheduler asks for."""
        raise NotImplementedError

    def after(self, event: Event) -> None:
        """What people do right after an event."""
        raise NotImplementedError

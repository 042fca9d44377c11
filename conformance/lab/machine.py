"""The machine that all scenarios of a run share: how slow it is just now, and who may start what.

Guarantees: never faster than 1 nor slower than `LARGEST_SCALE`; one slow start among quick ones
counts for nothing. Must not: be shared by two runs.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Callable
from typing import Final, NoReturn

import anyio

from conformance.lab.calibration import LARGEST_SCALE, scale_of_start, time_of_start

MEASURED_EVERY_S: Final = 2.0
"""A measurement costs about 15 ms of one processor."""
MEASUREMENTS: Final = 3
"""Of which the median says how slow it is."""
REMEMBERED_S: Final = 30.0
"""Longer than most times that are judged."""
STARTS_AT_ONCE: Final = 2
"""Implementations that start; more of them would make each other slow before any is ready."""


class Machine:
    """`at_first` is how slow it was before the run; it is never taken to be faster than that."""

    def __init__(
        self,
        at_first: float = 1.0,
        *,
        starts_at_once: int = STARTS_AT_ONCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.starting = anyio.CapacityLimiter(starts_at_once)
        self._at_first = min(at_first, LARGEST_SCALE)
        self._clock = clock
        self._starts: deque[float] = deque(maxlen=MEASUREMENTS)
        self._lately: deque[tuple[float, float]] = deque()
        self._now = 1.0

    @property
    def scale(self) -> float:
        """How slow it was lately, at worst: what took time may take so many times as long."""
        oldest = self._clock() - REMEMBERED_S
        while self._lately and self._lately[0][0] < oldest:
            self._lately.popleft()
        return max(self._at_first, *(scale for _, scale in self._lately), 1.0)

    @property
    def scale_now(self) -> float:
        """How slow it is at this moment."""
        return max(self._at_first, self._now)

    def patience(self, seconds: float) -> Patience:
        """That begins now, and lasts for so many seconds of a quick machine."""
        return Patience(self, seconds, self._clock)

    def measured(self, start_s: float) -> None:
        """A bare process took this many seconds just now."""
        self._starts.append(start_s)
        self._now = scale_of_start(statistics.median(self._starts))
        self._lately.append((self._clock(), self._now))

    async def watch(self) -> NoReturn:
        """Measure again and again, until cancelled."""
        while True:
            try:
                self.measured(await time_of_start())
            except OSError:
                # A machine that cannot even start a process is as slow as can be told.
                self.measured(math.inf)
            await anyio.sleep(MEASURED_EVERY_S)


class Patience:
    """A wait that lasts longer while the machine is slow, also if it becomes so in the middle."""

    def __init__(self, machine: Machine, seconds: float, clock: Callable[[], float]) -> None:
        self._machine = machine
        self._clock = clock
        self._left_s = seconds
        self._looked_at = self._began_at = clock()

    @property
    def lasted_s(self) -> float:
        """Since it began, of any machine."""
        return self._looked_at - self._began_at

    def is_over(self) -> bool:
        """Ask often: the time since the last look counts as the machine is now."""
        now = self._clock()
        self._left_s -= (now - self._looked_at) / self._machine.scale_now
        self._looked_at = now
        return self._left_s < 0

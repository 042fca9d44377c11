"""How slow this machine is, so that patience is measured and not guessed.

Guarantees: at least 1, at most `LARGEST_SCALE`. Must not: be taken for a benchmark; `calibrate` is
for the time before anything else loads the machine.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass
from typing import Final

import anyio

LARGEST_SCALE: Final = 8.0
"""A machine that is slower than this cannot judge times at all; waiting longer would not help."""
_USUAL_START_S: Final = 0.08
_USUAL_LATENESS_S: Final = 0.02
_STARTS: Final = 4
_TICKS: Final = 20
_TICK_S: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Seconds that a bare Python process takes from start to end, and by which a short timer is
    late at worst. `scale` multiplies every bound that says how long to wait."""

    process_start_s: float
    timer_lateness_s: float

    @property
    def scale(self) -> float:
        late = self.timer_lateness_s / _USUAL_LATENESS_S
        return min(max(scale_of_start(self.process_start_s), late), LARGEST_SCALE)


def scale_of_start(seconds: float) -> float:
    """What it says of the machine that a bare Python process takes so long."""
    return min(max(1.0, seconds / _USUAL_START_S), LARGEST_SCALE)


async def time_of_start() -> float:
    """Seconds that a bare Python process takes from start to end."""
    began = time.monotonic()
    # However it ends: a machine that is out of memory is slow, and no reason to end the run.
    await anyio.run_process([sys.executable, "-S", "-E", "-c", "pass"], check=False)
    return time.monotonic() - began


async def calibrate() -> Calibration:
    """Measure; takes about a second."""
    starts = [await time_of_start() for _ in range(_STARTS)]
    late: list[float] = []
    for _ in range(_TICKS):
        began = time.monotonic()
        await anyio.sleep(_TICK_S)
        late.append(time.monotonic() - began - _TICK_S)
    return Calibration(process_start_s=statistics.median(starts), timer_lateness_s=max(late))

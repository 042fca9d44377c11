"""Time for the runtime. Everything that waits waits here, so that tests can hold the hands."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

import anyio

from symphony.scheduler.moment import Moment


class Clock(Protocol):
    def now(self) -> Moment:
        """The moment now. `monotonic_ms` never goes back."""
        ...

    async def sleep_until(self, monotonic_ms: int) -> None:
        """Return when the moment has come; at once where it has passed."""
        ...


class SystemClock:
    """The clocks of the operating system."""

    def now(self) -> Moment:
        return Moment(monotonic_ms=time.monotonic_ns() // 1_000_000, utc=datetime.now(UTC))

    async def sleep_until(self, monotonic_ms: int) -> None:
        left = monotonic_ms - time.monotonic_ns() // 1_000_000
        if left > 0:
            # One millisecond more: a timer must never be early.
            await anyio.sleep((left + 1) / 1000)

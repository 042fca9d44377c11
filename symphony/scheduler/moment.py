"""Time as the scheduler sees it: handed in with every event, never read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """`monotonic_ms` decides, `utc` is only shown to people."""

    monotonic_ms: int
    utc: datetime

    def plus(self, milliseconds: int) -> Moment:
        """The moment so many milliseconds later, on both clocks."""
        return Moment(
            monotonic_ms=self.monotonic_ms + milliseconds,
            utc=self.utc + timedelta(milliseconds=milliseconds),
        )

    def seconds_since(self, start: Moment) -> float:
        """Elapsed seconds, never negative."""
        return max(self.monotonic_ms - start.monotonic_ms, 0) / 1000

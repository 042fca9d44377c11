"""What the whole demo looked like so far: the last happenings, and sums for each issue. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from symphony.demo.happenings import Happening, happenings
from symphony.demo.words import is_warning
from symphony.domain.ids import RunId
from symphony.domain.run import TokenUsage
from symphony.scheduler.snapshot import RunningRow, Snapshot

KEPT_HAPPENINGS: Final = 200
"""More than any terminal has lines."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """One issue. `failures` counts failed runs in a row, `error` is the last reason for one."""

    state: str = ""
    runs: dict[RunId, RunningRow] = field(default_factory=dict[RunId, RunningRow])
    failures: int = 0
    error: str | None = None
    question: str | None = None

    @property
    def turns(self) -> int:
        return sum(row.turn_count for row in self.runs.values())

    @property
    def tokens(self) -> int | None:
        """None where no run reported any."""
        known: list[TokenUsage] = [row.tokens for row in self.runs.values() if row.tokens]
        return sum(usage.total_tokens for usage in known) if known else None

    @property
    def seconds(self) -> float:
        return sum(row.seconds for row in self.runs.values())


class History:
    """Fed with one snapshot after another."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self.latest: Snapshot | None = None
        self.started_at: datetime | None = None
        self._warnings: set[str] = set()
        self._recent: deque[Happening] = deque(maxlen=KEPT_HAPPENINGS)

    @property
    def recent(self) -> Sequence[Happening]:
        return tuple(self._recent)

    def take(self, snapshot: Snapshot) -> Sequence[Happening]:
        """What is new with this snapshot."""
        news: Sequence[Happening] = ()
        if self.latest is not None:
            told = happenings(self.latest, snapshot)
            news = tuple(each for each in told if self._is_news(each.text))
        else:
            self.started_at = snapshot.generated_at
        self.latest = snapshot
        self._recent.extend(news)
        self._count(snapshot)
        return news

    def seconds(self, at: datetime) -> float:
        """How long after the first snapshot this was."""
        start = self.started_at or at
        return max((at - start).total_seconds(), 0.0)

    def _is_news(self, text: str) -> bool:
        if not is_warning(text):
            return True
        is_new = text not in self._warnings
        self._warnings.add(text)
        return is_new

    def _count(self, snapshot: Snapshot) -> None:
        for waiting in snapshot.skipped:
            self._tally(waiting.issue.identifier).state = waiting.issue.state
        for row in snapshot.running:
            tally = self._tally(row.issue.identifier)
            tally.state = row.issue.state
            tally.runs[row.run_id] = row
        for retry in snapshot.retrying:
            tally = self._tally(retry.issue.identifier)
            tally.state = retry.issue.state
            failed = retry.kind == "failure"
            tally.failures = retry.attempt if failed else 0
            tally.error = retry.error if failed else None
        for blocked in snapshot.blocked:
            self._tally(blocked.issue.identifier).question = blocked.question
        for issue in snapshot.cleaning:
            self._tally(issue.identifier).state = issue.state

    def _tally(self, identifier: str) -> Tally:
        return self.tallies.setdefault(identifier, Tally())

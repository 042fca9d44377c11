"""Sums that are kept beside the scheduler and compared with its own: tokens, time, a rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from symphony.domain.run import Failed, TokenUsage, UsageReported
from symphony.domain.settings import Settings
from symphony.scheduler.events import (
    CandidatesRead,
    Event,
    IssuesRead,
    ReadFailure,
    RunEnded,
    TerminalRead,
    WorkflowAccepted,
)
from symphony.scheduler.state import SchedulerState
from tests.support.simulation.runs import SimulatedRun

LONGEST_REST_MS = 3_600_000


@dataclass(slots=True)
class Tokens:
    """What all runs together have used: of each thread the highest total, without its baseline."""

    total: int = 0
    seconds: float = 0.0

    def take(self, run: SimulatedRun, report: UsageReported) -> None:
        before = run.seen.get(report.thread_id, TokenUsage())
        now = replace(
            before,
            input_tokens=max(before.input_tokens, report.total.input_tokens),
            output_tokens=max(before.output_tokens, report.total.output_tokens),
            total_tokens=max(before.total_tokens, report.total.total_tokens),
        )
        run.seen[report.thread_id] = now
        if not report.is_baseline:
            self.total += now.total_tokens - before.total_tokens

    def compare(self, state: SchedulerState, now_ms: int) -> None:
        shown = state.totals.total_tokens
        assert shown >= 0, "totals shrank below zero"
        assert shown == self.total, f"{shown} tokens are counted instead of {self.total}"
        started = (one.started.monotonic_ms for one in state.running.values())
        seconds = state.ended_seconds + sum(now_ms - each for each in started) / 1_000
        assert seconds >= self.seconds - 1e-3, "running time shrank"
        self.seconds = seconds


@dataclass(slots=True)
class Rest:
    """Until when the tracker in force wants to be left alone."""

    until_ms: int = 0
    asked: Settings | None = None
    tracker: object = field(default=None)

    def note(
        self, event: Event, asked: Settings | None, run: SimulatedRun | None, now_ms: int
    ) -> None:
        """`asked`: the settings that the question, or the run, had; None: its answer is past."""
        match event:
            case WorkflowAccepted(settings=bound):
                if self.tracker is not None and self.tracker != _who(bound):
                    self.until_ms = 0
                self.tracker = _who(bound)
            case IssuesRead(answer=answer) | CandidatesRead(answer=answer):
                self._take(answer, asked, now_ms)
            case TerminalRead(answer=answer):
                self._take(answer, asked, now_ms)
            case RunEnded(outcome=Failed(retry_after_ms=int(wish))) if run is not None:
                self._rest(wish, asked, now_ms)
            case _:
                pass

    def judge_read(self, now_ms: int) -> None:
        assert now_ms >= self.until_ms, "a read although the provider wants none"

    def _take(
        self, answer: Iterable[object] | ReadFailure, asked: Settings | None, at: int
    ) -> None:
        if isinstance(answer, ReadFailure) and answer.retry_after_ms is not None:
            self._rest(answer.retry_after_ms, asked, at)

    def _rest(self, wish: int, asked: Settings | None, now_ms: int) -> None:
        if asked is not None and (self.tracker is None or _who(asked) == self.tracker):
            self.until_ms = max(self.until_ms, now_ms + min(wish, LONGEST_REST_MS))


def _who(bound: Settings) -> object:
    """What tells one tracker from another."""
    return bound.tracker.kind, tuple(sorted(map(str, bound.tracker.provider.items())))

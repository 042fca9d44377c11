"""Snapshots made by hand, for tests of what is shown of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from symphony.domain.ids import IssueId, IssueIdentifier, RunId
from symphony.domain.issue import BlockerRef, Issue
from symphony.domain.run import TokenUsage
from symphony.scheduler.snapshot import BlockedRow, RetryRow, RunningRow, Snapshot
from symphony.scheduler.state import LastPoll, RecentEvent, Waiting

START = datetime(2026, 1, 1, tzinfo=UTC)

EMPTY = Snapshot(
    generated_at=START,
    running=(),
    retrying=(),
    blocked=(),
    skipped=(),
    cleaning=(),
    free_slots=3,
    max_concurrent_agents=3,
    completed_runs=0,
    totals=TokenUsage(),
    seconds_running=0.0,
    rate_limits=None,
    last_poll=None,
    workflow_problem=None,
    reads_held_ms=0,
    draining=False,
)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def issue(
    name: str = "DUR-1",
    *,
    state: str = "Todo",
    title: str = "A title",
    blocked_by: Sequence[tuple[str, str]] = (),
) -> Issue:
    return Issue(
        id=IssueId(name),
        identifier=IssueIdentifier(name),
        title=title,
        state=state,
        dispatchable=not blocked_by,
        blocked_by=tuple(BlockerRef(identifier=who, state=how) for who, how in blocked_by),
    )


def said(*messages: str, event: str = "notification") -> tuple[RecentEvent, ...]:
    return tuple(RecentEvent(at=START, event=event, message=message) for message in messages)


def running(
    of: Issue,
    *,
    run: int = 1,
    attempt: int | None = None,
    phase: str = "streaming_turn",
    turns: int = 1,
    recent: Sequence[RecentEvent] = (),
    tokens: int | None = None,
    seconds: float = 1.0,
    stopping: str | None = None,
) -> RunningRow:
    return RunningRow(
        issue=of,
        run_id=RunId(run),
        attempt=attempt,
        phase=phase,
        stopping=stopping,
        session_id=None,
        turn_count=turns,
        pid=None,
        workspace_path=None,
        started_at=START,
        seconds=seconds,
        last_event=None,
        last_message="",
        last_event_at=None,
        tokens=None if tokens is None else TokenUsage(total_tokens=tokens),
        recent=tuple(recent),
    )


def retry(
    of: Issue,
    *,
    kind: str = "failure",
    due_in_ms: int = 1_500,
    error: str | None = "turn_failed: no luck",
    waiting_for: str = "time",
    attempt: int = 1,
) -> RetryRow:
    return RetryRow(
        issue=of,
        attempt=attempt,
        kind=kind,
        due_at=START,
        due_in_ms=due_in_ms,
        error=error,
        waiting_for=waiting_for,
    )


def blocked(of: Issue, question: str = "which one?") -> BlockedRow:
    return BlockedRow(issue=of, number=7, request="user_input", question=question, since=START)


def waiting(
    of: Issue, code: str = "no_global_slot", reason: str = "all slots are in use"
) -> Waiting:
    return Waiting(issue=of, code=code, reason=reason)


def polled(snapshot: Snapshot, candidates: int, *, seconds: float = 0.0) -> Snapshot:
    return replace(snapshot, last_poll=LastPoll(at=after(seconds), candidates=candidates))

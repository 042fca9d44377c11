"""What the daemon does now, as values for people and programs (SPEC.md section 13.3).

A snapshot is computed from the scheduler's state alone and shares nothing that changes later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from symphony.domain.ids import IssueId, RunId
from symphony.domain.issue import Issue
from symphony.domain.json import JsonObject
from symphony.domain.run import TokenUsage
from symphony.scheduler.moment import Moment
from symphony.scheduler.ordering import in_dispatch_order
from symphony.scheduler.reads import held_ms
from symphony.scheduler.state import LastPoll, RecentEvent, Running, SchedulerState, Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningRow:
    """`tokens` is None until the agent reported any."""

    issue: Issue
    run_id: RunId
    attempt: int | None
    phase: str
    stopping: str | None
    session_id: str | None
    turn_count: int
    pid: int | None
    workspace_path: str | None
    started_at: datetime
    seconds: float
    last_event: str | None
    last_message: str
    last_event_at: datetime | None
    tokens: TokenUsage | None
    recent: tuple[RecentEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRow:
    """`due_in_ms` is never negative. `waiting_for`: time, slot, workflow or refresh."""

    issue: Issue
    attempt: int
    kind: str
    due_at: datetime
    due_in_ms: int
    error: str | None
    waiting_for: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedRow:
    """`number` tells the question from any other that this daemon was ever asked."""

    issue: Issue
    number: int
    request: str
    question: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """`skipped` holds the candidates of the last poll that were not started, in dispatch order.

    `seconds_running` includes runs that still go on (`usage.runtime.live`). `reads_held_ms` is how
    long the provider still wants no requests.
    """

    generated_at: datetime
    running: tuple[RunningRow, ...]
    retrying: tuple[RetryRow, ...]
    blocked: tuple[BlockedRow, ...]
    skipped: tuple[Waiting, ...]
    cleaning: tuple[Issue, ...]
    free_slots: int
    max_concurrent_agents: int
    completed_runs: int
    totals: TokenUsage
    seconds_running: float
    rate_limits: JsonObject | None
    last_poll: LastPoll | None
    workflow_problem: str | None
    reads_held_ms: int
    draining: bool


def take_snapshot(state: SchedulerState, now: Moment) -> Snapshot:
    """The state as it is at this moment."""
    limit = state.settings.agent.max_concurrent_agents
    held = state.hold_reads_until_ms
    skipped = in_dispatch_order(row.issue for row in _unclaimed(state).values())
    return Snapshot(
        generated_at=now.utc,
        running=tuple(_running_row(entry, now) for entry in state.running.values()),
        retrying=_retry_rows(state, now),
        blocked=tuple(
            BlockedRow(
                issue=entry.issue,
                number=entry.epoch,
                request=entry.request,
                question=entry.question,
                since=entry.since.utc,
            )
            for entry in state.parked.values()
        ),
        skipped=tuple(state.waiting[issue.id] for issue in skipped),
        cleaning=tuple(entry.issue for entry in state.cleaning.values()),
        free_slots=max(limit - len(state.running), 0),
        max_concurrent_agents=limit,
        completed_runs=state.completed_runs,
        totals=state.totals,
        seconds_running=state.ended_seconds
        + sum(now.seconds_since(entry.started) for entry in state.running.values()),
        rate_limits=state.rate_limits,
        last_poll=state.last_poll,
        workflow_problem=state.workflow_problem,
        reads_held_ms=max((held or 0) - now.monotonic_ms, 0),
        draining=state.draining,
    )


def _unclaimed(state: SchedulerState) -> dict[IssueId, Waiting]:
    """Waiting rows without those that the other lists show already."""
    shown = state.running.keys() | state.retrying.keys() | state.parked.keys()
    return {key: row for key, row in state.waiting.items() if key not in shown}


def _running_row(entry: Running, now: Moment) -> RunningRow:
    return RunningRow(
        issue=entry.issue,
        run_id=entry.run_id,
        attempt=entry.attempt,
        phase=entry.phase.value,
        stopping=None if entry.stopping is None else entry.stopping.value,
        session_id=entry.session_id,
        turn_count=entry.turn_count,
        pid=entry.pid,
        workspace_path=entry.workspace_path,
        started_at=entry.started.utc,
        seconds=now.seconds_since(entry.started),
        last_event=entry.last_event,
        last_message=entry.last_message,
        last_event_at=entry.last_event_at,
        tokens=entry.usage.spent if entry.usage.measured else None,
        recent=tuple(entry.recent),
    )


def _retry_rows(state: SchedulerState, now: Moment) -> tuple[RetryRow, ...]:
    queued = sorted(state.retrying.values(), key=lambda retry: retry.due.monotonic_ms)
    # The provider's wish to be left alone comes on top of a retry's own wait.
    rows = [(retry, retry.due.plus(held_ms(state, retry.due))) for retry in queued]
    return tuple(
        RetryRow(
            issue=retry.issue,
            attempt=retry.attempt,
            kind=retry.kind,
            due_at=due.utc,
            due_in_ms=max(due.monotonic_ms - now.monotonic_ms, 0),
            error=retry.error,
            waiting_for=retry.waiting_for,
        )
        for retry, due in rows
    )

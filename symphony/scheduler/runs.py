"""What a run reports, and what its end means.

A report or an end of a run that is not current any more changes nothing (`run.events.stale`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from symphony.domain.issue import Issue, state_key
from symphony.domain.run import (
    AgentActivity,
    AgentProcessStarted,
    Failed,
    IssueRefreshed,
    NeedsPerson,
    OperatorAnswer,
    PhaseEntered,
    RateLimitsReported,
    RunOutcome,
    RunPhase,
    Stopped,
    StopReason,
    Succeeded,
    TurnStarted,
    UsageReported,
    WorkspacePrepared,
)
from symphony.scheduler.commands import Announce, Command
from symphony.scheduler.dispatch import slot_freed
from symphony.scheduler.events import RunEnded, RunReported
from symphony.scheduler.moment import Moment
from symphony.scheduler.parking import hold_run, park
from symphony.scheduler.ratelimits import merge
from symphony.scheduler.reads import hold_for
from symphony.scheduler.state import RecentEvent, Running, SchedulerState
from symphony.scheduler.transitions import (
    clean,
    queue_continuation,
    queue_failure,
    release,
)
from symphony.scheduler.usage import add

_RELEASING = {StopReason.NOT_ACTIVE, StopReason.NOT_ROUTABLE, StopReason.NOT_VISIBLE}


def run_reported(state: SchedulerState, event: RunReported, now: Moment) -> list[Command]:
    entry = state.running_by_run(event.run_id)
    if entry is None:
        return []
    match event.update:
        case PhaseEntered(phase=phase):
            entry.phase = phase
        case WorkspacePrepared(path=path):
            entry.workspace_path = path
        case AgentProcessStarted(pid=pid):
            entry.pid = pid
        case TurnStarted() as turn:
            entry.thread_id, entry.turn_id = turn.thread_id, turn.turn_id
            entry.turn_count = turn.number
            _heard(entry, AgentActivity(event="turn_started"), now)
        case AgentActivity() as activity:
            _heard(entry, activity, now)
        case UsageReported() as report:
            state.totals = add(state.totals, entry.usage.take(report))
            entry.last_progress_ms = now.monotonic_ms
        case RateLimitsReported(limits=limits):
            state.rate_limits = merge(state.rate_limits, limits)
            entry.last_progress_ms = now.monotonic_ms
        case IssueRefreshed(issue=issue):
            return _refreshed(state, entry, issue, now)
        case _:
            assert_never(event.update)
    return []


def _refreshed(state: SchedulerState, entry: Running, issue: Issue, now: Moment) -> list[Command]:
    """The run counts under the new state at once; that may free a slot of the old one."""
    if issue.id != entry.issue.id:
        return []
    before = state_key(entry.issue.state)
    entry.issue = issue
    return slot_freed(state, now) if state_key(issue.state) != before else []


def _heard(entry: Running, activity: AgentActivity, now: Moment) -> None:
    entry.last_event, entry.last_message = activity.event, activity.message
    entry.last_event_at = now.utc
    entry.recent.append(RecentEvent(at=now.utc, event=activity.event, message=activity.message))
    if activity.is_progress:
        entry.last_progress_ms = now.monotonic_ms


def run_ended(state: SchedulerState, event: RunEnded, now: Moment) -> list[Command]:
    entry = state.running_by_run(event.run_id)
    if entry is None:
        return []
    del state.running[entry.issue.id]
    if isinstance(event.outcome, Failed):
        # Also of a run that was being stopped: the wait is the account's, not the run's.
        hold_for(state, event.outcome.retry_after_ms, now, entry.settings)
    seconds = now.seconds_since(entry.started)
    state.ended_seconds += seconds
    phase = end_phase(entry, event.outcome)
    ended = _announce_end(entry, event.outcome, phase, seconds)
    return [ended, *_after(state, entry, event.outcome, now), *slot_freed(state, now)]


def _after(
    state: SchedulerState, entry: Running, outcome: RunOutcome, now: Moment
) -> list[Command]:
    if state.draining:
        # A workspace that should go is found again by the next start (`cli.stop.workspaces_kept`).
        return []
    if entry.stopping is StopReason.TERMINAL:
        return clean(state, entry.issue, entry.place, now)
    if entry.stopping in _RELEASING:
        return release(state, entry.issue, entry.stopping.value)
    if entry.stopping is StopReason.OPERATOR:
        return hold_run(state, entry, now)
    match outcome:
        case Succeeded():
            state.completed_runs += 1
            return queue_continuation(state, entry, now)
        case NeedsPerson():
            return park(state, entry, outcome, now)
        case Failed():
            error = str(outcome)
        case Stopped(reason=reason):
            error = f"stopped: {reason.value}"
        case _:
            assert_never(outcome)
    if entry.stopping is StopReason.STALLED:
        error = "stalled: the agent was silent for longer than codex.stall_timeout_ms"
    return queue_failure(
        state,
        entry.issue,
        failures=entry.failures + 1,
        error=error,
        now=now,
        place=entry.place,
        answer=_unused_answer(entry),
    )


def _unused_answer(entry: Running) -> OperatorAnswer | None:
    """The answer that the next run needs as well. A thread that took it and failed is given up:
    it may fail for what is in it (`operator.answer.kept`)."""
    if entry.answer is None or entry.turn_count == 0:
        return entry.answer
    return replace(entry.answer, thread_id=None)


def end_phase(entry: Running, outcome: RunOutcome) -> RunPhase:
    """The terminal phase of a run. Why it was stopped goes before how it broke meanwhile."""
    if isinstance(outcome, Succeeded):
        return RunPhase.SUCCEEDED
    if entry.stopping is StopReason.STALLED:
        return RunPhase.STALLED
    if entry.stopping is not None:
        return RunPhase.CANCELED_BY_RECONCILIATION
    if isinstance(outcome, Failed) and outcome.category in {"turn_timeout", "response_timeout"}:
        return RunPhase.TIMED_OUT
    return RunPhase.FAILED


def _announce_end(entry: Running, outcome: RunOutcome, phase: RunPhase, seconds: float) -> Announce:
    reason = str(outcome) if isinstance(outcome, Failed) else None
    if entry.stopping is not None:
        reason = entry.stopping.value
    spent = entry.usage.spent
    fields: dict[str, str | int | float | bool | None] = {
        "run_id": entry.run_id,
        "session_id": entry.session_id,
        "outcome": phase.value,
        "reason": reason,
        "attempt": entry.attempt,
        "turns": entry.turn_count,
        "seconds": round(seconds, 3),
    }
    if entry.usage.measured:
        fields |= {
            "input_tokens": spent.input_tokens,
            "output_tokens": spent.output_tokens,
            "total_tokens": spent.total_tokens,
        }
    issue = entry.issue
    return Announce(
        name="run_ended",
        level="info" if isinstance(outcome, Succeeded | Stopped) else "warning",
        issue_id=issue.id,
        identifier=issue.identifier,
        fields={key: value for key, value in fields.items() if value is not None},
    )

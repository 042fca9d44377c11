"""Following what happens to issues while they run or are parked (`reconcile.*`, `stall.*`)."""

from __future__ import annotations

from symphony.domain.ids import IssueId
from symphony.domain.issue import Issue
from symphony.domain.run import StopReason
from symphony.scheduler.commands import Announce, Command
from symphony.scheduler.eligibility import is_routable
from symphony.scheduler.events import ForParking, ForReconciliation, IssuesRead, ReadFailure
from symphony.scheduler.moment import Moment
from symphony.scheduler.reads import hold_reads
from symphony.scheduler.state import Parked, Running, SchedulerState
from symphony.scheduler.transitions import announce, clean, release, stop_run


def stop_stalled(state: SchedulerState, now: Moment) -> list[Command]:
    """Stop runs whose agent was silent for longer than allowed."""
    limit = state.settings.codex.stall_timeout_ms
    if limit <= 0:
        return []
    commands: list[Command] = []
    for entry in state.running.values():
        if silent_ms(entry, now) > limit:
            commands += stop_run(entry, StopReason.STALLED)
    return commands


def silent_ms(entry: Running, now: Moment) -> int:
    """Time since the last progress of the agent, or since the start where there was none."""
    since = entry.last_progress_ms
    return now.monotonic_ms - (entry.started.monotonic_ms if since is None else since)


def reconcile(
    state: SchedulerState, purpose: ForReconciliation, event: IssuesRead, now: Moment
) -> list[Command]:
    """Judge the runs and parked issues that were current when the read was asked for."""
    if isinstance(event.answer, ReadFailure):
        reason = {"reason": str(event.answer)}
        return [Announce(name="reconcile_read_failed", level="warning", fields=reason)]
    fresh = {issue.id: issue for issue in event.answer}
    commands: list[Command] = []
    for issue_id, run_id in purpose.runs:
        entry = state.running.get(issue_id)
        if entry is not None and entry.run_id == run_id and entry.stopping is None:
            commands += _judge_run(state, entry, fresh.get(issue_id))
    for issue_id in purpose.parked:
        parked = state.parked.get(issue_id)
        if parked is not None:
            commands += _judge_parked(state, parked, fresh.get(issue_id), now)
    return commands


def _judge_run(state: SchedulerState, entry: Running, issue: Issue | None) -> list[Command]:
    if issue is None:
        return stop_run(entry, StopReason.NOT_VISIBLE)
    entry.issue = issue
    if state.is_terminal(issue):
        return stop_run(entry, StopReason.TERMINAL)
    if not state.is_active(issue):
        return stop_run(entry, StopReason.NOT_ACTIVE)
    if not is_routable(issue, state.settings.tracker):
        return stop_run(entry, StopReason.NOT_ROUTABLE)
    return []


def _judge_parked(
    state: SchedulerState, parked: Parked, issue: Issue | None, now: Moment
) -> list[Command]:
    if issue is None:
        return release(state, parked.issue, "not visible any more")
    if state.is_terminal(issue):
        return clean(state, issue, parked.place, now)
    if not state.is_active(issue) or not is_routable(issue, state.settings.tracker):
        return release(state, issue, "not active or not routable any more")
    if parked.baseline is None and parked.asked is not None:
        parked.baseline = parked.issue = issue
        return []
    # Where the read for the baseline failed, nobody knows who changed what the run saw last. A run
    # too many asks once more; an answer taken for the question would never be noticed.
    if content(issue) != content(parked.baseline or parked.issue):
        return release(state, issue, "the issue was changed after the question")
    return []


def parked_read(
    state: SchedulerState, purpose: ForParking, event: IssuesRead, now: Moment
) -> list[Command]:
    """Keep the issue as the agent left it, to notice when a person changes it."""
    parked = state.parked.get(purpose.issue_id)
    if parked is None or parked.epoch != purpose.epoch:
        return []
    asked_with, parked.asked = parked.asked, None
    if isinstance(event.answer, ReadFailure):
        hold_reads(state, event.answer, now, asked_with)
        return []
    fresh = next((issue for issue in event.answer if issue.id == purpose.issue_id), None)
    if fresh is not None and parked.baseline is None:
        parked.baseline = fresh
        parked.issue = fresh
    return []


def content(issue: Issue) -> tuple[str, tuple[str, ...], str, str | None]:
    """What a person changes to answer a parked issue: state, labels, title, text."""
    return issue.state.strip().lower(), tuple(sorted(issue.labels)), issue.title, issue.description


def terminal_found(state: SchedulerState, issues: tuple[Issue, ...], now: Moment) -> list[Command]:
    """At start: remove the workspaces of issues that ended while no daemon ran."""
    commands: list[Command] = []
    for issue in issues:
        if state.claim_of(issue.id) is None and state.is_terminal(issue):
            commands.append(announce("terminal_workspace_found", issue, state=issue.state))
            commands += clean(state, issue, None, now)
    return commands


def watched_ids(purpose: ForReconciliation) -> tuple[IssueId, ...]:
    """The ids that one reconciliation reads."""
    return (*(issue_id for issue_id, _ in purpose.runs), *purpose.parked)

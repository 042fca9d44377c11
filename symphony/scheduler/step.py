"""The one door to the scheduler: `step(state, event, now) -> commands`.

Follow a piece of work from here: `ticks` asks and `dispatch` starts, `runs` hears the end and
`transitions` moves the issue on, `retries` and `dispatch` use what became free.
"""

from __future__ import annotations

from typing import assert_never

from symphony.domain.run import StopReason
from symphony.scheduler.commands import Announce, Command, DropWorkflow, KeepWorkspaces
from symphony.scheduler.dispatch import drop_refill, refill_due, refill_read, slot_freed
from symphony.scheduler.events import (
    CandidatesRead,
    DaemonStarted,
    Event,
    ForParking,
    ForReconciliation,
    ForRefill,
    ForRetry,
    IssuesRead,
    OperatorAnswered,
    OperatorStopped,
    PollRequested,
    RefillDue,
    RetryDue,
    RunEnded,
    RunReported,
    ShutdownRequested,
    TerminalRead,
    TickDue,
    WorkflowAccepted,
    WorkflowChecked,
    WorkflowRejected,
    WorkspaceRemoved,
)
from symphony.scheduler.moment import Moment
from symphony.scheduler.operator import operator_answered, operator_stopped
from symphony.scheduler.reads import is_same_tracker
from symphony.scheduler.reconcile import parked_read
from symphony.scheduler.retries import forget_hold, retry_due, retry_read, wake_after_workflow
from symphony.scheduler.runs import run_ended, run_reported
from symphony.scheduler.state import SchedulerState
from symphony.scheduler.ticks import (
    begin_when_clean,
    candidates_read,
    daemon_started,
    poll_now,
    reconciliation_read,
    terminal_read,
    tick_due,
    workflow_checked,
)
from symphony.scheduler.transitions import announce, stop_run

# A daemon that stops waits for its runs and removals; whatever else comes would only start work.
_WHILE_DRAINING = (RunReported, RunEnded, WorkspaceRemoved, ShutdownRequested)


def step(state: SchedulerState, event: Event, now: Moment) -> list[Command]:  # noqa: C901
    """Change `state` by one event and return what must be done, in order."""
    if state.draining and not isinstance(event, _WHILE_DRAINING):
        return []
    match event:
        case TickDue():
            return tick_due(state, event, now)
        case RetryDue():
            return retry_due(state, event, now)
        case RefillDue():
            return refill_due(state, event, now)
        case IssuesRead():
            return _issues_read(state, event, now)
        case CandidatesRead():
            return candidates_read(state, event, now)
        case WorkflowChecked():
            return workflow_checked(state, event, now)
        case RunReported():
            return run_reported(state, event, now)
        case RunEnded():
            return run_ended(state, event, now)
        case WorkspaceRemoved():
            return _workspace_removed(state, event, now)
        case WorkflowAccepted():
            return _workflow_accepted(state, event, now)
        case WorkflowRejected():
            state.workflow_problem = event.reason
            return []
        case PollRequested():
            return poll_now(state, now)
        case OperatorAnswered():
            return operator_answered(state, event, now)
        case OperatorStopped():
            return operator_stopped(state, event, now)
        case DaemonStarted():
            return daemon_started(state)
        case TerminalRead():
            return terminal_read(state, event, now)
        case ShutdownRequested():
            return _shutdown(state)
        case _:
            assert_never(event)


def _issues_read(state: SchedulerState, event: IssuesRead, now: Moment) -> list[Command]:
    match event.purpose:
        case ForReconciliation() as purpose:
            return reconciliation_read(state, purpose, event, now)
        case ForRefill() as purpose:
            return refill_read(state, purpose, event, now)
        case ForRetry() as purpose:
            return retry_read(state, purpose, event, now)
        case ForParking() as purpose:
            return parked_read(state, purpose, event, now)
        case _:
            assert_never(event.purpose)


def _workflow_accepted(
    state: SchedulerState, event: WorkflowAccepted, now: Moment
) -> list[Command]:
    """New settings hold at once: poll with them, let waiting retries go on, use raised limits.

    What was asked with the old settings may come from another tracker, so it starts nothing
    (`reload.apply.states`): it is asked again.
    """
    before, state.settings = state.settings, event.settings
    state.workflow_problem = None
    drop_refill(state)
    moved = [] if is_same_tracker(before, event.settings) else forget_hold(state)
    woken = wake_after_workflow(state, now)
    dropped = DropWorkflow(settings=before)
    return [*moved, *woken, *poll_now(state, now), *slot_freed(state, now), dropped]


def _workspace_removed(
    state: SchedulerState, event: WorkspaceRemoved, now: Moment
) -> list[Command]:
    cleaning = state.cleaning.pop(event.issue_id, None)
    if cleaning is None:
        return []
    issue = cleaning.issue
    state.settle(issue.id)
    if event.kept:
        return [announce("workspace_kept", issue)]
    removed = Announce(
        name="workspace_removed" if event.problem is None else "workspace_removal_failed",
        level="info" if event.problem is None else "warning",
        issue_id=issue.id,
        identifier=issue.identifier,
        fields={} if event.problem is None else {"reason": event.problem},
    )
    return [removed, *begin_when_clean(state, now)]


def _shutdown(state: SchedulerState) -> list[Command]:
    state.draining = True
    commands: list[Command] = [KeepWorkspaces()]
    for entry in state.running.values():
        commands += stop_run(entry, StopReason.SHUTDOWN)
    return commands

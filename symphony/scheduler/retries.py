"""What happens when a retry is due (`retry.refresh.*`): the issue is read again, then judged.

A queued retry is a claim. It ends in a new run, in another wait, in the removal of the workspace,
or in a release; nothing else dispatches the issue meanwhile.
"""

from __future__ import annotations

from symphony.domain.issue import Issue
from symphony.scheduler.commands import Command, ReadIssues
from symphony.scheduler.eligibility import Judge
from symphony.scheduler.events import ForRetry, IssuesRead, ReadFailure, RetryDue
from symphony.scheduler.moment import Moment
from symphony.scheduler.reads import hold_reads, reads_are_held
from symphony.scheduler.slots import Slots
from symphony.scheduler.state import Retry, SchedulerState
from symphony.scheduler.transitions import (
    arm_retry,
    clean,
    queue_failure,
    release,
    requeue_for_slot,
    start_run,
)

REFRESH_FAILED = "retry refresh failed"


def retry_due(state: SchedulerState, event: RetryDue, now: Moment) -> list[Command]:
    """The wait is over, unless this timer belongs to an earlier retry of the issue."""
    retry = state.retrying.get(event.issue_id)
    if retry is None or retry.epoch != event.epoch or retry.waiting_for == "refresh":
        return []
    return _refresh(state, retry, now)


def wake_for_slot(state: SchedulerState, now: Moment) -> list[Command]:
    """Retries that wait for a slot go first, the longest waiting one before the others."""
    slots = Slots(state)
    judge = Judge(state, slots)
    commands: list[Command] = []
    waiting = [retry for retry in state.retrying.values() if retry.waiting_for == "slot"]
    for retry in sorted(waiting, key=lambda entry: entry.due.monotonic_ms):
        if slots.available(retry.issue.state) and not judge.identifier_is_taken(retry.issue):
            slots.take(retry.issue.state)
            retry.due = now
            commands += _refresh(state, retry, now)
    return commands


def wake_after_workflow(state: SchedulerState, now: Moment) -> list[Command]:
    """WORKFLOW.md is valid, and new: retries that were due go on, or are read with it again."""
    commands: list[Command] = []
    for retry in state.retrying.values():
        if retry.waiting_for in ("workflow", "refresh"):
            retry.waiting_for = "time"
            retry.epoch = state.next_epoch()
            commands += _refresh(state, retry, now)
    return commands


def forget_hold(state: SchedulerState) -> list[Command]:
    """Another tracker is asked from now on: what one provider wished does not bind the next."""
    state.hold_reads_until_ms = None
    waiting = [retry for retry in state.retrying.values() if retry.waiting_for in ("time", "slot")]
    return [arm_retry(state, retry) for retry in waiting]


def _refresh(state: SchedulerState, retry: Retry, now: Moment) -> list[Command]:
    if reads_are_held(state, now):
        return [arm_retry(state, retry)]
    retry.waiting_for = "refresh"
    purpose = ForRetry(issue_id=retry.issue.id, epoch=retry.epoch)
    return [ReadIssues(purpose=purpose, ids=(retry.issue.id,), settings=state.settings)]


def retry_read(
    state: SchedulerState, purpose: ForRetry, event: IssuesRead, now: Moment
) -> list[Command]:
    """Judge the fresh snapshot of a retried issue; a slot that it leaves wakes the next one."""
    retry = state.retrying.get(purpose.issue_id)
    if retry is None or retry.epoch != purpose.epoch or retry.waiting_for != "refresh":
        return []
    return [*_answered(state, retry, event, now), *wake_for_slot(state, now)]


def _answered(state: SchedulerState, retry: Retry, event: IssuesRead, now: Moment) -> list[Command]:
    if isinstance(event.answer, ReadFailure):
        # A reload asks again what was asked before it.
        hold_reads(state, event.answer, now, state.settings)
        return queue_failure(
            state,
            retry.issue,
            failures=retry.failures + 1,
            error=f"{REFRESH_FAILED}: {event.answer}",
            now=now,
            place=retry.place,
            answer=retry.answer,
        )
    fresh = next((issue for issue in event.answer if issue.id == retry.issue.id), None)
    if fresh is None:
        return release(state, retry.issue, "not visible any more")
    return _judge(state, retry, fresh, now)


def _judge(state: SchedulerState, retry: Retry, issue: Issue, now: Moment) -> list[Command]:
    if state.is_terminal(issue):
        return clean(state, issue, retry.place, now)
    slots = Slots(state)
    judge = Judge(state, slots)
    block = judge.routing_block(issue)
    if block is not None:
        return release(state, issue, block.reason)
    if state.workflow_problem is not None:
        retry.issue = issue
        retry.waiting_for = "workflow"
        return []
    if not slots.available(issue.state) or judge.identifier_is_taken(issue):
        return requeue_for_slot(state, retry, issue, now)
    return start_run(state, issue, now, retry)

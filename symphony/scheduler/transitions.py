"""The moves of an issue between unclaimed, running, retrying and cleaning; `parking` has the rest.

Each function changes the state and returns what must be done. Whoever releases a slot says so by
calling `refill.slot_freed` afterwards.
"""

from __future__ import annotations

from symphony.domain.issue import Issue
from symphony.domain.run import OperatorAnswer, RunPhase, RunRequest, StopReason
from symphony.scheduler.commands import (
    Announce,
    ArmTimer,
    Command,
    RemoveWorkspace,
    RetryTimer,
    StartRun,
    StopRun,
)
from symphony.scheduler.moment import Moment
from symphony.scheduler.reads import held_ms
from symphony.scheduler.retry import CONTINUATION_DELAY_MS, NO_SLOTS, failure_delay_ms
from symphony.scheduler.state import Cleaning, Place, Retry, Running, SchedulerState


def start_run(
    state: SchedulerState, issue: Issue, now: Moment, retry: Retry | None = None
) -> list[Command]:
    """Unclaimed or retrying -> running. The caller has judged the issue and taken a slot."""
    state.retrying.pop(issue.id, None)
    state.waiting.pop(issue.id, None)
    entry = Running(
        run_id=state.next_run_id(),
        name=issue.identifier,
        issue=issue,
        attempt=retry.attempt if retry else None,
        failures=retry.failures if retry else 0,
        started=now,
        settings=state.settings,
        answer=retry.answer if retry else None,
    )
    state.running[issue.id] = entry
    request = RunRequest(
        run_id=entry.run_id,
        issue=issue,
        attempt=entry.attempt,
        answer=entry.answer,
        look_back=retry is None and not state.judged_candidates,
    )
    return [
        announce("dispatched", issue, attempt=entry.attempt, state=issue.state),
        StartRun(request=request, settings=state.settings),
    ]


def stop_run(entry: Running, reason: StopReason) -> list[Command]:
    """Ask for the end of a run, once. It stays running until its processes are gone.

    A run that finishes already is left to its end, which is bounded by the limits of processes and
    hooks; what it is stopped for counts all the same.
    """
    if entry.stopping is not None:
        return []
    entry.stopping = reason
    if entry.phase is RunPhase.FINISHING:
        return []
    return [
        announce(
            "run_stopping",
            entry.issue,
            reason=reason.value,
            run_id=entry.run_id,
            session_id=entry.session_id,
        ),
        StopRun(run_id=entry.run_id, reason=reason),
    ]


def queue_continuation(state: SchedulerState, entry: Running, now: Moment) -> list[Command]:
    """A good end: look again shortly whether the issue wants another session."""
    retry = Retry(
        issue=entry.issue,
        attempt=1,
        failures=0,
        kind="continuation",
        due=now.plus(CONTINUATION_DELAY_MS),
        epoch=state.next_epoch(),
        place=entry.place,
    )
    return queue(state, retry, CONTINUATION_DELAY_MS)


def queue_failure(
    state: SchedulerState,
    issue: Issue,
    *,
    failures: int,
    error: str,
    now: Moment,
    place: Place | None,
    answer: OperatorAnswer | None = None,
) -> list[Command]:
    """A bad end: try again after the backoff. `failures` includes this one; an `answer` that the
    agent may not have used is kept for the next run."""
    delay = failure_delay_ms(failures, state.settings.agent.max_retry_backoff_ms)
    retry = Retry(
        issue=issue,
        attempt=failures,
        failures=failures,
        kind="failure",
        due=now.plus(delay),
        epoch=state.next_epoch(),
        error=error,
        place=place,
        answer=answer,
    )
    return queue(state, retry, delay)


def requeue_for_slot(
    state: SchedulerState, retry: Retry, issue: Issue, now: Moment
) -> list[Command]:
    """No slot: wait with the same attempt. A freed slot ends the wait early."""
    delay = failure_delay_ms(retry.attempt, state.settings.agent.max_retry_backoff_ms)
    waiting = Retry(
        issue=issue,
        attempt=retry.attempt,
        failures=retry.failures,
        kind=retry.kind,
        due=now.plus(delay),
        epoch=state.next_epoch(),
        error=NO_SLOTS,
        waiting_for="slot",
        place=retry.place,
        answer=retry.answer,
    )
    return queue(state, waiting, delay)


def queue(state: SchedulerState, retry: Retry, delay_ms: int) -> list[Command]:
    """Any claim -> retrying. Whoever ended the other claim has taken the issue out of its map."""
    issue = retry.issue
    state.retrying[issue.id] = retry
    return [
        announce(
            "retry_scheduled",
            issue,
            attempt=retry.attempt,
            kind=retry.kind,
            delay_ms=delay_ms + held_ms(state, retry.due),
            reason=retry.error,
        ),
        arm_retry(state, retry),
    ]


def arm_retry(state: SchedulerState, retry: Retry) -> ArmTimer:
    """When its wait is over, and not before the provider wants to be asked again."""
    timer = RetryTimer(issue_id=retry.issue.id, epoch=retry.epoch)
    return ArmTimer(timer=timer, due_ms=retry.due.plus(held_ms(state, retry.due)).monotonic_ms)


def clean(state: SchedulerState, issue: Issue, place: Place | None, now: Moment) -> list[Command]:
    """Any claim -> cleaning. The issue stays claimed until its directory is gone. `place` is None
    where no run of this daemon worked on the issue; what another issue uses is then left alone."""
    holder = state.identifiers_in_use().get(issue.identifier, issue.id)
    if place is None and holder != issue.id:
        return release(state, issue, f"another issue is called {issue.identifier}")
    state.retrying.pop(issue.id, None)
    state.parked.pop(issue.id, None)
    state.cleaning[issue.id] = Cleaning(issue=issue, since=now, place=place)
    if place is None:
        return [RemoveWorkspace(issue=issue, path=None, settings=state.settings)]
    return [RemoveWorkspace(issue=issue, path=place.path, settings=place.settings)]


def release(state: SchedulerState, issue: Issue, reason: str) -> list[Command]:
    """Any claim -> unclaimed. Who ended a run has taken it out of `running` before."""
    state.retrying.pop(issue.id, None)
    state.parked.pop(issue.id, None)
    state.settle(issue.id)
    return [announce("claim_released", issue, reason=reason)]


def announce(name: str, issue: Issue, **fields: str | int | None) -> Announce:
    """A log line about an issue; fields without a value are left out."""
    return Announce(
        name=name,
        issue_id=issue.id,
        identifier=issue.identifier,
        fields={key: value for key, value in fields.items() if value is not None},
    )

"""Issues that wait for a person: claimed, not retried, visible (`policy.blocked.*`).

An issue is parked where its agent asked what only a person can answer, or where an operator stopped
it. It goes on when the issue changes, which `reconcile` sees, or when an operator answers.
"""

from __future__ import annotations

from typing import Final

from symphony.domain.issue import Issue
from symphony.domain.run import NeedsPerson, OperatorAnswer
from symphony.scheduler.commands import Announce, Command, ReadIssues
from symphony.scheduler.events import ForParking
from symphony.scheduler.moment import Moment
from symphony.scheduler.reads import reads_are_held
from symphony.scheduler.state import (
    STOPPED_BY_OPERATOR,
    Parked,
    Retry,
    Running,
    SchedulerState,
    Waiting,
)
from symphony.scheduler.transitions import announce, queue

_STOPPED_TEXT: Final = "An operator stopped it."


def park(state: SchedulerState, entry: Running, outcome: NeedsPerson, now: Moment) -> list[Command]:
    """Running -> parked, with the question of the agent."""
    parked = _of_run(state, entry, outcome.request, outcome.question, now)
    blocked = Announce(
        name="issue_blocked",
        level="warning",
        issue_id=entry.issue.id,
        identifier=entry.issue.identifier,
        fields={
            "session_id": entry.session_id,
            "request": outcome.request,
            "question": outcome.question,
        },
    )
    return [blocked, *_keep(state, parked, now)]


def hold_run(state: SchedulerState, entry: Running, now: Moment) -> list[Command]:
    """Running -> parked, because an operator stopped it."""
    return _hold(state, _of_run(state, entry, STOPPED_BY_OPERATOR, _STOPPED_TEXT, now), now)


def hold_retry(state: SchedulerState, retry: Retry, now: Moment) -> list[Command]:
    """Retrying -> parked, because an operator stopped it. An answer that waited is given up."""
    del state.retrying[retry.issue.id]
    parked = _stopped(state, retry.issue, now)
    parked.attempt, parked.place = retry.attempt, retry.place
    parked.thread_id = None if retry.answer is None else retry.answer.thread_id
    return _hold(state, parked, now)


def hold_waiting(state: SchedulerState, waiting: Waiting, now: Moment) -> list[Command]:
    """Unclaimed -> parked, because an operator stopped it before it began."""
    return _hold(state, _stopped(state, waiting.issue, now), now)


def queue_answered(state: SchedulerState, parked: Parked, text: str, now: Moment) -> list[Command]:
    """Parked -> retrying, due at once: the next run goes on with the answer when a slot is free."""
    del state.parked[parked.issue.id]
    answer = OperatorAnswer(
        thread_id=parked.thread_id, request=parked.request, question=parked.question, text=text
    )
    retry = Retry(
        issue=parked.issue,
        attempt=parked.attempt or 1,
        failures=0,
        kind="answer",
        due=now,
        epoch=state.next_epoch(),
        place=parked.place,
        answer=answer,
    )
    return queue(state, retry, 0)


def _of_run(
    state: SchedulerState, entry: Running, request: str, question: str, now: Moment
) -> Parked:
    return Parked(
        issue=entry.issue,
        request=request,
        question=question,
        since=now,
        epoch=state.next_epoch(),
        attempt=entry.attempt,
        place=entry.place,
        thread_id=entry.thread_id,
    )


def _stopped(state: SchedulerState, issue: Issue, now: Moment) -> Parked:
    """An issue of which no run goes on."""
    return Parked(
        issue=issue,
        request=STOPPED_BY_OPERATOR,
        question=_STOPPED_TEXT,
        since=now,
        epoch=state.next_epoch(),
        attempt=None,
        place=None,
    )


def _hold(state: SchedulerState, parked: Parked, now: Moment) -> list[Command]:
    held = announce("issue_held", parked.issue)
    return [held, *_keep(state, parked, now)]


def _keep(state: SchedulerState, parked: Parked, now: Moment) -> list[Command]:
    """Ask for the issue as it is now, to notice when a person changes it."""
    issue = parked.issue
    state.waiting.pop(issue.id, None)
    state.parked[issue.id] = parked
    if reads_are_held(state, now):
        return []  # The next reconciliation reads it.
    parked.asked = state.settings
    purpose = ForParking(issue_id=issue.id, epoch=parked.epoch)
    return [ReadIssues(purpose=purpose, ids=(issue.id,), settings=state.settings)]

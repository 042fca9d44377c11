"""What an operator asks for: an answer to a blocked issue, or an end of a run (`operator.*`)."""

from __future__ import annotations

from symphony.domain.run import StopReason
from symphony.scheduler.commands import Announce, Command
from symphony.scheduler.events import OperatorAnswered, OperatorStopped
from symphony.scheduler.moment import Moment
from symphony.scheduler.parking import hold_retry, hold_waiting, queue_answered
from symphony.scheduler.state import SchedulerState
from symphony.scheduler.transitions import announce, stop_run


def operator_answered(state: SchedulerState, event: OperatorAnswered, now: Moment) -> list[Command]:
    """Let the issue go on with the answer, unless its question is not open any more."""
    parked = state.parked.get(event.issue_id)
    if parked is None or parked.epoch != event.question:
        unused = Announce(name="answer_unused", level="warning", issue_id=event.issue_id)
        return [unused]
    answered = announce("question_answered", parked.issue, request=parked.request)
    return [answered, *queue_answered(state, parked, event.text, now)]


def operator_stopped(state: SchedulerState, event: OperatorStopped, now: Moment) -> list[Command]:
    """End the run, if there is one, and hold the issue. What is parked is held already; what is
    being removed has ended."""
    entry = state.running.get(event.issue_id)
    if entry is not None:
        if entry.stopping is StopReason.STALLED:
            entry.stopping = StopReason.OPERATOR  # It would be tried again.
        return stop_run(entry, StopReason.OPERATOR)
    retry = state.retrying.get(event.issue_id)
    if retry is not None:
        return hold_retry(state, retry, now)
    waiting = state.waiting.get(event.issue_id)
    if waiting is None or state.claim_of(event.issue_id) is not None:
        return []
    return hold_waiting(state, waiting, now)

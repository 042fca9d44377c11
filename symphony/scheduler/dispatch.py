"""Starting runs: the pass over the candidates of a poll, and the refill of freed slots.

A freed slot does not wait for the next poll (`refill.slot.freed`). What the last poll found and
could not start is the backlog; when a slot frees, the next ones are read again by id and judged
anew. Slots that free together are filled by one read, and a read names a bounded number of ids.
"""

from __future__ import annotations

from collections.abc import Iterable

from symphony.domain.ids import IssueId
from symphony.domain.issue import Issue
from symphony.scheduler.commands import Announce, ArmTimer, Command, ReadIssues, RefillTimer
from symphony.scheduler.eligibility import SLOT_CODES, Judge, Rule, judged
from symphony.scheduler.events import ForRefill, IssuesRead, ReadFailure, RefillDue
from symphony.scheduler.moment import Moment
from symphony.scheduler.ordering import in_dispatch_order
from symphony.scheduler.reads import hold_reads, reads_are_held
from symphony.scheduler.retries import wake_for_slot
from symphony.scheduler.slots import Slots
from symphony.scheduler.state import SchedulerState, Waiting
from symphony.scheduler.transitions import start_run

# Slots that free within this time are filled together; a person does not notice it, and instant
# runs cost a fraction of the reads.
REFILL_DELAY_MS = 50
# One request of every known provider carries this many ids.
REFILL_READ_LIMIT = 50
# Read a few more than there are slots: some will have moved on since the poll.
REFILL_SPARE = 2


# What a candidate is told that was decided about while the candidates were being read.
_OUTDATED = Rule(
    code="answer_outdated",
    passed=False,
    reason="something was decided about it while it was being read; it is read again",
)


def dispatch_candidates(
    state: SchedulerState, issues: Iterable[Issue], asked: int, now: Moment
) -> list[Command]:
    """Judge all candidates of a poll in order; the rest becomes the waiting list and backlog."""
    state.waiting = {}
    state.backlog = []
    commands = _dispatch(state, issues, asked, now)
    state.judged_candidates = True
    if not state.refill.reading:
        state.settled.clear()
    return [*commands, *want_refill(state, now)]


def _dispatch(
    state: SchedulerState, issues: Iterable[Issue], asked: int, now: Moment
) -> list[Command]:
    judge = Judge(state, Slots(state))
    commands: list[Command] = []
    for issue, block in judged(judge, issues):
        if block is None and state.is_outdated(issue.id, asked):
            block = _OUTDATED
        if block is None:
            judge.started(issue)
            commands += start_run(state, issue, now)
            continue
        if block is _OUTDATED or block.code in SLOT_CODES:
            state.backlog.append(issue)
        if issue.id not in state.running:
            waiting = Waiting(issue=issue, code=block.code, reason=block.reason)
            state.waiting[issue.id] = waiting
    return commands


def slot_freed(state: SchedulerState, now: Moment) -> list[Command]:
    """Use a freed slot: first for retries that wait for one, then for the backlog."""
    if state.draining:
        return []
    return [*wake_for_slot(state, now), *want_refill(state, now)]


def want_refill(state: SchedulerState, now: Moment) -> list[Command]:
    """Ask for a refill, unless one is under way: its end looks again."""
    refill = state.refill
    if refill.reading or refill.armed or not _refillable(state):
        return []
    refill.armed = True
    refill.epoch = state.next_epoch()
    timer = RefillTimer(epoch=refill.epoch)
    return [ArmTimer(timer=timer, due_ms=now.monotonic_ms + REFILL_DELAY_MS)]


def refill_due(state: SchedulerState, event: RefillDue, now: Moment) -> list[Command]:
    """Read the head of the backlog again, as much of it as the free slots may take."""
    refill = state.refill
    if not refill.armed or refill.epoch != event.epoch:
        return []
    refill.armed = False
    if reads_are_held(state, now):
        return []
    ids = _refillable(state)
    if not ids:
        return []
    refill.reading = True
    refill.epoch = state.next_epoch()
    purpose = ForRefill(epoch=refill.epoch)
    return [ReadIssues(purpose=purpose, ids=tuple(ids), settings=state.settings)]


def refill_read(
    state: SchedulerState, purpose: ForRefill, event: IssuesRead, now: Moment
) -> list[Command]:
    """Judge the fresh snapshots; what a slot still holds back returns to the backlog."""
    refill = state.refill
    if not refill.reading or refill.epoch != purpose.epoch:
        return []
    refill.reading = False
    if isinstance(event.answer, ReadFailure):
        # A reload drops what was asked before it.
        hold_reads(state, event.answer, now, state.settings)
        return [_refill_failed(event.answer)]
    asked = set(event.ids)
    kept = [issue for issue in state.backlog if issue.id not in asked]
    for gone in asked:
        state.waiting.pop(gone, None)
    state.backlog = []
    commands = _dispatch(state, event.answer, purpose.epoch, now)
    for issue_id in asked - {issue.id for issue in state.backlog}:
        state.settle(issue_id)
    state.backlog = in_dispatch_order([*state.backlog, *kept])
    return [*commands, *want_refill(state, now)]


def drop_refill(state: SchedulerState) -> None:
    """Take no answer to the refill that is being read."""
    state.refill.reading = False


def _refillable(state: SchedulerState) -> list[IssueId]:
    """The ids at the head of the backlog that free slots could take, in order."""
    if state.workflow_problem is not None:
        return []
    slots = Slots(state)
    limit = min(slots.free * REFILL_SPARE, REFILL_READ_LIMIT)
    chosen: list[IssueId] = []
    for issue in state.backlog:
        if len(chosen) >= limit:
            break
        # A tracker whose pages shift while they are read may have listed an issue twice.
        if issue.id in chosen:
            continue
        if state.claim_of(issue.id) is None and not slots.state_is_full(issue.state):
            chosen.append(issue.id)
    return chosen


def _refill_failed(failure: ReadFailure) -> Announce:
    return Announce(name="refill_read_failed", level="warning", fields={"reason": str(failure)})

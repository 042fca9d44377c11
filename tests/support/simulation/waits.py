"""Whatever waits, waits for something that comes: a timer, an answer, or a person."""

from __future__ import annotations

from collections.abc import Mapping

from symphony.domain.ids import IssueId
from symphony.domain.issue import Issue
from symphony.scheduler.commands import ArmTimer, Command, RetryTimer
from symphony.scheduler.events import ForReconciliation, ForRefill, ForRetry, ReadPurpose
from symphony.scheduler.state import Retry, SchedulerState
from tests.support.scheduling import timer_slot
from tests.support.simulation.facts import Facts

Armed = Mapping[tuple[str, str], ArmTimer]


def judge_waits(facts: Facts, commands: list[Command]) -> None:
    """Raise where something is waited for that nobody brings."""
    state = facts.state
    armed = dict(facts.timers)
    armed |= {timer_slot(one.timer): one for one in commands if isinstance(one, ArmTimer)}
    for key, retry in state.retrying.items():
        _judge_retry(facts, key, retry, armed)
    assert state.cleaning.keys() == facts.removing.keys(), "a removal is awaited that nobody does"
    refill = state.refill
    if refill.reading:
        assert ForRefill(epoch=refill.epoch) in facts.reads, "a refill waits for no answer"
    assert not refill.armed or ("RefillTimer", "") in armed, "a refill waits for no timer"
    assert state.starting or ("TickTimer", "") in armed, "no tick will come"
    if state.tick is not None:
        _judge_tick(facts, state.tick.epoch, state.tick.phase)


def _judge_retry(facts: Facts, key: IssueId, retry: Retry, armed: Armed) -> None:
    match retry.waiting_for:
        case "time" | "slot":
            found = armed.get(("RetryTimer", key))
            assert found is not None, f"{key} waits for a timer that nobody armed"
            timer = found.timer
            assert isinstance(timer, RetryTimer)
            assert timer.epoch == retry.epoch, f"{key} waits for a timer of the past"
            assert found.due_ms >= retry.due.monotonic_ms, f"{key} is woken before its time"
        case "workflow":
            assert facts.broken, f"{key} waits for a workflow that is valid"
        case "refresh":
            purpose = ForRetry(issue_id=key, epoch=retry.epoch)
            assert purpose in facts.reads, f"{key} waits for an answer that nobody brings"


def _judge_tick(facts: Facts, tick: int, phase: str) -> None:
    match phase:
        case "reconciling":
            asked = (one.tick for one in facts.reads if isinstance(one, ForReconciliation))
            assert tick in asked, "a tick waits for no answer about its runs"
        case "checking":
            assert tick in facts.checks, "a tick waits for nobody who looks at WORKFLOW.md"
        case _:
            assert tick in facts.polls, "a tick waits for no candidates"


def judge_claims(state: SchedulerState) -> None:
    """Every entry is about the issue whose claim it is."""
    for claims in (state.running, state.retrying, state.parked, state.cleaning):
        for key, entry in claims.items():
            issue: Issue = entry.issue
            assert issue.id == key, f"the claim of {key} holds {issue.id}"


def is_past_answer(state: SchedulerState, purpose: ReadPurpose) -> bool:
    """Whether nobody waits for this answer any more."""
    match purpose:
        case ForRetry(issue_id=key, epoch=epoch):
            retry = state.retrying.get(key)
            return retry is None or retry.epoch != epoch or retry.waiting_for != "refresh"
        case ForRefill(epoch=epoch):
            return not state.refill.reading or state.refill.epoch != epoch
        case ForReconciliation(tick=tick):
            current = state.tick
            return current is None or current.epoch != tick or current.phase != "reconciling"
        case _:
            parked = state.parked.get(purpose.issue_id)
            return parked is None or parked.epoch != purpose.epoch

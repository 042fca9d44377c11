"""What must hold of retries: when they are due, and which attempt they are."""

from __future__ import annotations

from symphony.domain.ids import IssueId
from symphony.domain.run import Failed, Stopped, Succeeded
from symphony.scheduler.commands import ReadIssues
from symphony.scheduler.events import (
    ForReconciliation,
    ForRefill,
    ForRetry,
    IssuesRead,
    OperatorAnswered,
    ReadFailure,
    RetryDue,
    RunEnded,
    WorkflowAccepted,
)
from symphony.scheduler.retry import NO_SLOTS
from symphony.scheduler.state import Retry
from tests.support.simulation.before import Queued
from tests.support.simulation.facts import Asked, Facts, Happening

READ_LIMIT = 50
CONTINUATION_MS = 1_000


def judge_read(facts: Facts, step: Happening, command: ReadIssues) -> None:
    """One read by ids; its answer is waited for from here on."""
    assert command.ids, "a read of nothing"
    facts.rest.judge_read(step.now_ms)
    purpose = command.purpose
    assert purpose not in facts.reads, "the same read twice"
    facts.reads[purpose] = Asked(facts.count, facts.state.settings)
    if isinstance(purpose, ForReconciliation):
        watched = {one.issue_id for one in facts.runs.values() if one.stop is None}
        assert set(command.ids) == watched | set(facts.state.parked), "not all are reconciled"
    if isinstance(purpose, ForRetry):
        queued = step.before.queued[purpose.issue_id]
        early = step.now_ms < queued.due_ms
        assert not early or queued.waiting_for == "slot", f"a retry before its time: {step.event}"
        if isinstance(step.event, RetryDue):
            assert step.event.epoch == queued.epoch, "a retry by a timer of the past"
    if isinstance(purpose, ForRefill):
        assert len(command.ids) <= READ_LIMIT, "a refill reads too much at once"
        assert not any(key in facts.state.running for key in command.ids), "a refill reads runs"


def judge_retries(facts: Facts, step: Happening) -> None:
    """Every retry that this event queued or put off."""
    for key, retry in facts.state.retrying.items():
        old = step.before.queued.get(key)
        if old is None or old.waiting_for != retry.waiting_for:
            facts.happened[f"retry waits for {retry.waiting_for}"] += 1
        if old is None or old.epoch != retry.epoch:
            _judge_new(facts, step, key, retry, old)


def _judge_new(
    facts: Facts, step: Happening, key: IssueId, retry: Retry, old: Queued | None
) -> None:
    delay = retry.due.monotonic_ms - step.now_ms
    match step.event:
        case RunEnded(outcome=Succeeded()):
            facts.failures[key] = 0
            new = (delay, retry.attempt, retry.error)
            assert new == (CONTINUATION_MS, 1, None), f"a continuation is {new}"
        case RunEnded(outcome=Failed() | Stopped()):
            _failed_again(facts, key, delay)
            assert retry.attempt == facts.failures[key], f"attempt {retry.attempt}"
        case IssuesRead(answer=ReadFailure()):
            _failed_again(facts, key, delay)
        case IssuesRead():
            assert old is not None, f"{key} was queued by a read"
            assert (retry.error, retry.attempt) == (NO_SLOTS, old.attempt), "the wait for a slot"
            # It may have been woken at once: the slot that it lacked was its own name. It is read
            # then, or as soon as the provider wants to be asked again.
            resting = step.now_ms < facts.rest.until_ms
            woken = retry.waiting_for == "refresh" or (resting and delay == 0)
            assert woken or delay == _backoff(facts, retry.attempt), f"{delay} for a slot"
        case OperatorAnswered():
            facts.failures[key] = 0
            assert (delay, retry.error) == (0, None), f"an answer waits for {delay} ms"
        case WorkflowAccepted():
            assert old is not None, f"{key} was queued by a reload"
            assert old.waiting_for in {"workflow", "refresh"}, "a reload put off a retry"
            assert retry.due.monotonic_ms == old.due_ms, "a reload changed when a retry is due"
        case _:
            raise AssertionError(f"{type(step.event).__name__} queued a retry")


def _failed_again(facts: Facts, key: IssueId, delay: int) -> None:
    facts.failures[key] = facts.failures.get(key, 0) + 1
    count = facts.failures[key]
    assert delay == _backoff(facts, count), f"{delay} ms after {count} failures"


def _backoff(facts: Facts, failures: int) -> int:
    cap = facts.state.settings.agent.max_retry_backoff_ms
    return int(min(10_000 * 2 ** min(failures - 1, 40), cap))

"""Mutants of the claim that a queued retry is: who forgets it, and what ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as changed

from symphony.domain.ids import IssueId
from symphony.domain.issue import Issue
from symphony.runtime import timers
from symphony.scheduler import retries, retry, transitions
from symphony.scheduler.commands import Command, RetryTimer
from symphony.scheduler.events import ForRetry, IssuesRead, ReadFailure, RetryDue
from symphony.scheduler.moment import Moment
from symphony.scheduler.state import Retry, SchedulerState
from tests.mutants.patching import replace
from tests.mutants.registry import mutant

LONG_WAIT_MS = 5_000
"""Longer than what the suite configures, shorter than what the specification fixes."""


def _forget_claim(forgotten: Callable[[SchedulerState, Retry], bool]) -> None:
    """Let candidate passes see no claim in some of the queued retries."""
    original = SchedulerState.claim_of

    def claim_of(self: SchedulerState, issue_id: IssueId) -> str | None:
        queued = self.retrying.get(issue_id)
        if queued is not None and issue_id not in self.running and forgotten(self, queued):
            return None
        return original(self, issue_id)

    replace(SchedulerState, "claim_of", claim_of)


@mutant(
    "long_wait_is_no_claim",
    kills=("claim.retry.holds", "retry.backoff.failure", "retry.backoff.after_continuation"),
    about="The next poll dispatches an issue afresh whose retry has long to wait.",
)
def _() -> None:
    _forget_claim(
        lambda state, queued: (
            queued.error is not None
            and not queued.error.startswith("stalled")
            and retry.failure_delay_ms(queued.failures, state.settings.agent.max_retry_backoff_ms)
            > LONG_WAIT_MS
        )
    )


@mutant(
    "stall_drops_the_claim",
    kills=("claim.stall.holds", "stall.action.retry"),
    about="The tick that ends a stalled run dispatches its issue afresh.",
)
def _() -> None:
    _forget_claim(lambda _, queued: (queued.error or "").startswith("stalled"))


@mutant(
    "failed_start_drops_the_claim",
    kills=("retry.spawn.failure",),
    about="An issue whose agent could not be started is not claimed any more.",
)
def _() -> None:
    _forget_claim(lambda _, queued: (queued.error or "").startswith("codex_not_found"))


def _instead_of_answer(
    answered: Callable[[SchedulerState, Retry, IssuesRead, Moment], list[Command] | None],
) -> None:
    """Treat some answers about a due retry in another way."""
    original = retries.retry_read

    def read(
        state: SchedulerState, purpose: ForRetry, event: IssuesRead, now: Moment
    ) -> list[Command]:
        queued = state.retrying.get(purpose.issue_id)
        if queued is not None and queued.epoch == purpose.epoch:
            commands = answered(state, queued, event, now)
            if commands is not None:
                return commands
        return original(state, purpose, event, now)

    replace(retries, "retry_read", read)


def _fresh(queued: Retry, event: IssuesRead) -> Issue | None:
    if isinstance(event.answer, ReadFailure):
        return None
    return next((each for each in event.answer if each.id == queued.issue.id), None)


@mutant(
    "failed_read_loses_the_retry",
    kills=("retry.refresh.failed",),
    about="Where the issue of a due retry cannot be read, the claim is released.",
)
def _() -> None:
    def answered(
        state: SchedulerState, queued: Retry, event: IssuesRead, now: Moment
    ) -> list[Command] | None:
        del now
        if isinstance(event.answer, ReadFailure):
            return transitions.release(state, queued.issue, "it cannot be read")
        return None

    _instead_of_answer(answered)


@mutant(
    "failed_and_terminal_stays",
    kills=("retry.refresh.terminal",),
    about="The workspace of a failed run stays if its issue is terminal when the retry is due.",
)
def _() -> None:
    def answered(
        state: SchedulerState, queued: Retry, event: IssuesRead, now: Moment
    ) -> list[Command] | None:
        del now
        issue = _fresh(queued, event)
        if issue is not None and queued.kind == "failure" and state.is_terminal(issue):
            return transitions.release(state, issue, "terminal")
        return None

    _instead_of_answer(answered)


@mutant(
    "failed_and_inactive_is_removed",
    kills=("retry.refresh.ineligible",),
    about="The workspace of a failed run goes if its issue is not active when the retry is due.",
)
def _() -> None:
    def answered(
        state: SchedulerState, queued: Retry, event: IssuesRead, now: Moment
    ) -> list[Command] | None:
        issue = _fresh(queued, event)
        if issue is not None and queued.kind == "failure" and not state.is_active(issue):
            return transitions.clean(state, issue, queued.place, now)
        return None

    _instead_of_answer(answered)


@mutant(
    "no_slot_ends_the_retry",
    kills=("retry.slots.requeue", "retry.slots.reason", "retry.entry.fields"),
    about="A due retry without a slot is given up.",
)
def _() -> None:
    def requeue(state: SchedulerState, queued: Retry, issue: Issue, now: Moment) -> list[Command]:
        del queued, now
        return transitions.release(state, issue, "no slot")

    replace(transitions, "requeue_for_slot", requeue)


@mutant(
    "stale_timer_counts",
    kills=("run.events.stale",),
    about="The timer of a retry that was replaced fires for the one that replaced it.",
)
def _() -> None:
    original = retries.retry_due

    def slot(timer: object) -> tuple[str, str]:
        name = type(timer).__name__
        return (name, f"{timer.issue_id} {timer.epoch}" if isinstance(timer, RetryTimer) else "")

    def due(state: SchedulerState, event: RetryDue, now: Moment) -> list[Command]:
        queued = state.retrying.get(event.issue_id)
        epoch = event.epoch if queued is None else queued.epoch
        return original(state, changed(event, epoch=epoch), now)

    replace(timers, "_slot", slot)
    replace(retries, "retry_due", due)

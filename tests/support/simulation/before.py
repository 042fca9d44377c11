"""What is compared before and after an event, and what is said anew to judge the scheduler by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symphony.domain.ids import IssueId
from symphony.domain.issue import Issue
from symphony.domain.run import (
    AgentActivity,
    RateLimitsReported,
    RunUpdate,
    TurnStarted,
    UsageReported,
)
from symphony.domain.settings import Settings
from symphony.scheduler.events import Event, IssuesRead
from symphony.scheduler.state import SchedulerState


@dataclass(frozen=True, slots=True)
class Queued:
    """A retry as it was before an event."""

    epoch: int
    waiting_for: str
    due_ms: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Before:
    """What is compared with the state after an event."""

    claims: dict[IssueId, str]
    queued: dict[IssueId, Queued]
    tokens: int
    counters: tuple[int, int]
    settings: Settings

    @staticmethod
    def of(state: SchedulerState) -> Before:
        return Before(
            claims=claims(state),
            queued={
                key: Queued(one.epoch, one.waiting_for, one.due.monotonic_ms, one.attempt)
                for key, one in state.retrying.items()
            },
            tokens=state.totals.total_tokens,
            counters=(state.run_counter, state.epoch_counter),
            settings=state.settings,
        )


def claims(state: SchedulerState) -> dict[IssueId, str]:
    """Every claim; an issue that has two is a defect."""
    found: dict[IssueId, str] = {}
    named: tuple[tuple[str, Iterable[IssueId]], ...] = (
        ("running", state.running),
        ("retrying", state.retrying),
        ("parked", state.parked),
        ("cleaning", state.cleaning),
    )
    for name, keys in named:
        for key in keys:
            assert key not in found, f"{key} is {found[key]} and {name}"
            found[key] = name
    return found


def eligible(issue: Issue, settings: Settings) -> bool:
    """The sentences of section 8.2 about the issue itself, said once more."""
    tracker = settings.tracker
    state = issue.state.strip().lower()
    terminal = {name.strip().lower() for name in tracker.terminal_states}
    active = {name.strip().lower() for name in tracker.active_states}
    required = {label.strip().lower() for label in tracker.required_labels}
    complete = all(text.strip() for text in (issue.id, issue.identifier, issue.title, issue.state))
    return (
        complete
        and state in active
        and state not in terminal
        and issue.dispatchable
        and required <= set(issue.labels)
    )


def is_progress(update: RunUpdate) -> bool:
    """Whether the agent is heard, for the sake of the stall clock."""
    if isinstance(update, AgentActivity):
        return update.is_progress
    return isinstance(update, TurnStarted | UsageReported | RateLimitsReported)


def asked_for(event: Event) -> object:
    """What a read was for; a poll stands for itself."""
    return event.purpose if isinstance(event, IssuesRead) else event

"""What is compared before and after an event, and what is said anew to judge the scheduler by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

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
    """What is compared with the state after an event. `questions` are the numbers of those that
    parked issues wait with."""

    claims: dict[IssueId, str]
    queued: dict[IssueId, Queued]
    questions: dict[IssueId, int]
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
            questions={key: one.epoch for key, one in state.parked.items()},
            counters=(state.run_counter, state.epoch_counter),
            settings=state.settings,
        )


def claims(state: SchedulerState) -> dict[IssueId, str]:
    """Every claim; an issue that has two is a defect."""
    found = dict.fromkeys(state.running, "running")
    found |= dict.fromkeys(state.retrying, "retrying")
    found |= dict.fromkeys(state.parked, "parked")
    found |= dict.fromkeys(state.cleaning, "cleaning")
    count = len(state.running) + len(state.retrying) + len(state.parked) + len(state.cleaning)
    assert len(found) == count, f"an issue has two claims: {sorted(found)}"
    return found


def eligible(issue: Issue, settings: Settings) -> bool:
    """The sentences of section 8.2 about the issue itself, said once more."""
    tracker = settings.tracker
    state = _keys((issue.state,))
    return (
        all(text.strip() for text in (issue.id, issue.identifier, issue.title, issue.state))
        and state <= _keys(tracker.active_states)
        and not state & _keys(tracker.terminal_states)
        and issue.dispatchable
        and _keys(tracker.required_labels) <= set(issue.labels)
    )


@lru_cache(maxsize=1_000)
def _keys(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in names)


def is_progress(update: RunUpdate) -> bool:
    """Whether the agent is heard, for the sake of the stall clock."""
    if isinstance(update, AgentActivity):
        return update.is_progress
    return isinstance(update, TurnStarted | UsageReported | RateLimitsReported)


def asked_for(event: Event) -> object:
    """What a read was for; a poll stands for itself."""
    return event.purpose if isinstance(event, IssuesRead) else event

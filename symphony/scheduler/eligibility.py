"""May this issue be dispatched? One table of rules answers for the scheduler and for people.

The rules are judged in a fixed order; the first that blocks gives the code. Codes are stable. A
reason is put into words only where somebody is told of it: a poll may bring thousands of issues.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue, state_key, state_keys
from symphony.domain.settings import TrackerSettings
from symphony.scheduler.ordering import in_dispatch_order
from symphony.scheduler.slots import Slots
from symphony.scheduler.state import STOPPED_BY_OPERATOR, SchedulerState

NO_GLOBAL_SLOT = "no_global_slot"
NO_STATE_SLOT = "no_state_slot"
SLOT_CODES = frozenset({NO_GLOBAL_SLOT, NO_STATE_SLOT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule and whether the issue passes it. `reason` is a sentence for people."""

    code: str
    passed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class _Check:
    code: str
    passes: Callable[[Judge, Issue], bool]
    reason: Callable[[Judge, Issue], str]


class Judge:
    """Judges issues against one state of the scheduler; made anew for each pass."""

    def __init__(self, state: SchedulerState, slots: Slots) -> None:
        tracker = state.settings.tracker
        self.state = state
        self.slots = slots
        self.active = state_keys(tracker.active_states)
        self.terminal = state_keys(tracker.terminal_states)
        self.labels = required_labels(tracker)
        self._used: dict[IssueIdentifier, IssueId] = state.identifiers_in_use()

    def rules(self, issue: Issue) -> tuple[Rule, ...]:
        """Every rule, in the order in which they are judged."""
        return tuple(
            Rule(
                code=check.code,
                passed=check.passes(self, issue),
                reason=check.reason(self, issue),
            )
            for check in _CHECKS
        )

    def first_block(self, issue: Issue) -> Rule | None:
        """The first rule that blocks, or None where the issue may be dispatched."""
        return self._first(_CHECKS, issue)

    def routing_block(self, issue: Issue) -> Rule | None:
        """The first that blocks of the rules that hold for new, running and retried issues alike,
        plus its state."""
        return self._first(_ROUTING, issue)

    def started(self, issue: Issue) -> None:
        """Take note that the issue was started in this pass."""
        self.slots.take(issue.state)
        self._used[issue.identifier] = issue.id

    def identifier_is_taken(self, issue: Issue) -> bool:
        """Whether another issue of the same name uses the workspace directory now."""
        return self._used.get(issue.identifier, issue.id) != issue.id

    def missing_labels(self, issue: Issue) -> Sequence[str]:
        """The required labels that it lacks."""
        return sorted(self.labels.difference(issue.labels))

    def _first(self, checks: Sequence[_Check], issue: Issue) -> Rule | None:
        for check in checks:
            if not check.passes(self, issue):
                return Rule(code=check.code, passed=False, reason=check.reason(self, issue))
        return None


def judged(judge: Judge, issues: Iterable[Issue]) -> Iterator[tuple[Issue, Rule | None]]:
    """What one pass over these candidates decides of each, in dispatch order: the first rule that
    blocks, or None. Call `Judge.started` for what is started before the next one is judged."""
    for issue in in_dispatch_order(issues):
        yield issue, judge.first_block(issue)


def _is_complete(judge: Judge, issue: Issue) -> bool:
    del judge
    return all(text.strip() for text in (issue.id, issue.identifier, issue.title, issue.state))


def _claimed(claim: str, reason: str) -> _Check:
    return _Check(
        f"already_{claim}",
        lambda judge, issue: judge.state.claim_of(issue.id) != claim,
        lambda _judge, _issue: reason,
    )


def _parked_reason(judge: Judge, issue: Issue) -> str:
    parked = judge.state.parked.get(issue.id)
    if parked is not None and parked.request == STOPPED_BY_OPERATOR:
        return "an operator stopped it, until it changes or is answered"
    return "its agent waits for a person"


_ROUTING: Final[tuple[_Check, ...]] = (
    _Check(
        "incomplete_issue",
        _is_complete,
        lambda _judge, _issue: "it lacks an id, an identifier, a title or a state",
    ),
    _Check(
        "state_terminal",
        lambda judge, issue: state_key(issue.state) not in judge.terminal,
        lambda _judge, issue: f"its state {issue.state!r} is terminal",
    ),
    _Check(
        "state_not_active",
        lambda judge, issue: state_key(issue.state) in judge.active,
        lambda _judge, issue: f"its state {issue.state!r} is not active",
    ),
    _Check(
        "not_dispatchable",
        lambda _judge, issue: issue.dispatchable,
        lambda _judge, _issue: "the tracker's own rules hold it back (a blocker or the assignee)",
    ),
    _Check(
        "label_missing",
        lambda judge, issue: judge.labels.issubset(issue.labels),
        lambda judge, issue: (
            "it lacks the required labels: "
            + ", ".join(label or "(blank)" for label in judge.missing_labels(issue))
        ),
    ),
)

_CHECKS: Final[tuple[_Check, ...]] = (
    *_ROUTING,
    _claimed("running", "a run for it is going on"),
    _claimed("retrying", "a retry is queued"),
    _Check(
        "already_parked",
        lambda judge, issue: judge.state.claim_of(issue.id) != "parked",
        lambda judge, issue: _parked_reason(judge, issue),
    ),
    _claimed("cleaning", "its workspace is being removed"),
    _Check(
        "identifier_in_use",
        lambda judge, issue: not judge.identifier_is_taken(issue),
        lambda _judge, issue: f"another issue is called {issue.identifier} and uses the workspace",
    ),
    _Check(
        "workflow_invalid",
        lambda judge, _issue: judge.state.workflow_problem is None,
        lambda judge, _issue: f"WORKFLOW.md cannot be used: {judge.state.workflow_problem}",
    ),
    _Check(
        "shutting_down",
        lambda judge, _issue: not judge.state.draining,
        lambda _judge, _issue: "the daemon is stopping",
    ),
    _Check(
        NO_GLOBAL_SLOT,
        lambda judge, _issue: judge.slots.free > 0,
        lambda _judge, _issue: "all slots are in use",
    ),
    _Check(
        NO_STATE_SLOT,
        lambda judge, issue: not judge.slots.state_is_full(issue.state),
        lambda _judge, issue: f"all slots for the state {issue.state!r} are in use",
    ),
)


def required_labels(tracker: TrackerSettings) -> frozenset[str]:
    """The required labels as they are compared. A blank one stays, and matches nothing."""
    return frozenset(label.strip().lower() for label in tracker.required_labels)


def is_routable(issue: Issue, tracker: TrackerSettings) -> bool:
    """Dispatchable by the adapter, and carrying every required label."""
    return issue.dispatchable and required_labels(tracker) <= set(issue.labels)

"""May this issue be dispatched? One list of rules answers for the scheduler and for people.

The rules are judged in a fixed order; the first that blocks gives the code. Codes are stable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue, state_key, state_keys
from symphony.domain.settings import TrackerSettings
from symphony.scheduler.slots import Slots
from symphony.scheduler.state import SchedulerState

NO_GLOBAL_SLOT = "no_global_slot"
NO_STATE_SLOT = "no_state_slot"
SLOT_CODES = frozenset({NO_GLOBAL_SLOT, NO_STATE_SLOT})

_CLAIMS = {
    "running": "a run for it is going on",
    "retrying": "a retry is queued",
    "parked": "its agent waits for a person",
    "cleaning": "its workspace is being removed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule and whether the issue passes it. `reason` is a sentence for people."""

    code: str
    passed: bool
    reason: str


class Judge:
    """Judges issues against one state of the scheduler; made anew for each pass."""

    def __init__(self, state: SchedulerState, slots: Slots) -> None:
        tracker = state.settings.tracker
        self._state = state
        self._slots = slots
        self._active = state_keys(tracker.active_states)
        self._terminal = state_keys(tracker.terminal_states)
        self._labels = required_labels(tracker)
        self._used: dict[IssueIdentifier, IssueId] = state.identifiers_in_use()

    def rules(self, issue: Issue) -> Iterator[Rule]:
        """Every rule, in the order in which they are judged."""
        yield from self.routing(issue)
        yield from self._claims(issue)
        yield from self._daemon()
        yield self._rule(NO_GLOBAL_SLOT, self._slots.free > 0, "all slots are in use")
        yield self._rule(
            NO_STATE_SLOT,
            not self._slots.state_is_full(issue.state),
            f"all slots for the state {issue.state!r} are in use",
        )

    def routing(self, issue: Issue) -> Iterator[Rule]:
        """The rules that hold for new, running and retried issues alike, plus its state."""
        complete = all(text.strip() for text in (issue.id, issue.identifier, issue.title))
        yield self._rule(
            "incomplete_issue",
            complete and bool(issue.state.strip()),
            "it lacks an id, an identifier, a title or a state",
        )
        key = state_key(issue.state)
        yield self._rule(
            "state_terminal", key not in self._terminal, f"its state {issue.state!r} is terminal"
        )
        yield self._rule(
            "state_not_active", key in self._active, f"its state {issue.state!r} is not active"
        )
        yield self._rule(
            "not_dispatchable",
            issue.dispatchable,
            "the tracker's own rules hold it back (a blocker or the assignee)",
        )
        missing = sorted(self._labels - set(issue.labels))
        shown = ", ".join(label or "(blank)" for label in missing)
        yield self._rule("label_missing", not missing, f"it lacks the required labels: {shown}")

    def first_block(self, issue: Issue) -> Rule | None:
        """The first rule that blocks, or None where the issue may be dispatched."""
        return next((rule for rule in self.rules(issue) if not rule.passed), None)

    def started(self, issue: Issue) -> None:
        """Take note that the issue was started in this pass."""
        self._slots.take(issue.state)
        self._used[issue.identifier] = issue.id

    def identifier_is_taken(self, issue: Issue) -> bool:
        """Whether another issue of the same name uses the workspace directory now."""
        return self._used.get(issue.identifier, issue.id) != issue.id

    def _claims(self, issue: Issue) -> Iterator[Rule]:
        claim = self._state.claim_of(issue.id)
        for name, reason in _CLAIMS.items():
            yield self._rule(f"already_{name}", claim != name, reason)
        yield self._rule(
            "identifier_in_use",
            not self.identifier_is_taken(issue),
            f"another issue is called {issue.identifier} and uses the workspace",
        )

    def _daemon(self) -> Iterator[Rule]:
        problem = self._state.workflow_problem
        yield self._rule(
            "workflow_invalid", problem is None, f"WORKFLOW.md cannot be used: {problem}"
        )
        yield self._rule("shutting_down", not self._state.draining, "the daemon is stopping")

    @staticmethod
    def _rule(code: str, passed: bool, reason: str) -> Rule:
        return Rule(code=code, passed=passed, reason=reason)


def required_labels(tracker: TrackerSettings) -> frozenset[str]:
    """The required labels as they are compared. A blank one stays, and matches nothing."""
    return frozenset(label.strip().lower() for label in tracker.required_labels)


def is_routable(issue: Issue, tracker: TrackerSettings) -> bool:
    """Dispatchable by the adapter, and carrying every required label."""
    return issue.dispatchable and required_labels(tracker) <= set(issue.labels)

"""Mutants of who may be dispatched, and in which order."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from symphony.domain import issue as domain_issue
from symphony.domain.issue import Issue
from symphony.domain.json import JsonObject, JsonValue
from symphony.domain.settings import TrackerSettings
from symphony.scheduler import eligibility, ordering
from symphony.scheduler.eligibility import Judge
from symphony.scheduler.slots import Slots
from symphony.scheduler.state import SchedulerState
from symphony.trackers.linear import normalize
from symphony.trackers.linear.queries import Queries
from symphony.trackers.linear.tracker import LinearTracker
from tests.mutants.patching import private, replace
from tests.mutants.registry import mutant

_LAST = datetime.max.replace(tzinfo=UTC)
_UNRANKED = 5


def _order_by(key: object) -> None:
    replace(ordering, "dispatch_order", key)


def _rank(issue: Issue) -> int:
    priority = issue.priority
    return priority if priority is not None and 1 <= priority <= 4 else _UNRANKED


@mutant(
    "order_priority_zero_first",
    kills=("order.priority.zero",),
    about="Priority 0 is kept as a number and sorts ahead of 1.",
)
def _() -> None:
    def order(issue: Issue) -> tuple[int, datetime, str]:
        rank = issue.priority if issue.priority is not None else _UNRANKED
        return min(rank, _UNRANKED), issue.created_at or _LAST, issue.identifier

    whole_number = private(normalize, "_whole_number")

    def priority(value: JsonValue) -> int | None:
        number: int | None = whole_number(value)
        return number

    _order_by(order)
    replace(normalize, "_priority", priority)


@mutant(
    "order_priority_reversed",
    kills=("order.priority.ranked",),
    about="Of the issues with a priority, the least urgent goes first.",
)
def _() -> None:
    def order(issue: Issue) -> tuple[int, datetime, str]:
        rank = _rank(issue)
        return -rank if rank < _UNRANKED else rank, issue.created_at or _LAST, issue.identifier

    _order_by(order)


@mutant(
    "order_newest_first",
    kills=("order.created.oldest",),
    about="Within one rank the newest issue goes first.",
)
def _() -> None:
    def order(issue: Issue) -> tuple[int, float, str]:
        created = (issue.created_at or _LAST).timestamp()
        return _rank(issue), -created, issue.identifier

    _order_by(order)


@mutant(
    "order_identifier_by_number",
    kills=("order.identifier.lexicographic",),
    about="Identifiers are ordered by the number in them, so that ABC-9 precedes ABC-10.",
)
def _() -> None:
    def order(issue: Issue) -> tuple[int, datetime, int, str]:
        digits = re.search(r"\d+$", issue.identifier)
        number = int(digits[0]) if digits else 0
        return _rank(issue), issue.created_at or _LAST, number, issue.identifier

    _order_by(order)


@mutant(
    "terminal_states_mind_case",
    kills=("state.compare.normalised", "state.provider.filter"),
    about="Whether a state is terminal is judged with regard to case.",
)
def _() -> None:
    def is_terminal(self: SchedulerState, issue: Issue) -> bool:
        return issue.state in self.settings.tracker.terminal_states

    replace(SchedulerState, "is_terminal", is_terminal)


@mutant(
    "active_states_keep_white_space",
    kills=("state.compare.normalised",),
    about="White space around a configured state counts, so that ` Todo ` matches no issue.",
)
def _() -> None:
    def state_keys(names: tuple[str, ...]) -> frozenset[str]:
        return frozenset(name.lower() for name in names)

    replace(domain_issue, "state_keys", state_keys)


@mutant(
    "provider_filter_minds_case",
    kills=("state.provider.filter",),
    about="Linear is asked for states exactly as the settings spell them.",
)
def _() -> None:
    spelled: dict[str, str] = {}
    fetch = LinearTracker.fetch_issues_by_states
    original = Queries.in_states

    async def fetch_issues(self: LinearTracker, states: Collection[str]) -> Sequence[Issue]:
        spelled.update((domain_issue.state_key(state), state) for state in states)
        return await fetch(self, states)

    def in_states(self: Queries, states: Collection[str]) -> JsonObject:
        exact: list[JsonValue] = [{"name": {"eq": spelled.get(name, name)}} for name in states]
        return {**original(self, states), "state": {"or": exact}}

    replace(LinearTracker, "fetch_issues_by_states", fetch_issues)
    replace(Queries, "in_states", in_states)


@mutant(
    "active_wins_over_terminal",
    kills=("eligibility.state.terminal_wins",),
    about="A state in both lists is taken for an active one.",
)
def _() -> None:
    original = Judge.__init__
    is_terminal = SchedulerState.is_terminal

    def init(self: Judge, state: SchedulerState, slots: Slots) -> None:
        original(self, state, slots)
        self.terminal = self.terminal - self.active

    def is_only_terminal(self: SchedulerState, issue: Issue) -> bool:
        active = domain_issue.state_keys(self.settings.tracker.active_states)
        return is_terminal(self, issue) and domain_issue.state_key(issue.state) not in active

    replace(Judge, "__init__", init)
    replace(SchedulerState, "is_terminal", is_only_terminal)


def _without_rule(code: str) -> None:
    """Let candidates pass one of the rules."""
    original = private(Judge, "_first")

    def first(self: Judge, checks: tuple[object, ...], issue: Issue) -> object:
        return original(self, [each for each in checks if private(each, "code") != code], issue)

    replace(Judge, "_first", first)


@mutant(
    "dispatchable_is_not_asked",
    kills=("eligibility.dispatchable.false", "issue.dispatchable.derived"),
    about="An issue that its tracker holds back is started all the same.",
)
def _() -> None:
    _without_rule("not_dispatchable")


@mutant(
    "labels_any_of_them",
    kills=("eligibility.labels.all",),
    about="One of several required labels suffices.",
)
def _() -> None:
    class AnyOf(frozenset[str]):
        def issubset(self, other: object) -> bool:
            carried = set(private(other, "__iter__")())
            wanted = self - {""}
            return not self or (wanted == self and bool(wanted & carried))

        def __le__(self, other: object) -> bool:
            return self.issubset(other)

    def required_labels(tracker: TrackerSettings) -> frozenset[str]:
        return AnyOf(label.strip().lower() for label in tracker.required_labels)

    replace(eligibility, "required_labels", required_labels)


@mutant(
    "labels_mind_case",
    kills=("eligibility.labels.compared",),
    about="A required label in capitals matches none of the issue's labels.",
)
def _() -> None:
    def required_labels(tracker: TrackerSettings) -> frozenset[str]:
        return frozenset(label.strip() for label in tracker.required_labels)

    replace(eligibility, "required_labels", required_labels)


@mutant(
    "labels_blank_is_none",
    kills=("eligibility.labels.blank",),
    about="A blank required label is dropped, so that every issue matches.",
)
def _() -> None:
    def required_labels(tracker: TrackerSettings) -> frozenset[str]:
        return frozenset(label.strip().lower() for label in tracker.required_labels) - {""}

    replace(eligibility, "required_labels", required_labels)

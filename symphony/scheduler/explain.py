"""Why does this issue run, or not? The scheduler's own rules, told for people; nothing is changed.

What is said of a candidate depends on those before it in the order, which take the slots first: so
all candidates are judged, in one pass like that of a poll.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symphony.domain.issue import Issue
from symphony.scheduler.eligibility import Judge, Rule
from symphony.scheduler.ordering import in_dispatch_order
from symphony.scheduler.slots import Slots
from symphony.scheduler.state import SchedulerState


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Every rule in the order of judging. `place` is where the issue stands in the order of
    dispatch, from 1."""

    issue: Issue
    place: int
    rules: tuple[Rule, ...]

    @property
    def block(self) -> Rule | None:
        """The first rule that blocks; its code is the reason that the scheduler gives."""
        return next((rule for rule in self.rules if not rule.passed), None)

    @property
    def would_run(self) -> bool:
        """Whether a poll that finds these candidates starts the issue."""
        return self.block is None


def plan(state: SchedulerState, candidates: Iterable[Issue]) -> tuple[Explanation, ...]:
    """What a poll that finds these candidates now does with each, in dispatch order."""
    judge = Judge(state, Slots(state))
    explanations: list[Explanation] = []
    for place, issue in enumerate(in_dispatch_order(candidates), start=1):
        explanation = Explanation(issue=issue, place=place, rules=judge.rules(issue))
        if explanation.would_run:
            judge.started(issue)
        explanations.append(explanation)
    return tuple(explanations)

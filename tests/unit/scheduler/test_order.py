"""The order in which candidates are dispatched."""

from __future__ import annotations

import random

import pytest

from symphony.domain.issue import Issue
from symphony.scheduler.ordering import in_dispatch_order
from tests.support.scheduling import Driver, issue, settings


@pytest.mark.proves("order.priority.ranked", "order.priority.zero")
def test_priorities_one_to_four_ascend_and_all_others_follow_as_one_group() -> None:
    ranked = [issue(f"P{number}", priority=number, created=9) for number in (1, 2, 3, 4)]
    others = [
        issue("zero", priority=0, created=1),
        issue("none", priority=None, created=2),
        issue("five", priority=5, created=3),
        issue("negative", priority=-1, created=4),
    ]
    assert in_dispatch_order(shuffled(ranked + others)) == ranked + others


@pytest.mark.proves("order.created.oldest")
def test_the_oldest_goes_first_and_no_date_goes_last() -> None:
    order = [
        issue("Z", priority=2, created=1),
        issue("Y", priority=2, created=2),
        issue("A", priority=2, created=None),
    ]
    assert in_dispatch_order(shuffled(order)) == order


@pytest.mark.proves("order.identifier.lexicographic")
def test_equals_are_ordered_by_identifier_as_plain_text() -> None:
    order = [issue(name) for name in ("ABC-10", "ABC-2", "ABC-9", "abc-1")]
    assert in_dispatch_order(shuffled(order)) == order
    undated = [issue(name, created=None) for name in ("ABC-10", "ABC-9")]
    assert in_dispatch_order(reversed(undated)) == undated


@pytest.mark.proves("order.priority.ranked", "order.created.oldest")
def test_a_poll_starts_its_candidates_in_this_order() -> None:
    world = Driver(
        issue("zero", priority=0),
        issue("urgent", priority=1, created=5),
        issue("young", priority=3, created=2),
        issue("old", priority=3, created=1),
        settings=settings(slots=3),
    ).begin()
    assert world.running == ["urgent", "old", "young"]


def shuffled(issues: list[Issue]) -> list[Issue]:
    return random.Random(7).sample(issues, len(issues))  # noqa: S311

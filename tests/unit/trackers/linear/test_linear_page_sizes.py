"""Further pages grow with what was found, and cost no more than Linear allows."""

from __future__ import annotations

import pytest
from graphql import get_operation_ast, parse

from conformance.fakes.linear.complexity import DOCUMENTED, MAXIMUM, complexity
from conformance.fakes.linear.executor import schema
from symphony.domain.json import JsonValue
from symphony.trackers.linear.queries import (
    LARGEST_PAGE,
    MORE_ARCHIVED_TOO,
    MORE_ISSUES,
    PAGE_SIZE,
    further_page_size,
)
from tests.support.linear import ACTIVE, linear_fake, linear_tracker, put_issue


def points(query: str, first: int) -> int:
    document = parse(query)
    operation = get_operation_ast(document, None)
    assert operation is not None
    variables: dict[str, JsonValue] = {"filter": {}, "first": first, "after": "cursor"}
    return complexity(schema(), document, operation, variables, alone=DOCUMENTED)


def test_a_further_page_is_as_large_as_what_was_found_so_far_within_bounds() -> None:
    assert [further_page_size(found) for found in (0, 3, 50, 100, 200, 5_000)] == [
        PAGE_SIZE,
        PAGE_SIZE,
        50,
        100,
        LARGEST_PAGE,
        LARGEST_PAGE,
    ]


@pytest.mark.parametrize("query", [MORE_ISSUES, MORE_ARCHIVED_TOO])
def test_the_largest_page_leaves_a_quarter_of_what_linear_allows(query: str) -> None:
    assert points(query, LARGEST_PAGE) <= MAXIMUM * 3 / 4


@pytest.mark.anyio
@pytest.mark.proves("tracker.states.pages")
async def test_a_large_board_is_read_with_pages_that_grow() -> None:
    with linear_fake() as fake:
        for _ in range(420):
            put_issue(fake)
        async with linear_tracker(fake) as tracker:
            assert len(await tracker.fetch_issues_by_states(ACTIVE)) == 420
        sizes = [each.variables.get("first", PAGE_SIZE) for each in fake.requests.all()]
    assert sizes == [50, 50, 100, 200, 200]
    # Not more than twice what pages of exactly the right size would cost.
    assert sum(points(MORE_ISSUES, int(str(size))) for size in sizes) <= 2 * 420 / 50 * points(
        MORE_ISSUES, 50
    )

"""What an hour and an issue cost at each provider (docs/reliability.md)."""

from __future__ import annotations

import pytest

from tests.reliability.budget import HOUR_MS, INTERVAL_MS, TURNS, measure, table
from tests.support.counting_boards import COUNTING_BOARDS

pytestmark = pytest.mark.anyio

TICKS = HOUR_MS // INTERVAL_MS
LISTS = 3
"""The labels of the repository, and the issues with the label of each of two states."""
CONDITIONAL = {"github, issue", "github, label"}
"""Boards of which an unchanged answer costs nothing of the provider's limit."""


@pytest.mark.parametrize("name", COUNTING_BOARDS)
async def test_idle_costs_at_most_one_cheap_request_per_tick(name: str) -> None:
    budget = await measure(name)
    print(table({name: budget}))
    paid = budget.idle.requests - budget.idle.free
    if name in CONDITIONAL:
        # As many as the board has lists to look at, and none of them is counted by the provider.
        assert paid == 0
        assert budget.idle.requests <= LISTS * TICKS
    else:
        assert paid == TICKS
    assert budget.busy.requests - budget.busy.free <= 2 * TICKS
    assert budget.issue.requests <= 2 * TURNS

"""How many requests the tracker got is shown where people and programs look."""

from __future__ import annotations

import pytest

from symphony.domain.json import as_object
from tests.support.demo_snapshots import EMPTY
from tests.support.http_view import MemoryView, served

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("count", [None, 0, 1_234])
async def test_the_state_has_the_requests_to_the_tracker(count: int | None) -> None:
    view = MemoryView(EMPTY)
    view.requests = count
    async with served(view) as site:
        state = await site.get("/api/v1/state")
    assert as_object(state["tracker"]) == {"requests_sent": count}


async def test_they_are_a_counter_among_the_metrics() -> None:
    view = MemoryView(EMPTY)
    view.requests = 1_234
    async with served(view) as site:
        text = (await site.client.get("/metrics")).text
    assert "# TYPE symphony_tracker_requests_total counter" in text
    assert "symphony_tracker_requests_total 1234.0" in text.splitlines()


async def test_what_nobody_counts_is_no_metric() -> None:
    async with served(MemoryView(EMPTY)) as site:
        assert "tracker_requests" not in (await site.client.get("/metrics")).text

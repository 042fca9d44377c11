"""What a session reports stays bounded, whatever its agent invents."""

from __future__ import annotations

import json

import pytest

from symphony.agents.limits import SessionLimits
from symphony.agents.reporting import MAX_LIMITS, Reporter
from symphony.agents.telemetry import MAX_REPORT_CHARACTERS, RATE_LIMITS_METHOD
from symphony.domain.run import AgentActivity, RateLimitsReported, RunUpdate

pytestmark = pytest.mark.anyio


class Heard:
    """A reporter, and what came of it."""

    def __init__(self) -> None:
        self.updates: list[RunUpdate] = []
        self.reporter = Reporter(self._take, SessionLimits())

    async def _take(self, update: RunUpdate) -> None:
        self.updates.append(update)

    async def limits(self, **limits: str | int | None) -> None:
        await self.reporter.notification(RATE_LIMITS_METHOD, {"rateLimits": limits})

    def last(self) -> RateLimitsReported:
        update = self.updates[-1]
        assert isinstance(update, RateLimitsReported)
        return update


async def test_of_very_many_limits_those_reported_last_are_merged() -> None:
    heard = Heard()
    await heard.limits(limitId="first", used=1)
    for number in range(MAX_LIMITS):
        await heard.limits(limitId=f"limit-{number}", used=number)
    await heard.limits(limitId="limit-7", used=None)
    assert heard.last().limits == {"limitId": "limit-7", "used": 7}
    await heard.limits(limitId="first", used=None)
    assert heard.last().limits == {"limitId": "first", "used": None}


async def test_what_is_too_long_is_no_rate_limit_and_nothing_grows_beyond_that() -> None:
    heard = Heard()
    await heard.limits(limitId="one", text="x" * MAX_REPORT_CHARACTERS)
    assert heard.updates == []
    for number in range(100):
        await heard.limits(limitId="one", **{f"key-{number}": "x" * 1_000})
        assert len(json.dumps(dict(heard.last().limits))) <= MAX_REPORT_CHARACTERS


async def test_streams_under_ever_new_names_are_thinned_out_as_one() -> None:
    heard = Heard()
    for number in range(1_000):
        await heard.reporter.notification(f"{number}/delta", {})
        await heard.reporter.notification("x" * 300 + f"{number}/delta", {})
    activities = [update for update in heard.updates if isinstance(update, AgentActivity)]
    assert len(activities) < 200

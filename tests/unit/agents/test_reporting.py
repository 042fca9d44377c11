"""What a session reports stays bounded, whatever its agent invents."""

from __future__ import annotations

import json

import anyio
import pytest

from symphony.agents.reporting import MAX_LIMITS, Reporter
from symphony.agents.telemetry import MAX_REPORT_CHARACTERS, RATE_LIMITS_METHOD
from symphony.domain.run import AgentActivity, RateLimitsReported, RunUpdate

pytestmark = pytest.mark.anyio


class Heard:
    """A reporter, and what came of it."""

    def __init__(self, stream_interval: float = 1.0) -> None:
        self.updates: list[RunUpdate] = []
        self.second = anyio.Event()
        self.reporter = Reporter(self._take, stream_interval=stream_interval)

    async def _take(self, update: RunUpdate) -> None:
        self.updates.append(update)
        if len(self.updates) == 2:
            self.second.set()

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


@pytest.mark.proves("stall.clock.origin")
async def test_the_last_activity_that_a_stream_swallowed_is_told_soon_after() -> None:
    heard = Heard(stream_interval=0.05)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(heard.reporter.keep_up)
        with anyio.fail_after(30):
            for _ in range(3):
                await heard.reporter.notification("item/agentMessage/delta", {})
            assert len(heard.updates) == 1
            await heard.second.wait()
        tasks.cancel_scope.cancel()
    assert (
        heard.updates == [AgentActivity(event="notification", message="is writing a message")] * 2
    )

"""Tokens, time and rate limits."""

from __future__ import annotations

import json

import pytest

from symphony.domain.ids import ThreadId
from symphony.domain.json import JsonObject
from symphony.domain.run import RateLimitsReported, TokenUsage, UsageReported
from symphony.scheduler.ratelimits import MAX_KEYS, merge
from symphony.scheduler.usage import MAX_THREADS_PER_RUN
from tests.support.scheduling import Driver, issue, settings


def used(total: int, thread: str = "t", *, baseline: bool = False) -> UsageReported:
    tokens = TokenUsage(input_tokens=total - 1, output_tokens=1, total_tokens=total)
    return UsageReported(thread_id=ThreadId(thread), total=tokens, is_baseline=baseline)


@pytest.mark.parametrize(
    ("reports", "total"),
    [
        pytest.param(
            [used(10), used(25)], 25, id="growing", marks=pytest.mark.proves("usage.total.absolute")
        ),
        pytest.param(
            [used(10), used(10), used(10)],
            10,
            id="repeated",
            marks=pytest.mark.proves("usage.total.counted_once"),
        ),
        pytest.param(
            [used(25), used(10), used(30)],
            30,
            id="out of order",
            marks=pytest.mark.proves("usage.total.monotonic", "usage.total.counted_once"),
        ),
        pytest.param(
            [used(25), used(-10), used(-10, "u"), used(0, "v")],
            25,
            id="nonsense",
            marks=pytest.mark.proves("usage.total.monotonic"),
        ),
        pytest.param(
            [used(100, baseline=True), used(130)],
            30,
            id="resumed",
            marks=pytest.mark.proves("usage.resume.baseline"),
        ),
        pytest.param(
            [used(130), used(100, baseline=True), used(140)],
            140,
            id="history that comes late",
            marks=pytest.mark.proves("usage.total.monotonic"),
        ),
        pytest.param(
            [used(10), used(7, "sub"), used(12), used(9, "sub")],
            21,
            id="threads",
            marks=pytest.mark.proves("usage.threads.summed"),
        ),
    ],
)
def test_what_reports_add_up_to(reports: list[UsageReported], total: int) -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    seen: list[int] = []
    for report in reports:
        world.report("A", report)
        seen.append(world.snapshot.totals.total_tokens)
    assert seen[-1] == total
    assert seen == sorted(seen)


@pytest.mark.proves("usage.total.summed", "snapshot.totals.sums")
def test_totals_sum_over_runs_ended_ones_included() -> None:
    world = Driver(issue("A"), issue("B"), settings=settings()).begin()
    world.report("A", used(10))
    world.report("B", used(100))
    world.fail("A")
    world.advance(10)
    world.report("A", used(5))
    totals = world.snapshot.totals
    assert (totals.input_tokens, totals.output_tokens, totals.total_tokens) == (112, 3, 115)


@pytest.mark.proves("usage.total.counted_once")
def test_what_comes_after_the_end_of_a_run_is_not_counted() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.report("A", used(10))
    world.fail("A")
    assert world.snapshot.totals.total_tokens == 10
    assert world.announced("run_ended")[0].fields["total_tokens"] == 10


def test_a_run_that_reported_nothing_is_unknown_and_not_zero() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    assert world.snapshot.running[0].tokens is None
    world.report("A", used(1))
    assert world.snapshot.running[0].tokens == TokenUsage(output_tokens=1, total_tokens=1)
    world.fail("A")
    world.advance(10)
    world.fail("A")
    assert "total_tokens" not in world.announced("run_ended")[1].fields


def test_an_agent_that_invents_threads_without_end_is_bounded() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    for number in range(MAX_THREADS_PER_RUN + 50):
        world.report("A", used(1, f"thread-{number}"))
    assert world.snapshot.totals.total_tokens == MAX_THREADS_PER_RUN
    assert len(world.entry("A").usage.seen) == MAX_THREADS_PER_RUN


@pytest.mark.proves("usage.runtime.live", "snapshot.totals.sums")
@pytest.mark.parametrize("end", ["succeed", "fail", "ask", "stop"])
def test_running_time_includes_live_sessions_and_ended_ones_however_they_ended(end: str) -> None:
    world = Driver(issue("A"), issue("B"), settings=settings()).begin()
    world.advance(4)
    assert world.snapshot.seconds_running == 8
    match end:
        case "succeed":
            world.succeed("A")
        case "fail":
            world.fail("A")
        case "ask":
            world.ask("A")
        case _:
            world.gone("A")
    assert world.snapshot.seconds_running == 8
    world.advance(0.5)
    assert world.snapshot.seconds_running == 8.5


@pytest.mark.proves("ratelimit.latest.kept", "ratelimit.shape.values", "snapshot.totals.sums")
def test_the_latest_rate_limits_of_any_session_are_kept() -> None:
    world = Driver(issue("A"), issue("B"), settings=settings()).begin()
    assert world.snapshot.rate_limits is None
    world.report("A", RateLimitsReported(limits={"primary": {"usedPercent": 10}}))
    world.report("B", RateLimitsReported(limits={"primary": {"usedPercent": 30}}))
    world.fail("A")
    world.fail("B")
    assert world.snapshot.rate_limits == {"primary": {"usedPercent": 30}}


@pytest.mark.proves("ratelimit.sparse.kept")
@pytest.mark.parametrize(
    ("known", "update", "merged"),
    [
        (None, {"a": None}, {"a": None}),
        ({"a": 1, "b": 2}, {"a": None, "b": 3}, {"a": 1, "b": 3}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": None, "y": 3}}, {"a": {"x": 1, "y": 3}}),
        ({"a": {"b": {"x": 1}}}, {"a": {"b": {"x": None, "y": 2}}}, {"a": {"b": {"x": 1, "y": 2}}}),
        ({"a": 1}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({"a": {"x": 1}}, {"a": 0}, {"a": 0}),
    ],
)
def test_a_sparse_report_erases_nothing(
    known: JsonObject | None, update: JsonObject, merged: JsonObject
) -> None:
    assert merge(known, update) == merged


def test_rate_limits_are_bounded_in_width_and_depth() -> None:
    known: JsonObject = {}
    for number in range(MAX_KEYS + 50):
        known = merge(known, {f"key-{number}": number})
    assert len(known) == MAX_KEYS
    deep: JsonObject = {}
    for _ in range(10_000):
        deep = {"deeper": deep}
    assert merge(merge(None, deep), deep)["deeper"]


def test_reports_that_differ_each_time_do_not_make_the_state_grow() -> None:
    known: JsonObject | None = None
    for number in range(100):
        update: JsonObject = {f"limit-{number}": {f"figure-{each}": each for each in range(50)}}
        known = merge(known, update)
        assert f"limit-{number}" in known
    assert known is not None
    assert len(json.dumps(known)) < 20_000

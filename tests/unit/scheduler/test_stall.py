"""When a silent agent is taken for stalled, and what follows."""

from __future__ import annotations

import pytest

from symphony.domain.ids import ThreadId, TurnId
from symphony.domain.run import (
    AgentActivity,
    AgentProcessStarted,
    PhaseEntered,
    RateLimitsReported,
    RunPhase,
    RunUpdate,
    StopReason,
    Succeeded,
    TokenUsage,
    TurnStarted,
    UsageReported,
)
from symphony.scheduler.commands import ReadIssues
from tests.support.scheduling import Driver, issue, settings


def one_running(stall_ms: int = 60_000, interval_ms: int = 10_000) -> Driver:
    bound = settings(stall_ms=stall_ms, interval_ms=interval_ms)
    return Driver(issue("A"), settings=bound).begin()


@pytest.mark.proves("stall.clock.origin", "stall.detect.within_tick")
def test_without_any_event_the_clock_runs_from_the_start_and_must_be_exceeded() -> None:
    world = one_running()
    world.advance(60)
    assert world.stops == []
    world.advance(10)
    assert world.stops == [("A", StopReason.STALLED)]


@pytest.mark.proves("stall.clock.origin", "stall.detect.within_tick")
@pytest.mark.parametrize(
    "sign",
    [
        AgentActivity(event="notification"),
        TurnStarted(thread_id=ThreadId("t"), turn_id=TurnId("1"), number=1),
        UsageReported(thread_id=ThreadId("t"), total=TokenUsage(total_tokens=1)),
        RateLimitsReported(limits={"primary": None}),
    ],
    ids=lambda sign: type(sign).__name__,
)
def test_every_agent_event_sets_the_clock_back(sign: RunUpdate) -> None:
    world = one_running()
    world.advance(55)
    world.report("A", sign)
    world.advance(60)
    assert world.stops == []
    world.advance(10)
    assert world.stops == [("A", StopReason.STALLED)]


@pytest.mark.proves("stall.clock.origin")
@pytest.mark.parametrize(
    "noise",
    [
        AgentActivity(event="reconnecting", is_progress=False),
        AgentProcessStarted(pid=7),
        PhaseEntered(phase=RunPhase.STREAMING_TURN),
    ],
    ids=lambda noise: type(noise).__name__,
)
def test_what_is_no_progress_of_the_agent_does_not(noise: RunUpdate) -> None:
    world = one_running()
    world.advance(55)
    world.report("A", noise)
    world.advance(15)
    assert world.stops == [("A", StopReason.STALLED)]


@pytest.mark.proves("stall.detect.disabled")
@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_zero_or_less_disables_the_check(limit: int) -> None:
    world = one_running(stall_ms=limit)
    world.advance(86_400)
    assert world.stops == []


@pytest.mark.proves("stall.action.retry", "claim.stall.holds", "claim.issue.single_run")
def test_a_stalled_run_keeps_its_claim_and_is_retried_with_backoff() -> None:
    """Dropping the claim here once made a run restart at every tick, as if it were fresh."""
    world = one_running(interval_ms=1_000)
    for wait in (10, 20, 40):
        world.advance(62)
        assert world.entry("A").stopping is StopReason.STALLED
        world.gone("A")
        assert world.queued("A").due_in_ms == wait * 1_000
        assert (world.queued("A").error or "").startswith("stalled")
        world.advance(wait - 0.001)
        assert world.running == []
        world.advance(0.501)
    assert world.starts == [("A", None), ("A", 1), ("A", 2), ("A", 3)]


@pytest.mark.proves("stall.action.retry", "claim.stall.holds")
def test_a_stalled_run_holds_its_claim_while_its_processes_still_live() -> None:
    world = one_running()
    world.advance(600)
    assert world.claim("A") == "running"
    assert world.starts == [("A", None)]


@pytest.mark.proves("retry.continuation.delay")
def test_a_run_that_ended_well_just_before_it_was_stopped_is_continued() -> None:
    world = one_running()
    world.advance(70)
    world.end("A", Succeeded())
    assert world.queued("A").due_in_ms == 1_000


@pytest.mark.proves("tick.read.slow", "stall.detect.within_tick")
def test_a_tracker_that_does_not_answer_delays_no_stall_check() -> None:
    world = one_running()
    world.withhold(ReadIssues)
    world.advance(70)
    assert len(world.asked) == 1
    assert world.stops == [("A", StopReason.STALLED)]


@pytest.mark.proves("stall.detect.within_tick", "reload.apply.runs")
def test_a_shorter_limit_holds_from_the_next_tick() -> None:
    world = one_running(stall_ms=600_000)
    world.advance(100)
    world.reload(settings(stall_ms=60_000, revision="2"))
    world.advance(0)
    assert world.stops == [("A", StopReason.STALLED)]

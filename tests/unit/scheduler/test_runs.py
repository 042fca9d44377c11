"""What a run reports, how it ends, and what is ignored."""

from __future__ import annotations

import pytest

from symphony.domain.ids import RunId, ThreadId, TurnId
from symphony.domain.run import (
    AgentActivity,
    AgentProcessStarted,
    Failed,
    NeedsPerson,
    PhaseEntered,
    RunOutcome,
    RunPhase,
    RunUpdate,
    Stopped,
    StopReason,
    Succeeded,
    TokenUsage,
    TurnStarted,
    UsageReported,
    WorkspacePrepared,
)
from symphony.scheduler.commands import StartRun
from symphony.scheduler.events import RunEnded, RunReported
from symphony.scheduler.runs import end_phase
from tests.support.scheduling import Driver, issue, settings

UPDATES: list[RunUpdate] = [
    PhaseEntered(phase=RunPhase.STREAMING_TURN),
    WorkspacePrepared(path="/late", created_now=True),
    AgentProcessStarted(pid=99),
    TurnStarted(thread_id=ThreadId("late"), turn_id=TurnId("late"), number=9),
    AgentActivity(event="late"),
    UsageReported(thread_id=ThreadId("late"), total=TokenUsage(total_tokens=9)),
]
OUTCOMES: list[RunOutcome] = [
    Succeeded(),
    Failed(category="late", message="late"),
    NeedsPerson(request="user_input", question="late?"),
    Stopped(reason=StopReason.TERMINAL),
]


def second_run() -> tuple[Driver, RunId]:
    """A's second run is going on; the id is that of its first."""
    world = Driver(issue("A"), settings=settings()).begin()
    first = world.run_id("A")
    world.fail("A")
    world.advance(10)
    return world, first


@pytest.mark.proves("run.events.stale", "claim.issue.single_run")
@pytest.mark.parametrize("update", UPDATES, ids=lambda update: type(update).__name__)
def test_a_late_report_of_an_earlier_run_changes_nothing(update: RunUpdate) -> None:
    world, first = second_run()
    before = world.snapshot
    assert world.send(RunReported(run_id=first, update=update)) == []
    assert world.snapshot == before


@pytest.mark.proves("run.events.stale", "claim.issue.single_run")
@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_a_late_or_second_end_of_an_earlier_run_changes_nothing(outcome: RunOutcome) -> None:
    world, first = second_run()
    before = world.snapshot
    assert world.send(RunEnded(run_id=first, outcome=outcome)) == []
    assert world.send(RunEnded(run_id=RunId(12_345), outcome=outcome)) == []
    assert world.snapshot == before


@pytest.mark.proves("run.events.stale")
def test_a_run_that_ended_is_not_ended_again() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    run_id = world.run_id("A")
    world.fail("A")
    assert world.send(RunEnded(run_id=run_id, outcome=Succeeded())) == []
    assert world.queued("A").due_in_ms == 10_000


@pytest.mark.proves("run.reason.distinct")
@pytest.mark.parametrize(
    ("stopping", "outcome", "phase"),
    [
        (None, Succeeded(), RunPhase.SUCCEEDED),
        (None, Failed(category="turn_failed", message=""), RunPhase.FAILED),
        (None, Failed(category="turn_timeout", message=""), RunPhase.TIMED_OUT),
        (None, Failed(category="response_timeout", message=""), RunPhase.TIMED_OUT),
        (None, NeedsPerson(request="approval", question="?"), RunPhase.FAILED),
        (StopReason.STALLED, Stopped(reason=StopReason.STALLED), RunPhase.STALLED),
        (StopReason.STALLED, Failed(category="port_exit", message=""), RunPhase.STALLED),
        (
            StopReason.TERMINAL,
            Stopped(reason=StopReason.TERMINAL),
            RunPhase.CANCELED_BY_RECONCILIATION,
        ),
        (
            StopReason.NOT_VISIBLE,
            Failed(category="port_exit", message=""),
            RunPhase.CANCELED_BY_RECONCILIATION,
        ),
    ],
)
def test_the_log_tells_the_ends_of_runs_apart(
    stopping: StopReason | None, outcome: RunOutcome, phase: RunPhase
) -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    entry = world.entry("A")
    entry.stopping = stopping
    assert end_phase(entry, outcome) is phase
    world.end("A", outcome)
    assert world.announced("run_ended")[0].fields["outcome"] == phase.value


@pytest.mark.proves("session.identity.composed", "snapshot.running.rows")
def test_a_running_row_shows_what_the_run_reported() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.prepare("A", "/workspaces/A")
    assert world.snapshot.running[0].session_id is None
    world.report(
        "A",
        AgentProcessStarted(pid=4711),
        PhaseEntered(phase=RunPhase.STREAMING_TURN),
        TurnStarted(thread_id=ThreadId("thread"), turn_id=TurnId("one"), number=1),
        TurnStarted(thread_id=ThreadId("thread"), turn_id=TurnId("two"), number=2),
        AgentActivity(event="notification", message="ran the tests"),
    )
    [row] = world.snapshot.running
    assert (row.session_id, row.turn_count, row.pid) == ("thread-two", 2, 4711)
    assert (row.workspace_path, row.phase) == ("/workspaces/A", "streaming_turn")
    assert (row.last_event, row.last_message) == ("notification", "ran the tests")
    assert row.last_event_at == world.now.utc


@pytest.mark.proves("recovery.service.survives")
def test_one_issue_that_fails_again_and_again_hinders_no_other() -> None:
    world = Driver(issue("A"), issue("B"), settings=settings(stall_ms=0)).begin()
    for _ in range(20):
        world.fail("A")
        world.advance(300)
    assert world.running == ["B", "A"]
    assert world.stops == []


@pytest.mark.proves("recovery.thread.resumed")
def test_only_what_the_first_candidates_start_may_go_on_with_an_earlier_thread() -> None:
    world = Driver(issue("A"), settings=settings(slots=2)).begin()
    world.fail("A")
    world.put(issue("B"))
    world.advance(40)
    looks = [(one.request.identifier, one.request.look_back) for one in world.of(StartRun)]
    assert looks[0] == ("A", True)
    assert sorted(looks[1:]) == [("A", False), ("B", False)]

"""Start, cadence, and what a tick does when the tracker wants to be left alone."""

from __future__ import annotations

import pytest

from symphony.domain.run import StopReason
from symphony.scheduler.commands import (
    CheckWorkflow,
    ReadCandidates,
    ReadIssues,
    ReadTerminal,
    RemoveWorkspace,
)
from symphony.scheduler.events import (
    CandidatesRead,
    DaemonStarted,
    ForRefill,
    PollRequested,
    ReadFailure,
    TickDue,
    WorkflowChecked,
)
from symphony.scheduler.reads import LONGEST_HOLD_MS
from tests.support.scheduling import Driver, issue, settings

OUTAGE = ReadFailure(category="tracker_request", message="refused")


def busy(seconds: int) -> ReadFailure:
    return ReadFailure(
        category="tracker_rate_limit", message="slow down", retry_after_ms=seconds * 1_000
    )


def polls(world: Driver) -> int:
    return len(world.of(ReadCandidates))


# Start.


@pytest.mark.proves("startup.order.sequence")
def test_the_start_cleans_up_and_then_ticks_without_waiting() -> None:
    world = Driver(issue("A"), issue("X", state="Done"), settings=settings()).begin()
    questions = (ReadTerminal, RemoveWorkspace, CheckWorkflow, ReadCandidates)
    asked = [type(one) for one in world.commands if isinstance(one, questions)]
    assert asked == list(questions)
    assert world.running == ["A"]


@pytest.mark.proves("startup.order.sequence")
def test_the_opening_tick_waits_for_slow_removals() -> None:
    world = Driver(
        issue("A"), issue("X", state="Done"), issue("Y", state="Done"), settings=settings()
    )
    world.withhold(RemoveWorkspace)
    world.begin()
    world.send(PollRequested())
    world.reload(settings(revision="2"))
    world.advance(600)
    assert polls(world) == 0
    world.answer()
    world.advance(0)
    assert polls(world) == 0
    world.answer()
    world.advance(0)
    assert world.running == ["A"]


@pytest.mark.proves("startup.cleanup.terminal", "startup.cleanup.others_kept")
def test_only_workspaces_of_terminal_issues_are_removed_at_start() -> None:
    issues = [issue(name, state=name) for name in ("Done", "cancelled", "Todo", "Backlog")]
    world = Driver(*issues, settings=settings()).begin()
    assert world.removals == [("Done", None), ("cancelled", None)]
    assert world.running == ["Todo"]


@pytest.mark.proves("startup.cleanup.fetch_failed")
def test_a_start_goes_on_although_terminal_issues_cannot_be_read() -> None:
    world = Driver(issue("A"), settings=settings())
    world.withhold(ReadTerminal)
    world.send(DaemonStarted())
    world.read_failure = OUTAGE
    world.answer()
    assert [line.level for line in world.announced("startup_cleanup_failed")] == ["warning"]
    world.read_failure = None
    world.advance(0)
    assert world.running == ["A"]


@pytest.mark.proves("startup.cleanup.terminal", "recovery.service.survives")
def test_a_start_goes_on_although_a_removal_fails() -> None:
    world = Driver(issue("A"), issue("X", state="Done"), settings=settings())
    world.removal_problem = "permission denied"
    world.begin()
    assert world.running == ["A"]


@pytest.mark.proves("recovery.restart.redispatch", "recovery.restart.no_timers")
def test_a_new_life_needs_nothing_but_the_tracker() -> None:
    first = Driver(issue("A"), issue("B"), settings=settings()).begin()
    first.fail("A")
    second = Driver(*first.tracker.values(), settings=settings()).begin()
    assert second.starts == [("A", None), ("B", None)]


# Cadence.


@pytest.mark.proves("tick.cadence.interval")
def test_ticks_repeat_with_the_interval() -> None:
    world = Driver(settings=settings(interval_ms=7_000)).begin()
    world.advance(70)
    assert polls(world) == 11


@pytest.mark.proves("tick.cadence.interval", "reload.apply.poll_interval")
def test_a_changed_interval_governs_the_ticks_after_it() -> None:
    world = Driver(settings=settings(interval_ms=600_000)).begin()
    world.advance(10)
    world.reload(settings(interval_ms=5_000, revision="2"))
    world.advance(10)
    assert polls(world) == 1 + 3


@pytest.mark.proves("tick.cadence.interval", "tick.read.slow")
def test_a_slow_read_is_not_asked_again_and_ticks_go_on() -> None:
    world = Driver(issue("A"), settings=settings())
    world.withhold(ReadCandidates)
    world.begin()
    world.advance(300)
    assert polls(world) == 1
    world.answer()
    world.tick()
    assert polls(world) == 2


@pytest.mark.proves("run.events.stale")
def test_timers_and_answers_of_earlier_ticks_change_nothing() -> None:
    world = Driver(settings=settings()).begin()
    world.tick()
    before = len(world.commands)
    world.send(TickDue(epoch=world.state.tick_epoch - 1))
    world.send(WorkflowChecked(tick=1))
    world.send(CandidatesRead(tick=1, answer=(issue("A"),)))
    assert world.commands[before:] == []


def test_a_failed_poll_starts_nobody_and_the_next_one_does() -> None:
    world = Driver(issue("A"), settings=settings())
    world.withhold(ReadTerminal)
    world.send(DaemonStarted())
    world.answer()
    world.read_failure = OUTAGE
    world.advance(0)
    assert world.running == []
    poll = world.snapshot.last_poll
    assert poll is not None
    assert poll.problem == "tracker_request: refused"
    assert [line.level for line in world.announced("candidate_read_failed")] == ["error"]
    world.read_failure = None
    world.tick()
    assert world.running == ["A"]


@pytest.mark.parametrize("requests", [1, 5])
def test_polls_asked_for_are_done_at_once_and_as_one(requests: int) -> None:
    world = Driver(settings=settings()).begin()
    world.advance(3)
    for _ in range(requests):
        world.send(PollRequested())
    world.advance(0)
    assert polls(world) == 2
    world.advance(29)
    assert polls(world) == 2
    world.advance(1)
    assert polls(world) == 3


def test_polls_asked_for_during_a_tick_make_one_more() -> None:
    world = Driver(settings=settings())
    world.withhold(ReadCandidates)
    world.begin()
    for _ in range(3):
        world.send(PollRequested())
    world.advance(0)
    assert polls(world) == 1
    world.withheld.clear()
    world.answer()
    world.advance(1)
    assert polls(world) == 2


# A provider that asks to be left alone.


def test_retry_after_holds_every_read_but_no_stall_check() -> None:
    world = Driver(
        issue("A"),
        issue("B"),
        issue("C"),
        issue("D"),
        settings=settings(slots=3, interval_ms=10_000, stall_ms=60_000),
    ).begin()
    assert world.running == ["A", "B", "C"]
    world.advance(9)
    world.read_failure = busy(100)
    world.tick()
    world.read_failure = None
    reads = len(world.of(ReadIssues)), polls(world)
    assert world.snapshot.reads_held_ms == 100_000
    world.succeed("A")
    world.ask("B")
    world.send(PollRequested())
    world.advance(99)
    assert (len(world.of(ReadIssues)), polls(world)) == reads
    assert world.stops == [("C", StopReason.STALLED)]
    assert world.claim("A") == "retrying"
    world.gone("C")
    world.advance(5)
    assert world.snapshot.reads_held_ms == 0
    assert len(world.of(ReadIssues)) > reads[0]
    assert polls(world) == reads[1] + 1
    assert world.running == ["A", "D"]


@pytest.mark.parametrize("where", ["refill", "retry", "parking"])
def test_retry_after_counts_whatever_was_read(where: str) -> None:
    world = Driver(issue("A"), issue("B", created=1), settings=settings(slots=1)).begin()
    world.withhold(ReadIssues)
    _ = world.ask("A") if where == "parking" else world.fail("A")
    world.advance(10 if where == "retry" else 1)
    purpose = {"refill": "ForRefill", "retry": "ForRetry", "parking": "ForParking"}[where]
    asked = next(
        one
        for one in world.asked
        if isinstance(one.question, ReadIssues) and type(one.question.purpose).__name__ == purpose
    )
    world.read_failure = busy(50)
    world.answer(asked)
    assert world.snapshot.reads_held_ms == 50_000


def test_a_shorter_wish_does_not_end_a_longer_one() -> None:
    world = Driver(issue("A"), issue("B"), settings=settings()).begin()
    world.withhold(ReadIssues)
    world.succeed("A")
    world.succeed("B")
    world.advance(1)
    for seconds in (50, 5):
        world.read_failure = busy(seconds)
        world.answer()
    assert world.snapshot.reads_held_ms == 50_000


def test_an_absurd_wish_is_bounded() -> None:
    world = Driver(settings=settings(interval_ms=1_000)).begin()
    world.read_failure = busy(10**9)
    world.tick()
    assert world.snapshot.reads_held_ms == LONGEST_HOLD_MS
    world.read_failure = None
    world.advance(LONGEST_HOLD_MS / 1_000 + 1)
    assert world.snapshot.reads_held_ms == 0
    assert polls(world) >= 3


@pytest.mark.parametrize("wish", [0, -5])
def test_a_wish_for_no_time_holds_nothing(wish: int) -> None:
    world = Driver(settings=settings()).begin()
    world.read_failure = busy(wish)
    world.tick()
    assert world.snapshot.reads_held_ms == 0


def test_a_wish_to_be_left_alone_counts_although_a_reload_came_before_it() -> None:
    world = Driver(settings=settings(interval_ms=5_000)).begin()
    world.withhold(ReadCandidates)
    world.tick()
    world.reload(settings(interval_ms=5_000, revision="2"))
    world.read_failure = ReadFailure(category="rate", message="later", retry_after_ms=60_000)
    world.answer()
    asked = len(world.of(ReadCandidates))
    world.advance(50)
    assert len(world.of(ReadCandidates)) == asked
    world.advance(20)
    assert len(world.of(ReadCandidates)) == asked + 1


def test_an_issue_that_the_tracker_lists_twice_is_read_once_when_a_slot_frees() -> None:
    first, second = issue("A"), issue("B", created=1)
    world = Driver(first, second, settings=settings(slots=1))
    world.withhold(ReadCandidates)
    world.begin()
    world.offer(first, second, second)
    world.fail("A")
    world.advance(1)
    refill = [one for one in world.of(ReadIssues) if isinstance(one.purpose, ForRefill)]
    assert [one.ids for one in refill] == [(second.id,)]

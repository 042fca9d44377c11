"""An operator answers a blocked issue, or stops one until it changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symphony.domain.ids import ThreadId, TurnId
from symphony.domain.run import Failed, OperatorAnswer, StopReason, TurnStarted
from symphony.scheduler.commands import ReadIssues, StartRun
from symphony.scheduler.events import OperatorAnswered, OperatorStopped, ReadFailure
from tests.support.scheduling import Driver, id_of, issue, settings

THREAD = ThreadId("thread-1")
FIRST_TURN = TurnStarted(thread_id=THREAD, turn_id=TurnId("turn-1"), number=1)
OUTAGE = ReadFailure(category="tracker_request", message="refused")


def one_that_asks(*, slots: int = 10) -> Driver:
    """A was at work and asks; B waits where there is one slot."""
    world = Driver(issue("A"), issue("B", created=1), settings=settings(slots=slots)).begin()
    world.prepare("A")
    world.report("A", FIRST_TURN)
    world.ask("A", "Which database?")
    return world


def answer(world: Driver, text: str = "SQLite.", *, question: int | None = None) -> None:
    number = world.snapshot.blocked[0].number if question is None else question
    world.send(OperatorAnswered(issue_id=id_of("A"), question=number, text=text))


def stop(world: Driver, name: str = "A") -> None:
    world.send(OperatorStopped(issue_id=id_of(name)))


def answers(world: Driver) -> list[OperatorAnswer | None]:
    """What the runs of A so far were told."""
    return [one.request.answer for one in world.of(StartRun) if one.request.identifier == "A"]


@pytest.mark.proves("operator.answer.told", "policy.blocked.released")
def test_an_answered_issue_runs_again_at_once_with_the_answer_and_its_thread() -> None:
    world = one_that_asks()
    answer(world)
    world.advance(0)
    assert world.blocked() == []
    assert answers(world) == [
        None,
        OperatorAnswer(
            thread_id=THREAD, request="user_input", question="Which database?", text="SQLite."
        ),
    ]


def test_it_is_read_again_before_it_runs() -> None:
    world = one_that_asks()
    world.move("A", "Backlog")
    answer(world)
    world.advance(0)
    assert answers(world) == [None]
    assert world.claim("A") is None


def test_with_all_slots_in_use_the_answer_waits_and_is_not_lost() -> None:
    world = one_that_asks(slots=1)
    world.advance(1)
    assert world.running == ["B"]
    answer(world)
    world.advance(0)
    assert (world.queued("A").kind, world.queued("A").waiting_for) == ("answer", "slot")
    world.move("B", "Done")
    world.tick()
    world.gone("B")
    world.advance(0)
    assert world.running == ["A"]
    assert answers(world)[-1] is not None


@pytest.mark.proves("operator.answer.late")
def test_an_answer_to_an_older_question_is_not_given_to_the_present_one() -> None:
    world = one_that_asks()
    older = world.snapshot.blocked[0].number
    answer(world)
    world.advance(0)
    world.ask("A", "Which table?")
    answer(world, "SQLite.", question=older)
    world.advance(60)
    assert world.blocked() == ["A"]
    assert len(world.announced("answer_unused")) == 1


def test_an_answer_to_an_issue_that_asks_nothing_changes_nothing() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    answer(world, question=3)
    assert world.running == ["A"]
    assert world.announced("answer_unused")


@pytest.mark.proves("operator.answer.kept")
def test_a_run_that_fails_before_its_first_turn_leaves_the_answer_to_the_next() -> None:
    world = one_that_asks()
    answer(world)
    world.advance(0)
    world.fail("A", "response_timeout")
    world.advance(60)
    assert [told and told.thread_id for told in answers(world)] == [None, THREAD, THREAD]


@pytest.mark.proves("operator.answer.kept")
def test_a_thread_that_took_the_answer_and_failed_is_given_up_but_not_the_answer() -> None:
    world = one_that_asks()
    answer(world)
    world.advance(0)
    world.report("A", FIRST_TURN)
    world.fail("A")
    world.advance(60)
    last = answers(world)[-1]
    assert last is not None
    assert (last.thread_id, last.text) == (None, "SQLite.")


def test_a_tracker_that_cannot_be_read_does_not_lose_the_answer() -> None:
    world = one_that_asks()
    world.read_failure = OUTAGE
    answer(world)
    world.advance(0)
    world.read_failure = None
    world.advance(60)
    assert answers(world)[-1] is not None


def test_after_a_good_end_the_answer_is_used_up() -> None:
    world = one_that_asks()
    answer(world)
    world.advance(0)
    world.succeed("A")
    world.advance(2)
    assert answers(world)[-1] is None


@pytest.mark.proves("operator.stop.held")
def test_a_stopped_run_is_ended_and_held_until_the_issue_changes() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.prepare("A")
    stop(world)
    assert world.stops == [("A", StopReason.OPERATOR)]
    world.gone("A")
    world.advance(600)
    assert (world.running, world.blocked()) == ([], ["A"])
    assert world.snapshot.blocked[0].request == "stopped"
    world.put(replace(world.tracker[id_of("A")], labels=("go",)))
    world.tick()
    assert world.running == ["A"]


def test_what_its_agent_changed_before_it_ended_does_not_start_it_again() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    stop(world)
    world.move("A", "In Progress")
    world.gone("A")
    world.advance(600)
    assert world.blocked() == ["A"]


def test_a_queued_retry_that_is_stopped_does_not_come() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.fail("A")
    stop(world)
    world.advance(600)
    assert (world.blocked(), world.retry("A"), len(world.starts)) == (["A"], None, 1)


def test_a_retry_that_is_being_read_when_it_is_stopped_does_not_come() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.fail("A")
    world.withhold(ReadIssues)
    world.advance(10)
    stop(world)
    world.withheld.clear()
    world.answer_what_is_not_withheld()
    world.advance(600)
    assert (world.blocked(), len(world.starts)) == (["A"], 1)


def test_a_waiting_issue_that_is_stopped_is_passed_over() -> None:
    waiting = issue("B", created=1)
    world = Driver(issue("A"), waiting, settings=settings(slots=1)).begin()
    stop(world, "B")
    world.move("A", "Done")
    world.tick()
    world.gone("A")
    world.advance(600)
    assert (world.running, world.blocked()) == ([], ["B"])


def test_a_stopped_issue_says_so_where_people_ask_why_it_does_not_run() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    stop(world)
    world.gone("A")
    world.tick()
    assert "operator" in world.state.waiting[id_of("A")].reason


def test_a_stop_wins_over_a_stall_that_would_be_tried_again() -> None:
    world = Driver(issue("A"), settings=settings(stall_ms=1_000)).begin()
    world.advance(60)
    assert world.stops == [("A", StopReason.STALLED)]
    stop(world)
    world.gone("A")
    assert (world.blocked(), world.retry("A")) == (["A"], None)


def test_a_run_that_ends_well_while_it_is_stopped_is_held_all_the_same() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    stop(world)
    world.succeed("A")
    world.advance(600)
    assert world.blocked() == ["A"]


def test_a_stopped_issue_that_is_finished_is_cleaned_up() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.prepare("A")
    stop(world)
    world.move("A", "Done")
    world.gone("A")
    world.tick()
    assert world.removals == [("A", "/workspaces/A")]


def test_a_stopped_issue_goes_on_when_it_is_answered() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.report("A", FIRST_TURN)
    stop(world)
    world.gone("A")
    answer(world, "Go on, but leave the schema alone.")
    world.advance(0)
    last = answers(world)[-1]
    assert last is not None
    assert (last.thread_id, last.request) == (THREAD, "stopped")


@pytest.mark.parametrize("name", ["A", "nobody"])
def test_a_stop_of_what_is_blocked_or_unknown_changes_nothing(name: str) -> None:
    world = one_that_asks()
    before = world.snapshot.blocked
    stop(world, name)
    assert world.snapshot.blocked == before


@pytest.mark.proves("tracker.limit.bounded")
def test_the_wish_for_a_rest_that_a_run_heard_while_it_was_stopped_is_respected() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    stop(world)
    before = len(world.of(ReadIssues))
    world.end("A", Failed(category="tracker_status", message="429", retry_after_ms=5_000))
    assert world.blocked() == ["A"]
    assert len(world.of(ReadIssues)) == before

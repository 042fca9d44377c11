"""An agent asks what only a person can answer: the issue is parked until somebody acts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symphony.domain.issue import Issue
from symphony.scheduler.commands import ReadIssues
from symphony.scheduler.events import ForParking, ReadFailure
from tests.support.scheduling import Driver, id_of, issue, settings

OUTAGE = ReadFailure(category="tracker_request", message="refused")


def one_parked(*, edited_by_agent: bool = False) -> Driver:
    bound = settings(labels=("agent",))
    world = Driver(issue("A", labels=("agent",)), issue("B"), settings=bound).begin()
    world.prepare("A")
    if edited_by_agent:
        change(world, state="In Progress", description="The agent's plan.")
    world.ask("A", "Which database?")
    return world


def change(world: Driver, **fields: object) -> None:
    world.put(replace(world.tracker[id_of("A")], **fields))


def test_a_parked_issue_is_shown_with_its_question_and_not_retried() -> None:
    world = one_parked()
    world.advance(86_400)
    [row] = world.snapshot.blocked
    assert (row.issue.identifier, row.request, row.question) == (
        "A",
        "user_input",
        "Which database?",
    )
    assert world.starts == [("A", None)]
    assert world.announced("issue_blocked")[0].level == "warning"


def test_it_holds_no_slot() -> None:
    world = Driver(issue("A"), issue("B", created=1), settings=settings(slots=1)).begin()
    world.ask("A")
    world.advance(1)
    assert world.running == ["B"]
    assert world.blocked() == ["A"]


@pytest.mark.proves("claim.release.redispatch")
@pytest.mark.parametrize(
    "fields",
    [
        {"state": "Rework"},
        {"labels": ("agent", "answered")},
        {"title": "another title"},
        {"description": "Use SQLite."},
    ],
    ids=["state", "labels", "title", "description"],
)
def test_a_change_by_a_person_unparks_it_within_a_tick(fields: dict[str, object]) -> None:
    world = one_parked()
    change(world, **fields)
    world.tick()
    assert world.blocked() == []
    assert world.starts == [("A", None), ("A", None)]


def test_what_the_agent_itself_changed_before_does_not_unpark_it() -> None:
    world = one_parked(edited_by_agent=True)
    world.advance(600)
    assert world.blocked() == ["A"]


@pytest.mark.parametrize(
    "fields",
    [{"state": " todo "}, {"priority": 1}, {"labels": ("agent",)}],
    ids=["spelling", "priority", "nothing"],
)
def test_what_is_no_answer_does_not_unpark_it(fields: dict[str, object]) -> None:
    world = one_parked()
    change(world, **fields)
    world.advance(120)
    assert world.blocked() == ["A"]


def test_if_it_could_not_be_read_changes_count_from_what_the_run_saw_last() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.read_failure = OUTAGE
    world.ask("A")
    world.tick()
    world.read_failure = None
    world.tick()
    world.tick()
    assert world.blocked() == ["A"]
    change(world, description="Use SQLite.")
    world.tick()
    assert world.blocked() == []


@pytest.mark.proves("policy.blocked.released")
def test_an_answer_counts_although_the_issue_could_not_be_read_before_it() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.read_failure = OUTAGE
    world.ask("A")
    world.read_failure = None
    change(world, description="Use SQLite.")
    world.tick()
    assert world.starts == [("A", None), ("A", None)]


@pytest.mark.proves("policy.blocked.released")
def test_an_answer_counts_that_came_while_reads_were_held() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.read_failure = replace(OUTAGE, retry_after_ms=5_000)
    world.tick()
    world.read_failure = None
    before = len(world.of(ReadIssues))
    world.ask("A")
    assert len(world.of(ReadIssues)) == before
    change(world, description="Use SQLite.")
    world.tick()
    assert world.blocked() == []


def test_what_the_agent_changed_unparks_nothing_while_that_is_being_read() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    change(world, description="The agent's plan.")
    world.withhold(ReadIssues)
    world.ask("A")
    first = world.asked[0]
    world.tick()
    late = world.asked[-1]
    assert late is not first
    world.answer(late)
    world.answer(first)
    assert world.blocked() == ["A"]


@pytest.mark.proves("reconcile.state.terminal", "reconcile.cleanup.recorded_path")
def test_a_parked_issue_that_becomes_terminal_is_cleaned() -> None:
    world = one_parked()
    world.move("A", "Done")
    world.tick()
    assert world.removals == [("A", "/workspaces/A")]
    assert (world.claim("A"), world.blocked()) == (None, [])


@pytest.mark.proves("reconcile.stop.released", "claim.release.redispatch")
@pytest.mark.parametrize("gone", ["Backlog", "label", "vanished"])
def test_a_parked_issue_that_does_not_qualify_any_more_is_released(gone: str) -> None:
    world = one_parked()
    match gone:
        case "vanished":
            world.vanish("A")
        case "label":
            change(world, labels=())
        case _:
            world.move("A", gone)
    world.tick()
    assert (world.claim("A"), world.removals) == (None, [])


@pytest.mark.proves("reconcile.read.failed")
def test_a_failed_refresh_leaves_it_parked() -> None:
    world = one_parked()
    world.vanish("A")
    world.read_failure = OUTAGE
    world.advance(120)
    assert world.blocked() == ["A"]


@pytest.mark.proves("run.events.stale")
def test_a_late_read_of_an_earlier_question_changes_nothing() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.withhold(ReadIssues)
    world.ask("A", "first?")
    late = next(one for one in world.asked if purpose_is_parking(one.question))
    world.asked.remove(late)
    world.tick()
    world.answer()
    change(world, title="answered")
    world.tick()
    world.answer()
    assert world.starts == [("A", None), ("A", None)]
    world.ask("A", "second?")
    fresh = next(one for one in world.asked if purpose_is_parking(one.question))
    world.asked.append(late)
    world.answer(late, as_asked=True)
    assert baseline(world) is None
    world.answer(fresh)
    assert baseline(world) == world.tracker[id_of("A")]


def purpose_is_parking(question: object) -> bool:
    return isinstance(question, ReadIssues) and isinstance(question.purpose, ForParking)


def baseline(world: Driver) -> Issue | None:
    return world.state.parked[id_of("A")].baseline

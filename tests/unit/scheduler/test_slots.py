"""How many run at once, and who is held back by whom."""

from __future__ import annotations

import pytest

from symphony.domain.run import IssueRefreshed
from symphony.scheduler.commands import ReadIssues
from tests.support.scheduling import Driver, issue, settings


@pytest.mark.proves("slots.global.limit")
@pytest.mark.parametrize("slots", [0, 1, 3])
def test_no_more_run_than_there_are_slots(slots: int) -> None:
    issues = [issue(f"A{number}", created=number) for number in range(5)]
    world = Driver(*issues, settings=settings(slots=slots)).begin()
    assert world.running == [f"A{number}" for number in range(slots)]
    world.tick()
    assert len(world.running) == slots
    assert set(world.skipped().values()) == {"no_global_slot"}


@pytest.mark.proves("slots.global.limit")
def test_a_run_that_is_being_stopped_keeps_its_slot_until_it_is_gone() -> None:
    world = Driver(issue("A"), issue("B", created=1), settings=settings(slots=1)).begin()
    world.move("A", "Backlog")
    world.tick()
    assert world.running == ["A"]
    world.gone("A")
    world.advance(1)
    assert world.running == ["B"]


@pytest.mark.proves("slots.state.limit")
def test_a_state_has_its_own_limit_and_a_state_without_one_only_the_global() -> None:
    todo = [issue(f"T{number}", created=number) for number in range(3)]
    rework = [issue(f"R{number}", state="Rework", created=number) for number in range(3)]
    world = Driver(*todo, *rework, settings=settings(slots=5, by_state={" toDO ": 1})).begin()
    assert sorted(world.running) == ["R0", "R1", "R2", "T0"]
    assert world.skipped() == {"T1": "no_state_slot", "T2": "no_state_slot"}


@pytest.mark.proves("slots.state.no_blocking")
def test_a_full_state_does_not_hold_back_others_behind_it() -> None:
    world = Driver(
        issue("T1", priority=1),
        issue("T2", priority=1),
        issue("R", state="Rework", priority=4),
        settings=settings(slots=2, by_state={"Todo": 1}),
    ).begin()
    assert world.running == ["T1", "R"]


@pytest.mark.proves("slots.state.refreshed", "reconcile.issue.updated")
def test_a_run_counts_under_the_state_that_a_tick_found() -> None:
    world = Driver(
        issue("A"), issue("B", created=1), settings=settings(by_state={"Todo": 1})
    ).begin()
    assert world.running == ["A"]
    world.move("A", "In Progress")
    world.tick()
    assert world.running == ["A", "B"]


@pytest.mark.proves("slots.state.refreshed", "refill.slot.freed")
def test_a_run_counts_at_once_under_the_state_that_it_read_between_turns() -> None:
    world = Driver(
        issue("A"), issue("B", created=1), settings=settings(by_state={"Todo": 1})
    ).begin()
    world.report("A", IssueRefreshed(issue=issue("A", state="In Progress")))
    world.advance(1)
    assert world.running == ["A", "B"]


@pytest.mark.proves("slots.state.refreshed")
def test_a_state_that_fills_up_by_a_refresh_takes_nobody_more() -> None:
    world = Driver(issue("A"), settings=settings(by_state={"Rework": 1})).begin()
    world.report("A", IssueRefreshed(issue=issue("A", state="Rework")))
    world.move("A", "Rework")
    world.put(issue("B", state="Rework"))
    world.tick()
    assert world.running == ["A"]


@pytest.mark.proves("run.events.stale")
def test_a_refresh_with_a_foreign_issue_is_not_taken() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.report("A", IssueRefreshed(issue=issue("B", state="Rework")))
    assert world.running == ["A"]
    world.succeed("A")
    assert world.claim("A") == "retrying"


@pytest.mark.proves("reload.limit.no_kill", "reload.apply.concurrency", "slots.global.limit")
def test_lowering_a_limit_ends_nobody_and_starts_nobody() -> None:
    issues = [issue(f"A{number}", created=number) for number in range(4)]
    world = Driver(*issues, settings=settings(slots=3)).begin()
    world.reload(settings(slots=1, by_state={"Todo": 1}, revision="2"))
    world.advance(60)
    assert world.stops == []
    assert world.running == ["A0", "A1", "A2"]
    world.succeed("A0")
    world.succeed("A1")
    world.advance(60)
    assert world.running == ["A2"]


@pytest.mark.proves("reload.apply.concurrency")
def test_raising_a_limit_starts_more_at_once() -> None:
    issues = [issue(f"A{number}", created=number) for number in range(4)]
    world = Driver(*issues, settings=settings(slots=1)).begin()
    world.reload(settings(slots=3, revision="2"))
    world.advance(0)
    assert world.running == ["A0", "A1", "A2"]


@pytest.mark.proves("reconcile.read.all_ids")
@pytest.mark.parametrize("count", [51, 120])
def test_all_running_issues_are_refreshed_however_many(count: int) -> None:
    issues = [issue(f"A{number}") for number in range(count)]
    world = Driver(*issues, settings=settings(slots=500)).begin()
    assert len(world.running) == count
    world.tick()
    assert set(world.of(ReadIssues)[-1].ids) == {known.id for known in issues}
    assert world.stops == []

"""A freed slot does not wait for the next tick."""

from __future__ import annotations

import pytest

from symphony.scheduler.commands import ReadCandidates, ReadIssues
from symphony.scheduler.dispatch import REFILL_READ_LIMIT
from symphony.scheduler.events import ForRefill, ReadFailure, RefillDue
from tests.support.scheduling import Driver, issue, settings


def crowd(count: int, *, slots: int, interval_ms: int = 30_000) -> Driver:
    issues = [issue(f"A{number:03}", created=number) for number in range(count)]
    return Driver(*issues, settings=settings(slots=slots, interval_ms=interval_ms)).begin()


def refills(world: Driver) -> list[ReadIssues]:
    return [read for read in world.of(ReadIssues) if isinstance(read.purpose, ForRefill)]


def finish(world: Driver, name: str) -> None:
    """The issue is done, and its run ends."""
    world.vanish(name)
    world.fail(name)


@pytest.mark.proves("refill.slot.freed", "slots.global.limit")
def test_a_freed_slot_is_filled_at_once_and_in_order() -> None:
    world = crowd(4, slots=2)
    finish(world, "A001")
    world.advance(1)
    assert world.running == ["A000", "A002"]
    assert len(world.of(ReadCandidates)) == 1


@pytest.mark.proves("refill.slot.freed")
def test_slots_that_free_together_are_filled_by_one_read() -> None:
    world = crowd(30, slots=8)
    for number in range(8):
        finish(world, f"A{number:03}")
    world.advance(1)
    assert len(world.running) == 8
    assert len(refills(world)) == 1


@pytest.mark.proves("refill.slot.freed")
def test_a_slot_that_frees_while_a_refill_is_read_is_filled_after_it() -> None:
    world = crowd(6, slots=2)
    world.withhold(ReadIssues)
    finish(world, "A000")
    world.advance(1)
    finish(world, "A001")
    world.advance(1)
    assert len(world.asked) == 1
    world.withheld.clear()
    world.answer()
    world.advance(1)
    assert world.running == ["A002", "A003"]


@pytest.mark.proves("refill.slot.freed")
def test_a_refill_names_a_bounded_number_of_issues() -> None:
    world = crowd(400, slots=100)
    for number in range(100):
        finish(world, f"A{number:03}")
    world.advance(1)
    assert len(world.running) == 100
    assert {len(read.ids) for read in refills(world)} <= set(range(1, REFILL_READ_LIMIT + 1))
    assert len(refills(world)) <= 4


@pytest.mark.proves("refill.slot.freed", "eligibility.state.active")
@pytest.mark.parametrize("change", ["moved", "vanished", "held back", "terminal"])
def test_an_issue_that_changed_since_the_poll_is_not_dispatched(change: str) -> None:
    world = crowd(3, slots=1)
    match change:
        case "vanished":
            world.vanish("A001")
        case "held back":
            world.put(issue("A001", dispatchable=False))
        case _:
            world.move("A001", "Backlog" if change == "moved" else "Done")
    finish(world, "A000")
    world.advance(1)
    assert world.running == ["A002"]
    assert "A001" not in world.skipped() or change != "vanished"


@pytest.mark.proves("refill.slot.freed", "retry.continuation.delay")
def test_an_issue_whose_run_just_ended_does_not_refill_its_own_slot() -> None:
    world = crowd(1, slots=1)
    world.succeed("A000")
    world.advance(0.5)
    assert world.running == []
    assert refills(world) == []


@pytest.mark.proves("refill.slot.freed", "slots.state.no_blocking")
def test_a_refill_looks_past_issues_of_a_full_state() -> None:
    todo = [issue(f"T{number}", priority=1, created=number) for number in range(200)]
    world = Driver(
        *todo,
        issue("R1", state="Rework", priority=2),
        issue("R2", state="Rework", priority=3),
        settings=settings(slots=2, by_state={"Todo": 1}),
    ).begin()
    assert world.running == ["T0", "R1"]
    finish(world, "R1")
    world.advance(1)
    assert world.running == ["T0", "R2"]


@pytest.mark.proves("refill.slot.freed", "recovery.service.survives")
def test_a_refill_that_fails_leaves_the_slot_to_the_next_tick() -> None:
    world = crowd(2, slots=1)
    world.read_failure = ReadFailure(category="tracker_request", message="refused")
    finish(world, "A000")
    world.advance(1)
    assert world.running == []
    assert len(refills(world)) == 1
    world.read_failure = None
    world.tick()
    assert world.running == ["A001"]


@pytest.mark.proves("run.events.stale")
def test_late_timers_and_answers_of_a_refill_change_nothing() -> None:
    world = crowd(3, slots=1)
    finish(world, "A000")
    timer = world.timers["RefillTimer", ""].timer
    world.withhold(ReadIssues)
    world.advance(1)
    late = world.asked[0]
    world.answer(late)
    assert world.running == ["A001"]
    before = len(world.commands)
    world.send(RefillDue(epoch=timer.epoch))
    world.asked.append(late)
    world.answer(late)
    assert world.commands[before:] == []


@pytest.mark.proves("refill.slot.freed", "claim.issue.single_run")
def test_a_poll_and_a_refill_at_the_same_time_start_nobody_twice() -> None:
    world = crowd(6, slots=2, interval_ms=1_000)
    world.withhold(ReadIssues)
    finish(world, "A000")
    world.advance(0.1)
    world.withhold(ReadCandidates)
    world.advance(2)
    for asked in list(world.asked):
        world.answer(asked, as_asked=True)
    while world.asked:
        world.answer()
    assert sorted({name for name, _ in world.starts}) == [name for name, _ in world.starts]
    assert len(world.running) == 2


# A slow answer may be behind what is known by then.


@pytest.mark.proves("refill.slot.freed", "eligibility.state.active", "retry.refresh.terminal")
def test_a_slow_poll_does_not_restart_an_issue_that_ended_while_it_was_read() -> None:
    """The poll was asked for while the issue ran; by its answer the issue is long done."""
    world = crowd(2, slots=2, interval_ms=10_000)
    world.withhold(ReadCandidates)
    world.tick()
    world.move("A000", "Done")
    world.succeed("A000")
    world.advance(1)
    assert (world.claim("A000"), world.removals) == (None, [("A000", None)])
    world.answer(as_asked=True)
    world.advance(1)
    assert world.starts == [("A000", None), ("A001", None)]


@pytest.mark.proves("claim.release.redispatch", "refill.slot.freed")
def test_an_issue_that_is_eligible_again_by_then_is_read_anew_and_started() -> None:
    world = crowd(1, slots=1, interval_ms=10_000)
    world.withhold(ReadCandidates)
    world.tick()
    world.move("A000", "Backlog")
    world.fail("A000")
    world.advance(10)
    assert world.claim("A000") is None
    world.put(issue("A000"))
    world.answer(as_asked=True)
    assert world.skipped() == {"A000": "answer_outdated"}
    world.advance(0.1)
    assert world.running == ["A000"]


@pytest.mark.proves("refill.slot.freed", "eligibility.state.active")
def test_a_slow_poll_does_not_undo_what_a_refill_found() -> None:
    world = crowd(3, slots=1, interval_ms=10_000)
    world.withhold(ReadCandidates)
    world.tick()
    world.move("A001", "Backlog")
    finish(world, "A000")
    world.advance(1)
    assert world.running == ["A002"]
    finish(world, "A002")
    world.answer(as_asked=True)
    world.advance(1)
    assert "A001" not in [name for name, _ in world.starts]

"""What people and programs are shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symphony.domain.run import AgentActivity
from symphony.scheduler.state import RECENT_EVENTS
from tests.support.scheduling import Driver, issue, settings


@pytest.mark.proves("snapshot.rows.current", "snapshot.running.rows", "snapshot.retrying.rows")
def test_an_issue_is_in_the_row_that_its_latest_change_put_it() -> None:
    world = Driver(issue("A"), issue("B", state="Backlog"), settings=settings())
    assert world.snapshot.running == ()
    world.begin()
    assert world.running == ["A"]
    world.fail("A")
    shown = world.snapshot
    assert (shown.running, [row.issue.identifier for row in shown.retrying]) == ((), ["A"])
    world.advance(10)
    world.ask("A")
    assert world.blocked() == ["A"]


@pytest.mark.proves("snapshot.running.rows", "snapshot.retrying.rows")
def test_rows_carry_the_address_of_their_issue() -> None:
    known = replace(issue("A"), url="https://tracker.example/A")
    world = Driver(known, settings=settings()).begin()
    assert world.snapshot.running[0].issue.url == "https://tracker.example/A"
    world.fail("A")
    assert world.snapshot.retrying[0].issue.url == "https://tracker.example/A"


@pytest.mark.proves("snapshot.retrying.rows")
def test_retries_are_shown_in_the_order_in_which_they_are_due() -> None:
    world = Driver(issue("A"), issue("B"), settings=settings()).begin()
    world.fail("A")
    world.succeed("B")
    assert [row.issue.identifier for row in world.snapshot.retrying] == ["B", "A"]
    world.withhold()
    world.now_ms += 60_000
    assert [row.due_in_ms for row in world.snapshot.retrying] == [0, 0]


def test_candidates_that_were_not_started_say_why_in_the_order_of_dispatch() -> None:
    world = Driver(
        issue("late", priority=4),
        issue("early", priority=1),
        issue("held", priority=2, dispatchable=False),
        issue("run", priority=1, created=-5),
        settings=settings(slots=1),
    ).begin()
    rows = [(row.issue.identifier, row.code) for row in world.snapshot.skipped]
    assert rows == [
        ("early", "no_global_slot"),
        ("held", "not_dispatchable"),
        ("late", "no_global_slot"),
    ]
    assert all(row.reason for row in world.snapshot.skipped)


def test_slots_and_polls_are_shown() -> None:
    world = Driver(issue("A"), issue("B"), settings=settings(slots=5)).begin()
    shown = world.snapshot
    assert (shown.free_slots, shown.max_concurrent_agents) == (3, 5)
    assert shown.last_poll is not None
    assert (shown.last_poll.candidates, shown.last_poll.problem) == (2, None)
    world.reload(settings(slots=1, revision="2"))
    assert world.snapshot.free_slots == 0
    world.succeed("A")
    assert world.snapshot.completed_runs == 1


@pytest.mark.proves("snapshot.rows.current")
def test_a_snapshot_shares_nothing_that_changes_later() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.report("A", AgentActivity(event="one"))
    before = world.snapshot
    for number in range(RECENT_EVENTS + 10):
        world.report("A", AgentActivity(event=f"event-{number}"))
    assert [event.event for event in before.running[0].recent] == ["one"]
    recent = world.snapshot.running[0].recent
    assert len(recent) == RECENT_EVENTS
    assert recent[-1].event == f"event-{RECENT_EVENTS + 9}"

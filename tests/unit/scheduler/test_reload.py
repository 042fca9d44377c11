"""WORKFLOW.md changes while the daemon runs, for better or worse."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symphony.domain.run import StopReason
from symphony.domain.settings import Settings
from symphony.scheduler.commands import (
    DropWorkflow,
    ReadCandidates,
    ReadIssues,
    ReadTerminal,
    StartRun,
)
from symphony.scheduler.events import (
    DaemonStarted,
    ReadFailure,
    ShutdownRequested,
    WorkflowRejected,
)
from tests.support.scheduling import Driver, id_of, issue, settings

BROKEN = WorkflowRejected(reason="WORKFLOW.md:3: agent.max_turns: not a number")


@pytest.mark.proves("reload.apply.states", "reload.apply.prompt")
def test_a_valid_change_polls_at_once_and_holds_for_what_starts_then() -> None:
    world = Driver(issue("A"), issue("B", state="Review"), settings=settings()).begin()
    world.advance(5)
    changed = settings(active=("Todo", "Review"), revision="2")
    world.reload(changed)
    world.advance(0)
    assert world.running == ["A", "B"]
    assert [start.settings.revision for start in world.of(StartRun)] == ["1", "2"]


@pytest.mark.proves("reload.apply.states")
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (settings(active=("Rework",), revision="2"), StopReason.NOT_ACTIVE),
        (settings(terminal=("Todo",), revision="2"), StopReason.TERMINAL),
        (settings(labels=("agent",), revision="2"), StopReason.NOT_ROUTABLE),
    ],
    ids=["active", "terminal", "labels"],
)
def test_changed_states_and_labels_govern_reconciliation(
    changed: object, reason: StopReason
) -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    assert isinstance(changed, type(world.state.settings))
    world.reload(changed)
    world.advance(0)
    assert world.stops == [("A", reason)]


@pytest.mark.proves("reload.apply.states")
def test_an_answer_to_the_old_settings_starts_nothing_and_the_poll_is_repeated() -> None:
    """It may come from another project: what the new settings find is another matter."""
    world = Driver(issue("OLD"), settings=settings())
    world.withhold(ReadCandidates)
    world.begin()
    world.reload(settings(revision="2"))
    world.vanish("OLD")
    world.put(issue("NEW"))
    world.withheld.clear()
    world.answer(as_asked=True)
    world.advance(0)
    assert world.starts == [("NEW", None)]


@pytest.mark.proves("reload.apply.states", "refill.slot.freed", "run.events.stale")
def test_a_refill_under_way_is_read_again_with_the_new_settings() -> None:
    world = Driver(issue("A"), issue("B", created=1), settings=settings(slots=1)).begin()
    world.withhold(ReadIssues, ReadCandidates)
    world.vanish("A")
    world.fail("A")
    world.advance(1)
    world.reload(settings(slots=1, revision="2"))
    old = world.asked[0]
    for late in (0, 1):
        world.advance(late)
        world.answer(old, as_asked=True)
        assert world.running == []
        world.asked.append(old)
    world.asked.remove(old)
    refill = next(one for one in world.asked if isinstance(one.question, ReadIssues))
    assert isinstance(refill.question, ReadIssues)
    assert refill.question.settings.revision == "2"
    world.answer(refill)
    assert world.running == ["B"]


@pytest.mark.proves("reload.apply.runs", "reload.invalid.retry")
def test_a_retry_under_way_is_read_again_with_the_new_settings() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.fail("A")
    world.withhold(ReadIssues)
    world.advance(10)
    world.reload(settings(revision="2"))
    old, new = world.asked[0], world.asked[1]
    assert world.answer(old) == []
    assert world.claim("A") == "retrying"
    world.answer(new)
    assert world.starts == [("A", None), ("A", 1)]
    assert world.of(StartRun)[-1].settings.revision == "2"


@pytest.mark.proves("reload.limit.no_kill", "reload.session.in_flight")
def test_a_run_goes_on_through_a_reload() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.reload(settings(slots=0, root="/elsewhere", revision="2"))
    world.advance(120)
    assert world.running == ["A"]
    assert world.entry("A").settings.revision == "1"


# While the file cannot be used.


def test_a_candidate_says_that_the_workflow_holds_it_back() -> None:
    world = Driver(issue("A"), settings=settings())
    world.withhold(ReadCandidates)
    world.begin()
    world.send(BROKEN)
    world.answer()
    assert world.running == []
    assert world.skipped() == {"A": "workflow_invalid"}


@pytest.mark.proves("reload.invalid.blocks_dispatch", "tick.validate.each")
def test_nothing_fresh_is_dispatched_and_no_candidates_are_read() -> None:
    world = Driver(issue("A"), issue("B", created=1), settings=settings(slots=1)).begin()
    world.send(BROKEN)
    polls = len(world.of(ReadCandidates))
    world.vanish("A")
    world.fail("A")
    world.advance(120)
    assert world.starts == [("A", None)]
    assert len(world.of(ReadCandidates)) == polls
    assert world.snapshot.workflow_problem == BROKEN.reason


@pytest.mark.proves("reload.invalid.reconcile", "reload.invalid.last_good")
def test_reconciliation_and_cleanup_go_on_with_the_last_good_settings() -> None:
    world = Driver(issue("A"), issue("B"), settings=settings()).begin()
    world.send(BROKEN)
    world.move("A", "Done")
    world.move("B", "Backlog")
    world.tick()
    assert world.stops == [("A", StopReason.TERMINAL), ("B", StopReason.NOT_ACTIVE)]
    world.gone("A")
    assert world.removals == [("A", None)]


@pytest.mark.proves("reload.invalid.reconcile", "reconcile.cleanup.deadline")
def test_a_finished_issue_is_cleaned_although_the_file_is_invalid() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.prepare("A")
    world.send(BROKEN)
    world.move("A", "Done")
    world.succeed("A")
    world.advance(1)
    assert world.removals == [("A", "/workspaces/A")]
    assert world.claim("A") is None


@pytest.mark.proves("reload.invalid.retry", "reload.invalid.recovers", "claim.retry.holds")
def test_a_due_retry_waits_for_a_valid_file_and_goes_on_at_once() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.fail("A")
    world.send(BROKEN)
    world.advance(3_600)
    row = world.queued("A")
    assert (row.attempt, row.waiting_for) == (1, "workflow")
    world.reload(settings(revision="2"))
    assert world.starts == [("A", None), ("A", 1)]


@pytest.mark.proves("reload.invalid.retry")
def test_a_file_that_breaks_while_a_retry_is_read_holds_the_retry() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.fail("A")
    world.withhold(ReadIssues)
    world.advance(10)
    world.send(BROKEN)
    world.answer()
    assert world.queued("A").waiting_for == "workflow"
    assert world.state.retrying[id_of("A")].attempt == 1


@pytest.mark.proves("reload.invalid.recovers", "reload.invalid.blocks_dispatch")
def test_a_valid_file_ends_the_wait_at_once() -> None:
    world = Driver(settings=settings()).begin()
    world.send(BROKEN)
    world.put(issue("A"))
    world.advance(45)
    assert world.running == []
    world.reload(settings(revision="2"))
    world.advance(0)
    assert world.running == ["A"]
    assert world.snapshot.workflow_problem is None


BUSY = ReadFailure(category="tracker_rate_limited", message="slow down", retry_after_ms=3_600_000)
ELSEWHERE = replace(settings(revision="2").tracker, provider={"project": "another"})


def moved() -> Settings:
    """Settings with another tracker."""
    return replace(settings(revision="2"), tracker=ELSEWHERE)


@pytest.mark.proves("tracker.limit.bounded")
def test_what_one_tracker_wished_does_not_bind_the_next() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.read_failure = BUSY
    world.tick()
    world.read_failure = None
    world.put(issue("B"))
    world.reload(moved())
    world.advance(0)
    assert world.running == ["A", "B"]


@pytest.mark.proves("tracker.limit.bounded")
def test_what_the_tracker_wished_holds_for_other_settings_of_it() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.read_failure = BUSY
    world.tick()
    world.read_failure = None
    world.put(issue("B"))
    world.reload(settings(revision="2", active=("Todo", "Review")))
    world.advance(600)
    assert world.running == ["A"]


@pytest.mark.proves("tracker.limit.bounded")
def test_a_retry_that_waited_for_one_tracker_does_not_wait_for_the_next() -> None:
    world = Driver(issue("A"), issue("B"), settings=settings()).begin()
    world.fail("A")
    world.read_failure = BUSY
    world.tick()
    world.read_failure = None
    assert world.queued("A").due_in_ms > 3_000_000
    world.reload(moved())
    world.advance(0)
    assert world.starts[-1] == ("A", 2)


@pytest.mark.proves("tracker.limit.bounded")
@pytest.mark.parametrize("kind", ["reconciliation", "parking"])
def test_a_wish_that_answers_older_settings_binds_nobody(kind: str) -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.withhold(ReadIssues, ReadCandidates)
    if kind == "parking":
        world.ask("A")
    else:
        world.tick()
    world.reload(moved())
    world.read_failure = BUSY
    world.answer()
    world.read_failure = None
    world.withheld.clear()
    world.put(issue("B"))
    world.answer_what_is_not_withheld()
    world.tick()
    assert "B" in world.running


@pytest.mark.proves("startup.cleanup.others_kept")
def test_a_reload_during_the_start_asks_again_what_may_be_removed() -> None:
    """What the old tracker calls done says nothing about a workspace under the new root."""
    world = Driver(issue("A", state="Done"), settings=settings(root="/old"))
    world.withhold(ReadTerminal)
    world.send(DaemonStarted())
    world.reload(settings(root="/new", terminal=("Closed",), revision="2"))
    world.answer()
    assert world.removals == []
    assert [asked.settings.workspace.root for asked in world.of(ReadTerminal)] == ["/old", "/new"]
    world.answer()
    world.advance(0)
    assert (world.removals, len(world.of(ReadCandidates))) == ([], 1)


def test_the_workflow_before_is_dropped_once_nothing_asks_with_it_any_more() -> None:
    first, second = settings(), settings(revision="2")
    world = Driver(issue("A"), settings=first).begin()
    assert world.reload(second)[-1] == DropWorkflow(settings=first)
    world.send(ShutdownRequested())
    assert world.reload(settings(revision="3")) == []

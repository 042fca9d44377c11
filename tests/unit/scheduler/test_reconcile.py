"""What happens to a run when its issue changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symphony.domain.run import Failed, NeedsPerson, RunOutcome, Stopped, StopReason, Succeeded
from symphony.scheduler.commands import (
    ReadCandidates,
    ReadIssues,
    RemoveWorkspace,
    StartRun,
    StopRun,
)
from symphony.scheduler.events import ReadFailure
from tests.support.scheduling import Driver, id_of, issue, settings


def one_running() -> Driver:
    world = Driver(issue("A", labels=("agent",)), settings=settings(labels=("agent",))).begin()
    world.prepare("A", "/recorded/A")
    return world


# What stops a run: the change, the reason, whether the workspace goes.
CHANGES = [
    pytest.param(
        "Done",
        StopReason.TERMINAL,
        id="terminal",
        marks=pytest.mark.proves("reconcile.state.terminal"),
    ),
    pytest.param(
        "Backlog",
        StopReason.NOT_ACTIVE,
        id="inactive",
        marks=pytest.mark.proves("reconcile.state.inactive"),
    ),
    pytest.param(
        "label removed",
        StopReason.NOT_ROUTABLE,
        id="label removed",
        marks=pytest.mark.proves("reconcile.route.label_removed"),
    ),
    pytest.param(
        "not dispatchable",
        StopReason.NOT_ROUTABLE,
        id="not dispatchable",
        marks=pytest.mark.proves("reconcile.route.not_dispatchable"),
    ),
    pytest.param(
        "vanished",
        StopReason.NOT_VISIBLE,
        id="vanished",
        marks=pytest.mark.proves("reconcile.issue.missing"),
    ),
]


def change(world: Driver, what: str) -> None:
    match what:
        case "vanished":
            world.vanish("A")
        case "label removed":
            world.put(issue("A"))
        case "not dispatchable":
            world.put(issue("A", labels=("agent",), dispatchable=False))
        case _:
            world.move("A", what)


@pytest.mark.parametrize(("what", "reason"), CHANGES)
def test_a_run_whose_issue_does_not_qualify_any_more_is_stopped(
    what: str, reason: StopReason
) -> None:
    world = one_running()
    change(world, what)
    world.tick()
    assert world.stops == [("A", reason)]
    assert world.removals == []
    world.gone("A")
    assert world.removals == ([("A", "/recorded/A")] if reason is StopReason.TERMINAL else [])
    assert world.claim("A") is None


@pytest.mark.proves("reconcile.stop.released", "claim.release.redispatch")
@pytest.mark.parametrize(("what", "reason"), CHANGES)
def test_it_is_not_retried_while_it_does_not_qualify_and_dispatched_when_it_does(
    what: str, reason: StopReason
) -> None:
    world = one_running()
    change(world, what)
    world.tick()
    world.gone("A")
    world.advance(3_600)
    assert world.starts == [("A", None)]
    assert world.stops == [("A", reason)]
    world.put(issue("A", labels=("agent",)))
    world.tick()
    assert world.starts == [("A", None), ("A", None)]


@pytest.mark.proves("reconcile.cleanup.after_exit", "reconcile.cleanup.deadline")
@pytest.mark.parametrize(
    "outcome",
    [
        Stopped(reason=StopReason.TERMINAL),
        Succeeded(),
        Failed(category="port_exit", message="gone"),
        NeedsPerson(request="user_input", question="Which?"),
    ],
    ids=["stopped", "succeeded", "failed", "asked"],
)
def test_the_workspace_goes_when_the_run_is_gone_however_it_ended(outcome: RunOutcome) -> None:
    world = one_running()
    world.move("A", "Done")
    world.tick()
    world.advance(20)
    assert world.removals == []
    world.end("A", outcome)
    assert world.removals == [("A", "/recorded/A")]


@pytest.mark.proves("reconcile.cleanup.recorded_path", "reload.session.in_flight")
def test_what_is_removed_is_the_recorded_path_also_after_the_root_was_changed() -> None:
    world = one_running()
    world.reload(settings(root="/elsewhere", labels=("agent",), revision="2"))
    world.move("A", "Done")
    world.tick()
    world.gone("A")
    [removal] = world.of(RemoveWorkspace)
    assert removal.path == "/recorded/A"
    assert removal.settings.workspace.root == "/workspaces"


@pytest.mark.proves("reconcile.cleanup.recorded_path")
@pytest.mark.parametrize("claim", ["retrying", "parked"])
def test_the_recorded_path_is_kept_by_a_claim_without_a_run(claim: str) -> None:
    world = one_running()
    _ = world.fail("A") if claim == "retrying" else world.ask("A")
    world.reload(settings(root="/elsewhere", labels=("agent",), revision="2"))
    world.move("A", "Cancelled")
    world.advance(30)
    assert world.removals == [("A", "/recorded/A")]


@pytest.mark.proves("reconcile.issue.updated")
def test_a_run_whose_issue_still_qualifies_goes_on_with_the_new_data() -> None:
    world = one_running()
    world.put(replace(world.tracker[id_of("A")], title="a better title", state="in progress"))
    world.tick()
    assert world.stops == []
    [row] = world.snapshot.running
    assert (row.issue.title, row.issue.state) == ("a better title", "in progress")


@pytest.mark.proves("reconcile.read.failed")
def test_a_failed_refresh_stops_nobody_and_the_next_tick_tries_again() -> None:
    world = one_running()
    world.move("A", "Done")
    world.read_failure = ReadFailure(category="tracker_status", message="502")
    world.tick()
    world.tick()
    assert world.stops == []
    assert len(world.announced("reconcile_read_failed")) == 2
    world.read_failure = None
    world.tick()
    assert world.stops == [("A", StopReason.TERMINAL)]


@pytest.mark.proves("tick.order.reconcile")
def test_running_issues_are_read_before_candidates_are_asked_for() -> None:
    world = one_running()
    world.withhold(ReadIssues)
    world.put(issue("B", labels=("agent",)))
    polls = len(world.of(ReadCandidates))
    world.tick()
    assert len(world.of(ReadCandidates)) == polls
    world.answer()
    assert len(world.of(ReadCandidates)) == polls + 1
    assert world.running == ["A", "B"]


@pytest.mark.proves("tick.order.reconcile", "reconcile.route.label_removed")
def test_a_run_stopped_by_a_tick_comes_before_what_that_tick_starts() -> None:
    world = one_running()
    world.put(issue("A"), issue("B", labels=("agent",)))
    world.tick()
    order = [type(one) for one in world.commands if isinstance(one, StartRun | StopRun)]
    assert order == [StartRun, StopRun, StartRun]


@pytest.mark.proves("run.events.stale")
def test_a_run_that_started_after_the_question_is_not_judged_by_the_answer() -> None:
    world = one_running()
    world.withhold(ReadIssues)
    world.tick()
    judged = world.asked[0]
    world.fail("A")
    world.advance(10)
    world.answer(world.asked[1])
    assert world.starts == [("A", None), ("A", 1)]
    world.vanish("A")
    world.answer(judged)
    assert world.stops == []


@pytest.mark.proves("run.events.stale")
def test_the_answer_of_an_earlier_tick_is_not_taken() -> None:
    world = one_running()
    world.withhold(ReadIssues)
    world.tick()
    late = world.asked[0]
    world.answer(late)
    world.move("A", "Backlog")
    world.asked.append(late)
    before = len(world.commands)
    world.answer(late)
    assert world.commands[before:] == []


def test_a_run_is_asked_to_stop_once() -> None:
    world = one_running()
    world.move("A", "Done")
    world.advance(300)
    assert world.stops == [("A", StopReason.TERMINAL)]


@pytest.mark.proves("recovery.workspace.deleted", "recovery.service.survives")
def test_a_run_without_a_workspace_fails_alone() -> None:
    world = Driver(issue("A"), issue("B"), settings=settings()).begin()
    world.fail("A", "invalid_workspace_cwd")
    world.advance(60)
    assert world.running == ["B", "A"]

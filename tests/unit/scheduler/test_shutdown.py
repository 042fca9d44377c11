"""A daemon that is asked to stop ends its runs and begins nothing."""

from __future__ import annotations

import pytest

from symphony.domain.run import StopReason
from symphony.scheduler.commands import (
    CheckWorkflow,
    KeepWorkspaces,
    ReadCandidates,
    ReadIssues,
    ReadTerminal,
    RemoveWorkspace,
    StartRun,
)
from symphony.scheduler.events import (
    DaemonStarted,
    PollRequested,
    ShutdownRequested,
    WorkspaceRemoved,
)
from tests.support.scheduling import Driver, id_of, issue, settings

OUTCOMES = ("workspace_kept", "workspace_removed", "workspace_removal_failed")

BEGINNINGS = StartRun | ReadIssues | ReadCandidates | ReadTerminal | CheckWorkflow | RemoveWorkspace


def begun(world: Driver) -> int:
    return sum(isinstance(command, BEGINNINGS) for command in world.commands)


@pytest.mark.proves("cli.stop.agents_ended")
def test_every_run_is_asked_to_stop_once() -> None:
    world = Driver(issue("A"), issue("B"), settings=settings()).begin()
    world.move("A", "Done")
    world.tick()
    world.send(ShutdownRequested())
    world.send(ShutdownRequested())
    assert world.stops == [("A", StopReason.TERMINAL), ("B", StopReason.SHUTDOWN)]


def test_nothing_is_begun_afterwards() -> None:
    world = Driver(issue("A"), issue("B"), issue("C"), settings=settings(slots=2)).begin()
    world.fail("A")
    world.advance(1)
    world.send(ShutdownRequested())
    before = begun(world)
    world.send(PollRequested())
    world.reload(settings(revision="2"))
    world.gone("B")
    world.gone("C")
    world.advance(3_600)
    assert begun(world) == before
    assert world.snapshot.draining


@pytest.mark.parametrize("kind", [ReadIssues, ReadCandidates, CheckWorkflow])
def test_an_answer_that_comes_after_it_begins_nothing(
    kind: type[ReadIssues | ReadCandidates | CheckWorkflow],
) -> None:
    world = Driver(issue("A"), issue("B"), settings=settings()).begin()
    world.fail("A")
    world.withhold(kind)
    world.advance(30)
    world.put(issue("C"))
    world.send(ShutdownRequested())
    before = begun(world)
    while world.asked:
        world.answer()
    world.advance(60)
    assert begun(world) == before


@pytest.mark.proves("cli.stop.workspaces_kept")
def test_a_retry_read_or_a_parked_issue_removes_no_workspace_any_more() -> None:
    world = Driver(issue("A"), issue("B"), settings=settings()).begin()
    world.fail("A")
    world.ask("B")
    world.withhold(ReadIssues)
    world.advance(30)
    world.move("A", "Done")
    world.move("B", "Done")
    world.send(ShutdownRequested())
    while world.asked:
        world.answer()
    assert world.removals == []


@pytest.mark.proves("cli.stop.workspaces_kept")
def test_a_stop_during_the_start_begins_nothing_more() -> None:
    world = Driver(issue("A"), issue("X", state="Done"), settings=settings())
    world.withhold(ReadTerminal)
    world.send(DaemonStarted())
    world.send(ShutdownRequested())
    world.answer()
    world.advance(60)
    assert begun(world) == 1


@pytest.mark.proves("cli.stop.workspaces_kept")
def test_a_run_that_is_stopped_by_it_keeps_its_workspace() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.prepare("A")
    world.send(ShutdownRequested())
    world.gone("A")
    assert (world.removals, world.claim("A")) == ([], None)


@pytest.mark.proves("cli.stop.workspaces_kept")
def test_a_run_that_ended_with_its_issue_keeps_its_workspace_for_the_next_start() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.prepare("A")
    world.move("A", "Done")
    world.tick()
    world.send(ShutdownRequested())
    world.gone("A")
    assert (world.removals, world.claim("A")) == ([], None)


@pytest.mark.proves("cli.stop.workspaces_kept")
def test_a_removal_that_did_not_begin_is_told_and_is_no_failure() -> None:
    world = Driver(issue("X", state="Done"), settings=settings())
    world.withhold(RemoveWorkspace)
    world.begin()
    assert KeepWorkspaces() in world.send(ShutdownRequested())
    world.send(WorkspaceRemoved(issue_id=id_of("X"), kept=True))
    assert world.claim("X") is None
    assert [len(world.announced(name)) for name in OUTCOMES] == [1, 0, 0]

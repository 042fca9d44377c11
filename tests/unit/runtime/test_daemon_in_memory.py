"""The real loop, interpreter, timers and reads, with twins around them and virtual time."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

import anyio
import pytest

from symphony.domain.ids import IssueId, RunId, ThreadId
from symphony.domain.issue import Issue
from symphony.domain.run import (
    AgentActivity,
    Failed,
    Succeeded,
    TokenUsage,
    UsageReported,
    WorkspacePrepared,
)
from symphony.domain.settings import Settings
from symphony.runtime.interpreter import REMOVALS_AT_ONCE
from symphony.scheduler.events import PollRequested, RunEnded, ShutdownRequested
from symphony.testing import MemoryWorkspaces, settle
from symphony.trackers.errors import TrackerError
from symphony.trackers.memory import MemoryTracker, Request
from tests.support.virtual_daemon import make_issue, make_settings, virtual_daemon

pytestmark = pytest.mark.anyio


@pytest.mark.proves("tick.cadence.interval", "slots.global.limit", "startup.order.sequence")
async def test_the_first_tick_comes_at_once_and_fills_the_slots() -> None:
    board = MemoryTracker([make_issue("A-1"), make_issue("A-2"), make_issue("A-3")])
    async with virtual_daemon(board, slots=2) as daemon:
        assert daemon.worker.started() == ["A-1", "A-2"]
        assert [row.code for row in daemon.snapshot().skipped] == ["no_global_slot"]


@pytest.mark.proves("refill.slot.freed", "retry.continuation.delay")
async def test_a_freed_slot_is_filled_without_waiting_for_the_next_tick() -> None:
    board = MemoryTracker([make_issue("A-1"), make_issue("A-2")])
    async with virtual_daemon(board, slots=1) as daemon:
        board.set_state(IssueId("a-1"), "Done")
        await daemon.worker.latest("A-1").end(Succeeded())
        await daemon.clock.advance(200)
        assert daemon.running() == ["A-2"]


@pytest.mark.proves("refill.slot.freed")
async def test_an_issue_that_moved_on_since_the_poll_is_not_refilled() -> None:
    board = MemoryTracker([make_issue("A-1"), make_issue("A-2"), make_issue("A-3")])
    async with virtual_daemon(board, slots=1) as daemon:
        board.set_state(IssueId("a-1"), "Done")
        board.set_state(IssueId("a-2"), "Done")
        await daemon.worker.latest("A-1").end(Succeeded())
        await daemon.clock.advance(200)
        assert daemon.running() == ["A-3"]


async def test_reads_by_id_that_fall_together_are_one_request() -> None:
    board = MemoryTracker([make_issue(f"A-{number}") for number in range(1, 6)])
    async with virtual_daemon(board, slots=5) as daemon:
        for number in range(1, 6):
            await daemon.worker.latest(f"A-{number}").end(Succeeded())
        board.requests.clear()
        await daemon.clock.advance(1_100)
        assert [request.operation for request in board.requests] == ["ids"]
        assert len(board.requests[0].names) == 5


@pytest.mark.proves("reconcile.read.failed", "tracker.error.candidates")
async def test_a_failing_tracker_stops_nothing_and_starts_nothing() -> None:
    board = MemoryTracker([make_issue("A-1"), make_issue("A-2")])
    async with virtual_daemon(board, slots=1) as daemon:
        board.fail_next(TrackerError("tracker_status", "500"), times=2)
        await daemon.clock.advance(30_000)
        assert daemon.running() == ["A-1"]
        poll = daemon.snapshot().last_poll
        assert poll is not None
        assert "500" in (poll.problem or "")
        await daemon.clock.advance(30_000)
        poll = daemon.snapshot().last_poll
        assert poll is not None
        assert poll.problem is None


@pytest.mark.proves("tick.read.slow", "stall.detect.within_tick", "claim.stall.holds")
async def test_a_tracker_that_never_answers_does_not_delay_the_stall_check() -> None:
    board = MemoryTracker([make_issue("A-1")])
    async with virtual_daemon(board, slots=1) as daemon:
        board.gate = anyio.Event()
        await daemon.clock.advance(329_000)
        assert daemon.running() == ["A-1"]
        await daemon.clock.advance(1_500)
        assert daemon.worker.latest("A-1").cancelled
        retry = daemon.snapshot().retrying[0]
        assert (retry.attempt, retry.kind) == (1, "failure")
        assert "stalled" in (retry.error or "")
        board.gate.set()


@pytest.mark.proves("stall.clock.origin")
async def test_progress_postpones_the_stall_and_a_reconnect_notice_does_not() -> None:
    board = MemoryTracker([make_issue("A-1")])
    async with virtual_daemon(board, slots=1) as daemon:
        run = daemon.worker.latest("A-1")
        await daemon.clock.advance(200_000)
        await run.report(AgentActivity(event="notification", message="works"))
        await daemon.clock.advance(200_000)
        await run.report(AgentActivity(event="notification", message="again", is_progress=False))
        assert not run.cancelled
        await daemon.clock.advance(130_000)
        assert run.cancelled


@pytest.mark.proves(
    "reconcile.state.terminal", "reconcile.cleanup.recorded_path", "reconcile.cleanup.after_exit"
)
async def test_a_terminal_issue_is_stopped_and_the_recorded_workspace_removed() -> None:
    board = MemoryTracker([make_issue("A-1")])
    async with virtual_daemon(board, slots=1) as daemon:
        run = daemon.worker.latest("A-1")
        await run.report(WorkspacePrepared(path="/old/root/A-1", created_now=True))
        board.set_state(IssueId("a-1"), "Done")
        await daemon.clock.advance(31_000)
        assert run.cancelled
        assert daemon.workspaces.removed == [("A-1", "/old/root/A-1")]
        assert daemon.snapshot().running == ()


@pytest.mark.proves("run.events.stale")
async def test_the_end_of_an_earlier_run_does_not_touch_the_present_one() -> None:
    board = MemoryTracker([make_issue("A-1")])
    async with virtual_daemon(board, slots=1) as daemon:
        await daemon.worker.latest("A-1").end(Failed(category="port_exit", message="gone"))
        await daemon.clock.advance(10_100)
        assert daemon.running() == ["A-1"]
        await daemon.post(RunEnded(run_id=RunId(1), outcome=Succeeded()))
        assert daemon.running() == ["A-1"]
        assert daemon.snapshot().running[0].attempt == 1


@pytest.mark.proves("reload.apply.runs", "tool.session.bound")
async def test_a_reload_leaves_a_running_session_its_own_workflow() -> None:
    board, other = MemoryTracker([make_issue("A-1")]), MemoryTracker([make_issue("B-1")])
    async with virtual_daemon(board, slots=2) as daemon:
        await daemon.reload(make_settings("2"), other)
        await daemon.clock.advance(100)
        assert daemon.worker.latest("A-1").workflow.tracker is board
        assert daemon.worker.latest("B-1").workflow.tracker is other


@pytest.mark.proves("reload.limit.no_kill", "reload.apply.concurrency")
async def test_lowering_the_limit_kills_nobody_and_raising_it_starts_at_once() -> None:
    board = MemoryTracker([make_issue("A-1"), make_issue("A-2"), make_issue("A-3")])
    async with virtual_daemon(board, slots=2) as daemon:
        await daemon.reload(make_settings("2", slots=1))
        await daemon.clock.advance(30_000)
        assert daemon.running() == ["A-1", "A-2"]
        await daemon.reload(make_settings("3", slots=3))
        await daemon.clock.advance(200)
        assert daemon.running() == ["A-1", "A-2", "A-3"]


@pytest.mark.proves("reload.apply.poll_interval")
async def test_a_changed_interval_governs_the_ticks_after_it() -> None:
    board = MemoryTracker([])
    async with virtual_daemon(board, interval_ms=30_000) as daemon:
        await daemon.reload(make_settings("2", interval_ms=1_000))
        await daemon.clock.advance(50)
        before = len(daemon.checks)
        await daemon.clock.advance(5_000)
        assert len(daemon.checks) == before + 5


async def test_a_poll_can_be_asked_for() -> None:
    board = MemoryTracker([])
    async with virtual_daemon(board) as daemon:
        board.put(make_issue("A-1"))
        await daemon.post(PollRequested())
        await daemon.clock.advance(50)
        assert daemon.running() == ["A-1"]


@pytest.mark.proves("usage.total.summed", "usage.runtime.live")
async def test_totals_add_tokens_and_seconds_of_ended_and_running_sessions() -> None:
    board = MemoryTracker([make_issue("A-1"), make_issue("A-2")])
    async with virtual_daemon(board, slots=2) as daemon:
        for name in ("A-1", "A-2"):
            usage = TokenUsage(input_tokens=10, output_tokens=5, total_tokens=15)
            report = UsageReported(thread_id=ThreadId(name), total=usage)
            await daemon.worker.latest(name).report(report)
        await daemon.clock.advance(4_000)
        await daemon.worker.latest("A-1").end(Succeeded())
        snapshot = daemon.snapshot()
        assert snapshot.totals.total_tokens == 30
        assert snapshot.seconds_running > 8


@pytest.mark.proves("startup.cleanup.by_workspace", "startup.cleanup.others_kept")
async def test_the_clean_up_at_start_asks_only_for_what_lies_on_disk() -> None:
    board = MemoryTracker([make_issue(f"A-{number}", state="Done") for number in range(1, 9)])
    board.put(make_issue("A-9", state="Backlog"))
    async with virtual_daemon(board, on_disk=["A-2", "A-9", "A-77"]) as daemon:
        assert daemon.workspaces.removed == [("A-2", None)]
        assert daemon.workspaces.present == {"A-9", "A-77"}
    first, second = board.requests
    assert first == Request(operation="identifiers", names=("A-2", "A-77", "A-9"))
    assert second.names == ("Todo", "In Progress")


@pytest.mark.proves("startup.cleanup.by_workspace")
async def test_the_clean_up_at_start_asks_nothing_where_nothing_lies_on_disk() -> None:
    board = MemoryTracker([make_issue("A-1", state="Done")])
    async with virtual_daemon(board):
        pass
    assert [request.names for request in board.requests] == [("Todo", "In Progress")]


@pytest.mark.proves("startup.cleanup.terminal")
async def test_workspaces_whose_names_do_not_tell_the_issue_are_found_by_its_state() -> None:
    names = ["A-1", "A/2", "A/3"]
    board = MemoryTracker([make_issue(name, state="Done") for name in names])
    async with virtual_daemon(board, on_disk=["A-1", "A/2"]) as daemon:
        assert sorted(name for name, _ in daemon.workspaces.removed) == ["A-1", "A/2"]
    assert [request.names for request in board.requests[:2]] == [("A-1",), ("Done",)]


@pytest.mark.proves("startup.cleanup.fetch_failed")
async def test_a_clean_up_that_cannot_ask_removes_nothing_and_the_start_goes_on() -> None:
    board = MemoryTracker([make_issue("A-1", state="Done"), make_issue("A-2")])
    board.fail_next(TrackerError("tracker_status", "500"))
    async with virtual_daemon(board, on_disk=["A-1"]) as daemon:
        assert daemon.workspaces.removed == []
        assert daemon.running() == ["A-2"]


async def test_a_defect_of_the_tracker_is_a_failed_read() -> None:
    class Broken(MemoryTracker):
        async def fetch_issues_by_states(self, states: Collection[str]) -> Sequence[Issue]:
            raise RuntimeError(f"a defect over {sorted(states)}")

    async with virtual_daemon(Broken([])) as daemon:
        poll = daemon.snapshot().last_poll
        assert poll is not None
        assert "defect" in (poll.problem or "")


@pytest.mark.proves("run.end.process_stopped")
async def test_a_shutdown_stops_every_run_and_starts_nothing() -> None:
    board = MemoryTracker([make_issue("A-1"), make_issue("A-2")])
    async with virtual_daemon(board, slots=1) as daemon:
        await daemon.post(ShutdownRequested())
        assert daemon.worker.latest("A-1").cancelled
        await daemon.clock.advance(60_000)
        assert daemon.worker.started() == ["A-1"]


class SlowRemovals(MemoryWorkspaces):
    """Removals that go on until `go_on` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[str] = []
        self.go_on = anyio.Event()

    async def remove(self, issue: Issue, path: str | None, settings: Settings) -> str | None:
        self.begun.append(issue.identifier)
        await self.go_on.wait()
        return await super().remove(issue, path, settings)


@pytest.mark.proves("cli.stop.workspaces_kept")
async def test_a_stop_begins_no_removal_and_ends_with_those_that_have_begun(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "symphony")
    names = [f"A-{number}" for number in range(REMOVALS_AT_ONCE + 3)]
    board = MemoryTracker([make_issue(name, state="Done") for name in names])
    workspaces = SlowRemovals()
    async with virtual_daemon(board, on_disk=names, workspaces=workspaces) as daemon:
        assert len(workspaces.begun) == REMOVALS_AT_ONCE
        await daemon.post(ShutdownRequested())
        workspaces.go_on.set()
        await settle()
        assert sorted(name for name, _ in workspaces.removed) == sorted(workspaces.begun)
        assert daemon.snapshot().cleaning == ()
    assert len(workspaces.removed) == REMOVALS_AT_ONCE
    assert [each.message for each in caplog.records].count("workspace_kept") == 3

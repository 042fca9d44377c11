"""One round of the daemon, under virtual time: what belongs to it, and when it is over."""

from __future__ import annotations

import pytest

from symphony.domain.ids import IssueId
from symphony.domain.run import Failed, NeedsPerson, StopReason, Succeeded
from symphony.runtime.round import Round
from symphony.scheduler.events import PollRequested, WorkflowRejected
from symphony.testing import settle
from symphony.trackers.errors import TrackerError
from symphony.trackers.memory import MemoryTracker, Request
from tests.support.virtual_daemon import make_issue, make_settings, virtual_daemon

pytestmark = pytest.mark.anyio

LATER = TrackerError("tracker_rate_limited", "slow down", retry_after_ms=600_000)


def board(*names: str) -> MemoryTracker:
    return MemoryTracker(map(make_issue, names))


def outcomes(only: Round) -> dict[str, str]:
    return {each.issue.identifier: each.outcome for each in only.results.values()}


def left(only: Round) -> dict[str, str]:
    return {row.issue.identifier: row.code for row in only.left.values()}


async def test_a_board_with_nothing_to_start_is_over_after_the_poll() -> None:
    only = Round()
    async with virtual_daemon(MemoryTracker([make_issue("A-1", state="Done")]), governor=only):
        assert only.over.is_set()
    assert only.went_well
    assert only.candidates == 0
    assert not only.interrupted


async def test_later_polls_read_only_those_that_wait_for_a_slot() -> None:
    tracker, only = board("A-1", "A-2", "A-3"), Round()
    async with virtual_daemon(tracker, slots=1, governor=only) as daemon:
        tracker.put(make_issue("A-4"))
        tracker.requests.clear()
        await daemon.clock.advance(31_000)
        assert tracker.requests == [
            Request(operation="ids", names=("a-1",)),
            Request(operation="ids", names=("a-2", "a-3")),
        ]
        for name in ("A-1", "A-2", "A-3"):
            tracker.set_state(IssueId(name.lower()), "Done")
            await daemon.worker.latest(name).end(Succeeded())
            await daemon.clock.advance(2_000)
        assert only.over.is_set()
        assert daemon.worker.started() == ["A-1", "A-2", "A-3"]
        assert len(daemon.workspaces.removed) == 3
    assert only.went_well


async def test_a_good_end_is_looked_at_once_more_and_not_continued() -> None:
    tracker, only = board("A-1", "A-2"), Round()
    async with virtual_daemon(tracker, governor=only) as daemon:
        await daemon.worker.latest("A-1").end(Succeeded())
        await daemon.clock.advance(5_000)
        assert daemon.running() == ["A-2"]
        assert not only.over.is_set()
        # Changed settings ask for every retry again; it is still none of this round.
        await daemon.reload(make_settings("2"))
        await daemon.clock.advance(5_000)
        assert daemon.running() == ["A-2"]
        await daemon.worker.latest("A-2").end(Failed(category="turn_failed", message="no luck"))
        await daemon.clock.advance(60_000)
        assert daemon.worker.started() == ["A-1", "A-2"]
        assert only.over.is_set()
    assert only.to_be_continued == {IssueId("a-1")}
    assert outcomes(only) == {"A-1": "succeeded", "A-2": "failed"}
    assert not only.went_well


async def test_an_issue_that_vanishes_before_its_slot_is_free_is_told() -> None:
    tracker, only = board("A-1", "A-2", "A-3"), Round()
    async with virtual_daemon(tracker, slots=1, governor=only) as daemon:
        tracker.remove(IssueId("a-2"))
        tracker.set_state(IssueId("a-3"), "Backlog")
        await daemon.worker.latest("A-1").end(Succeeded())
        await daemon.clock.advance(40_000)
        assert only.over.is_set()
    assert left(only) == {"A-2": "not_visible", "A-3": "state_not_active"}
    assert only.went_well


async def test_a_poll_that_fails_ends_the_round() -> None:
    tracker, only = board("A-1"), Round()
    tracker.fail_next(TrackerError("tracker_status", "out of order"), times=2)
    async with virtual_daemon(tracker, governor=only, on_disk=("A-1",)):
        assert only.over.is_set()
    assert only.problem == "the tracker could not be read: tracker_status: out of order"
    assert not only.went_well


async def test_a_provider_that_wants_to_be_left_alone_is_not_waited_for() -> None:
    tracker, only = board("A-1"), Round()
    # The clean-up at the start asks first.
    tracker.fail_next(LATER)
    async with virtual_daemon(tracker, governor=only, on_disk=("A-1",)) as daemon:
        assert only.over.is_set()
        assert daemon.worker.started() == []
    assert only.problem == "the tracker wants no requests for 600 s"


async def test_one_that_wants_it_later_fails_those_that_still_wait() -> None:
    tracker, only = board("A-1", "A-2"), Round()
    async with virtual_daemon(tracker, slots=1, governor=only) as daemon:
        tracker.fail_next(LATER)
        await daemon.clock.advance(31_000)
        assert not only.over.is_set()
        await daemon.worker.latest("A-1").end(Succeeded())
        await daemon.clock.advance(31_000)
        assert only.over.is_set()
    assert left(only) == {"A-2": "no_global_slot"}
    assert only.problem is not None
    assert outcomes(only) == {"A-1": "succeeded"}


async def test_a_workflow_that_breaks_fails_those_that_still_wait_and_no_run() -> None:
    tracker, only = board("A-1", "A-2"), Round()
    async with virtual_daemon(tracker, slots=1, governor=only) as daemon:
        await daemon.post(WorkflowRejected(reason="no front matter"))
        await daemon.clock.advance(31_000)
        assert daemon.running() == ["A-1"]
        await daemon.worker.latest("A-1").end(Succeeded())
        await daemon.clock.advance(31_000)
        assert only.over.is_set()
    assert only.problem == "WORKFLOW.md cannot be used: no front matter"


async def test_an_edit_during_the_poll_asks_again_and_opens_the_round_then() -> None:
    tracker, only = board("A-1"), Round()
    async with virtual_daemon(tracker, governor=only) as daemon:
        await daemon.reload(make_settings("2"))
        await daemon.post(PollRequested())
        await daemon.clock.advance(100)
        assert daemon.worker.started() == ["A-1"]
        await daemon.worker.latest("A-1").end(Succeeded())
        await daemon.clock.advance(2_000)
        assert only.over.is_set()


@pytest.mark.parametrize(
    ("state", "outcome"), [("Done", "terminal"), ("Human Review", "not_active")]
)
async def test_a_run_whose_issue_moves_on_ended_well(state: str, outcome: str) -> None:
    tracker, only = board("A-1"), Round()
    async with virtual_daemon(tracker, governor=only) as daemon:
        tracker.set_state(IssueId("a-1"), state)
        await daemon.clock.advance(31_000)
        assert only.over.is_set()
    assert outcomes(only) == {"A-1": outcome}
    assert only.went_well
    assert only.states == {IssueId("a-1"): state}


async def test_a_question_is_no_good_end() -> None:
    only = Round()
    async with virtual_daemon(board("A-1"), governor=only) as daemon:
        await daemon.worker.latest("A-1").end(NeedsPerson(request="user_input", question="why?"))
        await settle()
        assert only.over.is_set()
    assert outcomes(only) == {"A-1": "blocked"}
    assert not only.went_well


async def test_a_stop_before_the_end_interrupts_the_round() -> None:
    only = Round()
    async with virtual_daemon(board("A-1", "A-2"), slots=1, governor=only):
        assert not only.over.is_set()
    assert only.interrupted
    assert left(only) == {"A-2": "no_global_slot"}
    assert not only.went_well


def test_every_reason_for_a_stop_has_words() -> None:
    from symphony.cli.closing import OUTCOMES

    reasons = {reason.value for reason in StopReason} - {"shutdown", "stalled"}
    assert reasons < set(OUTCOMES)

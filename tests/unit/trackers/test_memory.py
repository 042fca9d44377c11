"""What the twin does beyond the contract."""

from __future__ import annotations

import anyio
import pytest

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import BlockerRef, Issue
from symphony.trackers.errors import TrackerError
from symphony.trackers.memory import MemoryTracker, Request

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 10


def issue(name: str, **blockers: str | None) -> Issue:
    return Issue(
        id=IssueId(name),
        identifier=IssueIdentifier(name.upper()),
        title=name,
        state="Todo",
        dispatchable=True,
        blocked_by=tuple(BlockerRef(id=each, state=state) for each, state in blockers.items()),
    )


async def test_it_remembers_what_it_was_asked() -> None:
    tracker = MemoryTracker([issue("a")])
    await tracker.fetch_issues_by_states(["Todo"])
    await tracker.fetch_issues_by_ids([IssueId("a")])
    assert tracker.requests == [
        Request(operation="states", names=("Todo",)),
        Request(operation="ids", names=("a",)),
    ]


async def test_it_fails_as_often_as_it_was_told_to() -> None:
    tracker = MemoryTracker([issue("a")])
    tracker.fail_next(TrackerError("tracker_rate_limited", "slow down", retry_after_ms=7), times=2)
    for _ in range(2):
        with pytest.raises(TrackerError) as caught:
            await tracker.fetch_issues_by_states(["Todo"])
        assert caught.value.retry_after_ms == 7
    assert len(await tracker.fetch_issues_by_states(["Todo"])) == 1


async def test_an_answer_waits_at_the_gate_and_then_shows_the_board_as_it_is() -> None:
    tracker = MemoryTracker([issue("a")])
    tracker.gate = gate = anyio.Event()
    answers: list[str] = []

    async def read() -> None:
        (found,) = await tracker.fetch_issues_by_ids([IssueId("a")])
        answers.append(found.state)

    with anyio.fail_after(DEADLINE_SECONDS):
        async with anyio.create_task_group() as group:
            group.start_soon(read)
            while not tracker.requests:
                await anyio.lowlevel.checkpoint()
            assert answers == []
            tracker.set_state(IssueId("a"), "Done")
            gate.set()
    assert answers == ["Done"]


async def test_a_blocker_has_the_state_that_the_board_says() -> None:
    tracker = MemoryTracker([issue("a", b=None, elsewhere="Done"), issue("b")])
    assert tracker.current(IssueId("a")).blocked_by[0].state == "Todo"
    assert not tracker.current(IssueId("a")).dispatchable
    tracker.set_state(IssueId("b"), "Done")
    assert tracker.current(IssueId("a")).dispatchable

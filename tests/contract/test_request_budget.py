"""What the daemon's reads cost at each provider: the tables of the pages, measured.

The tables in docs/trackers are made here from what the fakes were asked, so that a number on a page
is a number that was counted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.run import Succeeded
from symphony.trackers.memory import MemoryTracker
from symphony.trackers.port import CountsRequests
from tests.support.counting_boards import COUNTING_BOARDS, ISSUES, CountingBoard, Spent
from tests.support.virtual_daemon import make_issue, virtual_daemon

pytestmark = pytest.mark.anyio

DIRECTORY = Path(__file__).resolve().parents[2] / "docs/trackers"

PAGES = {
    "linear": ("linear",),
    "files": ("files",),
    "github": ("github, issue", "github, label", "github, project"),
}

RUN = "a run of N turns, the issue changed in each"
RUNS: Mapping[str, tuple[str, Callable[[int], Spent]]] = {
    "linear": ("N + 1", lambda turns: Spent(requests=turns + 1, free=0)),
    "files": ("N + 1", lambda turns: Spent(requests=turns + 1, free=0)),
    "github, issue": ("2 N, N - 2 free", lambda turns: Spent(requests=2 * turns, free=turns - 2)),
    "github, label": ("2 N, N - 2 free", lambda turns: Spent(requests=2 * turns, free=turns - 2)),
    "github, project": ("2 N, N - 1 free", lambda turns: Spent(requests=2 * turns, free=turns - 1)),
}
"""What the pages say of it, and that as a function of N, which is 2 or more."""


async def cost(board: CountingBoard, *reads: Callable[[], Awaitable[object]]) -> Spent:
    before = board.spent()
    for each in reads:
        await each()
    return board.spent() - before


async def cost_of_run(board: CountingBoard, turns: int) -> Spent:
    """A read after each turn, and one before the run would be continued."""
    before = board.spent()
    for turn in range(1, turns + 1):
        board.work(is_done=turn == turns)
        await board.tracker.fetch_issues_by_ids(board.ids[:1])
    await board.tracker.fetch_issues_by_ids(board.ids[:1])
    return board.spent() - before


async def measured(board: CountingBoard) -> dict[str, Spent]:
    """What each line of a table says, in its order."""
    tracker = board.tracker
    names: list[IssueIdentifier] = []

    async def by_states() -> None:
        found = await tracker.fetch_issues_by_states(board.active)
        assert len(found) == ISSUES
        names[:] = [each.identifier for each in found]

    async def by_ids() -> None:
        assert len(await tracker.fetch_issues_by_ids(board.ids)) == ISSUES

    async def by_identifiers() -> None:
        assert len(await tracker.fetch_issues_by_identifiers(names)) == ISSUES

    spent = {"the first tick, with three issues": await cost(board, by_states)}
    spent["a tick when nothing happens"] = await cost(board, by_states)
    spent["a tick with agents at work"] = await cost(board, by_ids, by_states)
    spent["a dispatch into a slot that was freed"] = await cost(board, by_ids)
    spent["a start with workspaces on disk"] = await cost(board, by_identifiers)
    board.work(is_done=False)
    spent["a tick after one issue was changed"] = await cost(board, by_states)
    return spent


def cell(spent: Spent) -> str:
    return f"{spent.requests}, {spent.free} free" if spent.free else f"{spent.requests}"


@pytest.mark.parametrize("page", PAGES)
async def test_the_table_of_a_page_is_what_was_counted(page: str, tmp_path: Path) -> None:
    found: list[Mapping[str, str]] = []
    for name in PAGES[page]:
        async with COUNTING_BOARDS[name](tmp_path) as board:
            spent = await measured(board)
            await board.tracker.aclose()
        cells = {line: cell(each) for line, each in spent.items()}
        found.append({**cells, "a dispatch from a poll": "0", RUN: RUNS[name][0]})
    text = (DIRECTORY / f"{page}.md").read_text(encoding="utf-8").splitlines()
    lines = [f"| {' | '.join([line, *(each[line] for each in found)])} |" for line in found[0]]
    assert [line for line in lines if line not in text] == []


@pytest.mark.parametrize("turns", [2, 5])
@pytest.mark.parametrize("name", RUNS)
async def test_a_run_costs_what_the_page_says(name: str, turns: int, tmp_path: Path) -> None:
    async with COUNTING_BOARDS[name](tmp_path) as board:
        await board.tracker.fetch_issues_by_states(board.active)
        assert await cost_of_run(board, turns) == RUNS[name][1](turns)
        await board.tracker.aclose()


@pytest.mark.parametrize("name", COUNTING_BOARDS)
async def test_trackers_that_talk_to_a_provider_count_what_they_send(
    name: str, tmp_path: Path
) -> None:
    async with COUNTING_BOARDS[name](tmp_path) as board:
        tracker = board.tracker
        await measured(board)
        assert isinstance(tracker, CountsRequests) is (name != "files")
        if isinstance(tracker, CountsRequests):
            assert tracker.requests_sent == board.spent().requests
        await tracker.aclose()


async def test_the_daemon_reads_no_more_often_than_the_tables_say() -> None:
    board = MemoryTracker([make_issue("A-1"), make_issue("A-2")])
    async with virtual_daemon(board, slots=1) as daemon:

        def asked() -> list[str]:
            operations = [each.operation for each in board.requests]
            board.requests.clear()
            return operations

        assert asked() == ["states"], "a dispatch from a poll needs no other read"
        await daemon.clock.advance(30_000)
        assert asked() == ["ids", "states"], "a tick with an agent at work"
        board.set_state(IssueId("a-1"), "Done")
        await daemon.worker.latest("A-1").end(Succeeded())
        await daemon.clock.advance(2_000)
        assert daemon.running() == ["A-2"]
        assert set(asked()) == {"ids"}, "the freed slot, and the run that may go on"
        board.set_state(IssueId("a-2"), "Done")
        await daemon.worker.latest("A-2").end(Succeeded())
        await daemon.clock.advance(2_000)
        assert asked() == ["ids"]
        await daemon.clock.advance(30_000)
        assert asked() == ["states"], "a tick when nothing happens"

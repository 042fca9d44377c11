"""What each tracker asks of its provider, counted at the fakes: in an idle hour, and for an issue.

    python -m tests.reliability.budget

prints a Markdown table. Time is virtual: the real runtime lives through an hour over a board in
memory, which notes each read; then the real adapter carries out all of these reads, in their order,
over the fake of its provider, which counts. Nothing is extrapolated from fewer ticks.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio

from symphony.domain.ids import IssueId
from symphony.domain.run import AgentActivity, Succeeded
from symphony.trackers.memory import MemoryTracker
from tests.support.counting_boards import COUNTING_BOARDS, CountingBoard, Spent
from tests.support.virtual_daemon import make_issue, virtual_daemon

INTERVAL_MS: Final = 30_000
"""The default; an hour has 120 ticks."""
HOUR_MS: Final = 3_600_000
TURNS: Final = 3
"""Of the one run of an issue; each changes it, and the last one finishes it."""
MEANWHILE: Final = "*"
"""In a list of reads: an agent ends a turn, in which it changed its issue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`idle` is an hour in which nothing happens, `busy` one in which a session goes on; `issue` is
    what one issue adds to the ticks, from the poll that finds it to its workspace's end."""

    idle: Spent
    busy: Spent
    issue: Spent


async def reads_of_an_hour(*, with_session: bool) -> Sequence[str]:
    """The reads of the scheduler: `states` and `ids`, in their order."""
    board = MemoryTracker([make_issue("A-1")] if with_session else [])
    async with virtual_daemon(board, interval_ms=INTERVAL_MS) as daemon:
        assert daemon.running() == (["A-1"] if with_session else [])
        board.requests.clear()
        for _ in range(HOUR_MS // INTERVAL_MS):
            await daemon.clock.advance(INTERVAL_MS)
            if with_session:
                # An agent that says nothing for so long would be ended.
                talk = AgentActivity(event="notification", message="works")
                await daemon.worker.latest("A-1").report(talk)
        return [each.operation for each in board.requests]


async def reads_of_an_issue() -> Sequence[str]:
    """The reads on behalf of one issue. Its session reads it after each turn; the scheduler does so
    when the run is over, and does not at the dispatch."""
    board = MemoryTracker([make_issue("A-1")])
    async with virtual_daemon(board, interval_ms=HOUR_MS) as daemon:
        board.requests.clear()
        board.set_state(IssueId("a-1"), "Done")
        await daemon.worker.latest("A-1").end(Succeeded())
        await daemon.clock.advance(INTERVAL_MS)
        assert daemon.running() == []
        after = [each.operation for each in board.requests]
    return [*[MEANWHILE, "ids"] * TURNS, *after]


async def carry_out(board: CountingBoard, reads: Sequence[str]) -> Spent:
    """What these reads cost. Reads by id are for the first issue of the board."""
    before, turns = board.spent(), reads.count(MEANWHILE)
    for each in reads:
        if each == MEANWHILE:
            turns -= 1
            board.work(is_done=turns == 0)
        elif each == "ids":
            await board.tracker.fetch_issues_by_ids(board.ids[:1])
        else:
            assert each == "states", each
            await board.tracker.fetch_issues_by_states(board.active)
    return board.spent() - before


async def measure(name: str) -> Budget:
    """All figures of one board."""
    idle = await reads_of_an_hour(with_session=False)
    busy = await reads_of_an_hour(with_session=True)
    issue = await reads_of_an_issue()
    with tempfile.TemporaryDirectory() as directory:
        async with COUNTING_BOARDS[name](Path(directory)) as board:
            # The first answer is read in whole; an hour begins with what is known by then.
            await board.tracker.fetch_issues_by_states(board.active)
            budget = Budget(
                idle=await carry_out(board, idle),
                busy=await carry_out(board, busy),
                issue=await carry_out(board, issue),
            )
            await board.tracker.aclose()
    return budget


def table(budgets: Mapping[str, Budget]) -> str:
    """Markdown; "free" are those that a provider takes nothing of its limit for."""
    rows = [
        "| tracker | an idle hour | an hour with a session | an issue of three turns, besides |",
        "|---|---|---|---|",
    ]
    for name, budget in budgets.items():
        cells = (name, *(_cell(each) for each in (budget.idle, budget.busy, budget.issue)))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _cell(spent: Spent) -> str:
    return f"{spent.requests}, {spent.free} free" if spent.free else f"{spent.requests}"


def main() -> int:
    """The command."""
    budgets = {name: anyio.run(measure, name) for name in COUNTING_BOARDS}
    print(f"Requests at an interval of {INTERVAL_MS // 1000} s, counted at the fakes.\n")
    print(table(budgets))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What trackers are asked when nothing happens, when agents work, and for one issue.

Counted over a few ticks that follow each other quickly, and told for an hour at the default poll
interval. An answer that says that nothing changed costs nothing of GitHub's limit and is counted
apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from benchmarks.boards import Board, FilesBoard, GitHubBoard, LinearBoard
from benchmarks.site import Site
from conformance.fakes.recording import Request

TICK_MS = 200
TICKS = 20
TICKS_PER_HOUR = 120
AT_WORK = 10
IN_A_ROW = 5
UNCHANGED = 304

_Opener: TypeAlias = Callable[[int], Board]

_AT_REST: Mapping[str, _Opener] = {
    "linear": lambda issues: LinearBoard(issues, state="Done"),
    "github": lambda issues: GitHubBoard(issues, is_open=False),
    "files": lambda issues: FilesBoard(issues, state="Done"),
}
_TO_DO: Mapping[str, _Opener] = {
    "linear": LinearBoard,
    "github": GitHubBoard,
    "files": FilesBoard,
}


def idle_budget() -> dict[str, float]:
    """Requests per hour of an idle daemon and of one with 10 silent sessions, and for one issue."""
    figures: dict[str, float] = {}
    for kind, opener in _AT_REST.items():
        figures |= _per_hour(f"{kind}, idle", opener(AT_WORK), sessions=0)
    for kind, opener in _TO_DO.items():
        figures |= _per_hour(f"{kind}, {AT_WORK} at work", opener(AT_WORK), sessions=AT_WORK)
        figures |= _per_issue(kind, opener(IN_A_ROW))
    return figures


def _per_hour(label: str, board: Board, *, sessions: int) -> dict[str, float]:
    with Site(board, poll_ms=TICK_MS) as site:
        site.start()
        site.wait(lambda: "event=daemon_started" in site.log(), "the start")
        site.wait_for_sessions(sessions)
        # What the first ticks do once is no part of an hour.
        time.sleep(3 * TICK_MS / 1000)
        asked, before = len(board.requests()), site.processor_seconds()
        time.sleep(TICKS * TICK_MS / 1000)
        found, used = board.requests(asked), site.processor_seconds() - before
    whole, ticks = _whole_ticks(board, found)
    unchanged = sum(each.status == UNCHANGED for each in whole)
    figures = {f"{label}: requests an hour": (len(whole) - unchanged) / ticks * TICKS_PER_HOUR}
    if isinstance(board, GitHubBoard):
        figures[f"{label}: unchanged, an hour"] = unchanged / ticks * TICKS_PER_HOUR
    return {**figures, f"{label}: ms of processor time a tick": used / TICKS * 1000}


def _whole_ticks(board: Board, found: Sequence[Request]) -> tuple[Sequence[Request], int]:
    """What was asked from one poll to the last one, and how many ticks that is: a machine that is
    busy delays some."""
    polls = [place for place, each in enumerate(found) if board.is_poll(each)]
    if len(polls) < 2:
        return found, TICKS
    return found[polls[0] : polls[-1]], len(polls) - 1


def _per_issue(kind: str, board: Board) -> dict[str, float]:
    """Issues one after the other, each ended by its agent, without the one poll that found them."""
    with Site(board, agent="--done", slots=1) as site:
        site.start()
        count = "event=run_ended"
        site.wait(lambda: site.log().count(count) >= IN_A_ROW, f"{IN_A_ROW} issues done")
        polls = 0 if isinstance(board, FilesBoard) else 1
        return {f"{kind}: reads for one issue": (site.reads() - polls) / IN_A_ROW}

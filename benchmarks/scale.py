"""What happens when the tracker is slow, and when the board is large."""

from __future__ import annotations

from benchmarks.boards import LinearBoard
from benchmarks.site import Site

ANSWER_S = 1.0
AGENTS = 10
CANDIDATES = 10_000


def slow_tracker() -> dict[str, float]:
    """10 issues at a tracker that takes a second for each answer: until 10 agent processes were
    started, and how late snapshots of the state are meanwhile."""
    with Site(LinearBoard(AGENTS, delay_s=ANSWER_S)) as site:
        site.start()
        seconds = site.wait(lambda: site.agents() >= AGENTS, f"{AGENTS} agent processes")
    with Site(LinearBoard(AGENTS, delay_s=ANSWER_S), poll_ms=1_000) as site:
        late = site.inside("snapshots", str(AGENTS))
    label = "slow tracker"
    return {
        f"{label}: {AGENTS} agent processes, s": seconds,
        **{f"{label}: {name}": value for name, value in late.items()},
    }


def ten_thousand() -> dict[str, float]:
    """Processor time of the poll that finds 10,000 candidates: from the first request to the
    dispatch, in a daemon that has polled an empty board before; and where that time goes."""
    with Site(LinearBoard(CANDIDATES, state="Backlog"), poll_ms=2_000, slots=1) as site:
        site.start()
        site.wait(lambda: site.reads() >= 2, "two polls")
        asked, before = len(site.board.requests()), site.processor_seconds()
        site.board.move_all("Todo")
        site.wait(lambda: "event=dispatched" in site.log(), "a dispatch")
        used = site.processor_seconds() - before
        reads, memory = site.reads(asked), site.resident_mb()
    with Site(LinearBoard(CANDIDATES), slots=1) as site:
        parts = site.inside("poll")
    label = f"{CANDIDATES:,} candidates"
    return {
        f"{label}: one poll, s of processor time": used,
        f"{label}: requests": float(reads),
        f"{label}: MB": memory,
        **{f"{label}: {name}": value for name, value in parts.items()},
    }

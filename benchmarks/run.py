"""`python -m benchmarks.run [NAME ...]`: measure the daemon from outside, print one table.

Each figure is the median of several runs, with the least and the greatest. The machine's speed
matters; compare figures of one machine and one day only. Bounded in count and time.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from benchmarks.boards import LinearBoard
from benchmarks.budget import idle_budget
from benchmarks.pages import ten_pages
from benchmarks.scale import slow_tracker, ten_thousand
from benchmarks.site import Site

Figures = dict[str, float]

LIBRARIES = "import anyio, frontmatter, gql.transport.httpx, httpx, jinja2, pydantic, tenacity"


def libraries() -> Figures:
    """How long this machine takes to import the libraries of the stack and nothing else: what the
    figures in seconds of two machines can be set against each other by."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", LIBRARIES], check=True)
    return {"importing the libraries alone, s": time.monotonic() - began}


def start() -> Figures:
    """From launch to the first agent process."""
    with Site(LinearBoard(1)) as site:
        site.start()
        return {"first agent process, s": site.wait(lambda: site.agents() > 0, "an agent process")}


def idle() -> Figures:
    """Memory and processor time of a daemon that has nothing to do, polling each second."""
    with Site(LinearBoard(0), poll_ms=1_000) as site:
        site.start()
        site.wait(lambda: site.reads() >= 1, "a poll")
        before = site.processor_seconds()
        time.sleep(10)
        used = site.processor_seconds() - before
        return {"idle, MB": site.resident_mb(), "idle at a 1 s poll, % of a core": used * 10}


def fifty(poll_ms: int) -> Figures:
    """50 issues, 10 slots, instant agents: until all are done, and what was asked."""
    with Site(LinearBoard(50), agent="--done", poll_ms=poll_ms) as site:
        site.start()
        seconds = site.wait(lambda: site.board.in_state("Done") == 50, "50 issues done")
        label = f"50 issues, poll {poll_ms / 1000:g} s"
        return {f"{label}, s": seconds, f"{label}, reads": float(site.reads())}


def silent_sessions() -> Figures:
    """Memory with 50 sessions that say nothing."""
    with Site(LinearBoard(50), slots=50) as site:
        site.start()
        site.wait_for_sessions(50)
        return {"50 silent sessions, MB": site.resident_mb()}


def chatty_sessions() -> Figures:
    """Processor time with 50 sessions of 10 lines a second."""
    with Site(LinearBoard(50), agent="--chatty 10", slots=50) as site:
        site.start()
        site.wait_for_sessions(50)
        before = site.processor_seconds()
        time.sleep(10)
        used = site.processor_seconds() - before
        return {"50 sessions of 10 lines/s, % of a core": used * 10}


BENCHMARKS: dict[str, Callable[[], Figures]] = {
    "libraries": libraries,
    "start": start,
    "idle": idle,
    "fifty-30s": lambda: fifty(30_000),
    "fifty-1s": lambda: fifty(1_000),
    "silent": silent_sessions,
    "chatty": chatty_sessions,
    "slow-tracker": slow_tracker,
    "ten-thousand": ten_thousand,
    "ten-pages": ten_pages,
    "idle-budget": idle_budget,
}


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--runs", type=int, default=3, help="runs of each (default: 3, at most 20)")
    options = parser.parse_args(words)
    figures: dict[str, list[float]] = {}
    for name in options.names or BENCHMARKS:
        for _ in range(min(options.runs, 20)):
            for figure, value in BENCHMARKS[name]().items():
                figures.setdefault(figure, []).append(value)
                print(f"  {figure}: {value:.2f}", file=sys.stderr)
    print("| figure | median | least | greatest |\n|---|---|---|---|")
    for figure, values in figures.items():
        median = statistics.median(values)
        print(f"| {figure} | {median:.2f} | {min(values):.2f} | {max(values):.2f} |")


if __name__ == "__main__":
    main(sys.argv[1:])

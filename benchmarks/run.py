"""`python -m benchmarks.run [NAME ...]`: measure the daemon from outside, print one table.

Each figure is the median of several runs, with the least and the greatest. The machine's speed
matters; compare figures of one machine and one day only. Bounded in count and time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence

from benchmarks.site import Site

Figures = dict[str, float]


def start() -> Figures:
    """From launch to the first agent process; idle memory; orderly stop."""
    with Site(issues=1, agent="--silent") as site:
        site.start()
        return {"first agent process, s": site.first_agent()}


def idle() -> Figures:
    """Memory and processor time of a daemon that has nothing to do, polling each second."""
    with Site(issues=0, agent="--silent", poll_ms=1_000) as site:
        site.start()
        site.wait(lambda: len(site.fake.requests.all()) >= 1, "a poll")
        before = site.processor_seconds()
        time.sleep(10)
        used = site.processor_seconds() - before
        return {"idle, MB": site.resident_mb(), "idle at a 1 s poll, % of a core": used * 10}


def fifty(poll_ms: int) -> Figures:
    """50 issues, 10 slots, instant agents: until all are done, and what was asked."""
    with Site(issues=50, agent="", poll_ms=poll_ms) as site:
        site.set_agent(f"--done {site.state_id('Done')}")
        site.start()
        seconds = site.wait(lambda: site.in_state("Done") == 50, "50 issues done")
        reads = [each for each in site.fake.requests.all() if not each.is_mutation]
        label = f"50 issues, poll {poll_ms / 1000:g} s"
        return {f"{label}, s": seconds, f"{label}, reads": float(len(reads))}


def silent_sessions() -> Figures:
    """Memory with 50 sessions that say nothing."""
    with Site(issues=50, agent="--silent", slots=50) as site:
        site.start()
        site.wait(lambda: site.log().count("event=session_started") >= 50, "50 sessions")
        return {"50 silent sessions, MB": site.resident_mb()}


def chatty_sessions() -> Figures:
    """Processor time with 50 sessions of 10 lines a second."""
    with Site(issues=50, agent="--chatty 10", slots=50) as site:
        site.start()
        site.wait(lambda: site.log().count("event=session_started") >= 50, "50 sessions")
        before = site.processor_seconds()
        time.sleep(10)
        used = site.processor_seconds() - before
        return {"50 sessions of 10 lines/s, % of a core": used * 10}


BENCHMARKS: dict[str, Callable[[], Figures]] = {
    "start": start,
    "idle": idle,
    "fifty-30s": lambda: fifty(30_000),
    "fifty-1s": lambda: fifty(1_000),
    "silent": silent_sessions,
    "chatty": chatty_sessions,
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

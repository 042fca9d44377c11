"""Millions of events: `python -m tests.simulation.soak --events 10_000_000 --seed 1`.

Prints what was lived through, and what was met how often. Ends with 1 where a rule broke, after a
test that shows it in short; with 2 where a kind of fault was not met, since little is proved then.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.support.simulation.faults import KINDS
from tests.support.simulation.life import live

# Long enough for every kind of fault to meet every other, short enough for many worlds.
EVENTS_PER_LIFE = 1_000
# Fewer events cannot be expected to meet every kind.
ENOUGH_EVENTS = 100_000
SECONDS_BETWEEN_LINES = 30.0


@dataclass(slots=True)
class Tally:
    """What lives together came to. `hours` are those of the worlds, `seconds` those of the CPU."""

    lives: int = 0
    events: int = 0
    hours: float = 0.0
    seconds: float = 0.0
    met: Counter[str] = field(default_factory=Counter[str])
    happened: Counter[str] = field(default_factory=Counter[str])
    most_issues: int = 0

    def add(self, other: Tally) -> None:
        self.lives += other.lives
        self.events += other.events
        self.hours += other.hours
        self.seconds += other.seconds
        self.met += other.met
        self.happened += other.happened
        self.most_issues = max(self.most_issues, other.most_issues)


def one_life(seed: str) -> Tally:
    """Live it, and tell what it came to."""
    started = time.process_time()
    world = live(seed, EVENTS_PER_LIFE)
    return Tally(
        lives=1,
        events=world.events,
        hours=world.now_ms / 3_600_000,
        seconds=time.process_time() - started,
        met=world.met,
        happened=world.happened,
        most_issues=len(world.tracker.issues),
    )


def soak(events: int, seed: str, workers: int = 1) -> Iterator[Tally]:
    """Live one life after the other until there were so many events; the sum after each life."""
    total = Tally()
    for tally in _lives(seed, workers):
        total.add(tally)
        yield total
        if total.events >= events:
            return


def _lives(seed: str, workers: int) -> Iterator[Tally]:
    if workers == 1:
        yield from map(one_life, _seeds(seed))
        return
    # A world is of one process alone, so that its seed decides everything in it.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        seeds = _seeds(seed)
        under_way = [pool.submit(one_life, next(seeds)) for _ in range(2 * workers)]
        try:
            while True:
                yield under_way.pop(0).result()
                under_way.append(pool.submit(one_life, next(seeds)))
        finally:
            for each in under_way:
                each.cancel()


def _seeds(seed: str) -> Iterator[str]:
    number = 0
    while True:
        yield f"{seed}/{number}"
        number += 1


def report(total: Tally, wall_seconds: float) -> Iterable[str]:
    """The figures, for people."""
    yield (
        f"{total.events:,} events in {total.lives:,} worlds, {total.hours:,.0f} hours of "
        f"operation, up to {total.most_issues} issues at once"
    )
    rate = total.events / max(total.seconds, 1e-9)
    yield f"{wall_seconds:,.0f} s, {total.seconds:,.0f} s of CPU, {rate:,.0f} events/s of CPU"
    yield "every rule was judged after every event; none broke"
    yield "\nfaults met:"
    yield from (f"{count:>12,}  {name}" for name, count in sorted(total.met.items()))
    yield "\nwhat the scheduler did:"
    yield from (f"{count:>12,}  {name}" for name, count in sorted(total.happened.items()))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.soak", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", default="1", help="the same seed gives the same worlds")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args(arguments)
    started = told = time.monotonic()
    total = Tally()
    try:
        for total in soak(options.events, options.seed, options.workers):
            if time.monotonic() - told > SECONDS_BETWEEN_LINES:
                told = time.monotonic()
                print(f"{total.events:,} events, {total.lives:,} worlds", flush=True)
    except AssertionError as error:
        print(f"after {total.events:,} events: {error}", flush=True)
        return 1
    for line in report(total, time.monotonic() - started):
        print(line)
    missing = sorted(KINDS - total.met.keys())
    if missing and total.events >= ENOUGH_EVENTS:
        print(f"\nnot met: {', '.join(missing)}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Many lives of a scheduler in hostile worlds; every rule is judged after every event.

`SYMPHONY_SIMULATION_EVENTS` sets how many events there are in all; a seed alone reproduces a life.
"""

from __future__ import annotations

import os
import time
from collections import Counter

import pytest

from tests.support.simulation.life import live

EVENTS = int(os.environ.get("SYMPHONY_SIMULATION_EVENTS", "100000"))
ENOUGH_EVENTS = 100_000
SEEDS = range(8)
# Long enough for every kind of fault to meet every other, short enough for many worlds.
EVENTS_PER_LIFE = 1_500
# What the lives of every seed must contain; a simulation in which little happens proves little.
EXERCISED = {
    "start after CandidatesRead",
    "start after ForRefill",
    "start after ForRetry",
    "claim: parked",
    "claim: cleaning",
    "end of claim: parked",
    "retry waits for slot",
    "stop: stalled",
    "stop: terminal",
    "stop: not_active",
    "stop: not_routable",
}


@pytest.mark.proves(
    "claim.issue.single_run",
    "claim.retry.holds",
    "slots.global.limit",
    "slots.state.limit",
    "retry.backoff.failure",
    "retry.backoff.cap",
    "retry.slots.reason",
    "tick.order.reconcile",
    "reconcile.cleanup.after_exit",
    "run.events.stale",
    "usage.total.monotonic",
    "reload.invalid.blocks_dispatch",
    "recovery.service.survives",
)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_rule_breaks_and_everything_gets_done(seed: int) -> None:
    started = time.process_time()
    events = lives = 0
    happened: Counter[str] = Counter()
    while events < EVENTS // len(SEEDS):
        world = live(f"{seed}/{lives}", EVENTS_PER_LIFE)
        events += world.events
        happened += world.happened
        lives += 1
    seconds = time.process_time() - started
    print(f"\nseed {seed}: {lives} lives, {events} events, {events / seconds:,.0f} events/s")
    print(", ".join(f"{what} {count}" for what, count in sorted(happened.items())))
    assert not EXERCISED - happened.keys() or EVENTS < ENOUGH_EVENTS

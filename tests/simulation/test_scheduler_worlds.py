"""Many lives of a scheduler in hostile worlds; every rule is judged after every event.

`SYMPHONY_SIMULATION_EVENTS` sets how many events there are in all, `SYMPHONY_SIMULATION_SEED` which
worlds; a seed alone reproduces a life.
"""

from __future__ import annotations

import os

import pytest

from tests.simulation.soak import ENOUGH_EVENTS, main, report, soak
from tests.support.simulation.faults import KINDS

EVENTS = int(os.environ.get("SYMPHONY_SIMULATION_EVENTS", "100000"))
SEED = os.environ.get("SYMPHONY_SIMULATION_SEED", "0")
# What so many lives must contain; a simulation in which little happens proves little.
EXERCISED = {
    "start after CandidatesRead",
    "start after ForRefill",
    "start after ForRetry",
    "claim: parked",
    "claim: cleaning",
    "end of claim: parked",
    "retry waits for slot",
    "retry waits for workflow",
    "stop: stalled",
    "stop: terminal",
    "stop: not_active",
    "stop: not_routable",
    "stop: not_visible",
    "stop: shutdown",
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
def test_no_rule_breaks_and_everything_gets_done_whatever_goes_wrong() -> None:
    *_, total = soak(EVENTS, SEED)
    print("", f"seed {SEED}", *report(total, total.seconds), sep="\n")
    if EVENTS >= ENOUGH_EVENTS:
        assert EXERCISED - total.happened.keys() == set()
        assert KINDS - total.met.keys() == set(), "kinds of faults that nobody met"


def test_every_fault_that_is_counted_is_listed() -> None:
    *_, total = soak(20_000, "listed")
    assert total.met.keys() - KINDS == set()


def test_a_seed_alone_decides_what_happens() -> None:
    def figures() -> tuple[object, ...]:
        *_, total = soak(5_000, "again")
        return total.events, total.lives, total.hours, total.met, total.happened

    assert figures() == figures()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_soak_tells_what_it_lived_through(
    workers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--events", "4_000", "--seed", "short", "--workers", workers]) == 0
    printed = capsys.readouterr().out
    assert "none broke" in printed
    assert "faults met:" in printed

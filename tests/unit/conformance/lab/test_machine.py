"""Patience grows while the machine is slow, and the starts of implementations queue."""

from __future__ import annotations

import anyio
import pytest

from conformance.lab.calibration import LARGEST_SCALE, scale_of_start
from conformance.lab.machine import MEASUREMENTS, REMEMBERED_S, Machine

QUICK_S = 0.01
"""For a bare process, on a machine that is not slow."""


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def slow(scale: float) -> float:
    """How long a bare process takes where everything takes `scale` times as long as usual."""
    return scale * next(s / 1000 for s in range(1, 1000) if scale_of_start(s / 1000) > 1.0)


def test_a_quick_machine_has_the_scale_one(clock: Clock) -> None:
    machine = Machine(clock=clock)
    assert machine.scale == 1.0
    machine.measured(QUICK_S)
    assert machine.scale == 1.0


def test_the_slowest_moment_counts_until_it_is_forgotten(clock: Clock) -> None:
    machine = Machine(clock=clock)
    machine.measured(slow(4))
    for _ in range(MEASUREMENTS):
        machine.measured(QUICK_S)
    assert machine.scale == pytest.approx(4, rel=0.1)
    clock.now += REMEMBERED_S + 1
    assert machine.scale == 1.0


def test_one_slow_start_among_quick_ones_counts_for_nothing(clock: Clock) -> None:
    machine = Machine(clock=clock)
    for start_s in (QUICK_S, QUICK_S, 60.0, QUICK_S, QUICK_S):
        machine.measured(start_s)
    assert machine.scale == machine.scale_now == 1.0


def test_patience_goes_by_what_is_now_and_judgements_by_what_was_lately(clock: Clock) -> None:
    machine = Machine(clock=clock)
    machine.measured(slow(4))
    for _ in range(MEASUREMENTS):
        machine.measured(QUICK_S)
    assert machine.scale_now == 1.0
    assert machine.scale == pytest.approx(4, rel=0.1)
    patience = machine.patience(1.0)
    clock.now += 1.1
    assert patience.is_over()


def test_it_is_never_quicker_than_at_first_nor_slower_than_the_bound(clock: Clock) -> None:
    machine = Machine(3.0, clock=clock)
    machine.measured(QUICK_S)
    assert machine.scale == 3.0
    machine.measured(3600.0)
    assert machine.scale == LARGEST_SCALE


def test_patience_ends_after_its_time_on_a_quick_machine(clock: Clock) -> None:
    patience = Machine(clock=clock).patience(10.0)
    clock.now += 9.9
    assert not patience.is_over()
    clock.now += 0.2
    assert patience.is_over()
    assert patience.lasted_s == pytest.approx(10.1)


def test_patience_lasts_longer_where_the_machine_becomes_slow_in_the_middle(clock: Clock) -> None:
    machine = Machine(clock=clock)
    patience = machine.patience(10.0)
    clock.now += 9.0
    assert not patience.is_over()
    machine.measured(slow(4))
    clock.now += 3.5
    assert not patience.is_over()
    clock.now += 1.0
    assert patience.is_over()


def test_patience_with_a_machine_that_stays_slow_has_an_end(clock: Clock) -> None:
    machine = Machine(clock=clock)
    patience = machine.patience(1.0)
    for _ in range(int(LARGEST_SCALE) + 1):
        machine.measured(3600.0)
        clock.now += 1.0
    assert patience.is_over()


@pytest.mark.anyio
async def test_it_is_measured_until_it_is_cancelled() -> None:
    seen = anyio.Event()

    class Watched(Machine):
        def measured(self, start_s: float) -> None:
            assert start_s > 0
            super().measured(start_s)
            seen.set()

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(Watched().watch)
            await seen.wait()
            group.cancel_scope.cancel()

"""Slow scenarios start first and beside the others; those that want the machine come last."""

from __future__ import annotations

import anyio
import pytest

from conformance.catalogue import Profile
from conformance.runner.schedule import make_schedule, play_in_lanes
from conformance.scenario import Lane, Scenario


async def nothing(lab: object) -> None:
    """Is never played here."""


def made(name: str, lane: Lane) -> Scenario:
    return Scenario(
        name=name,
        title=name,
        checks=(),
        lane=lane,
        profile=Profile.CORE,
        needs=frozenset(),
        dialects=frozenset(),
        play=nothing,
    )


FAST = [made(f"fast_{number}", Lane.FAST) for number in range(8)]
SLOW = [made(f"slow_{number}", Lane.REAL_TIME) for number in range(3)]
ALONE = [made(f"alone_{number}", Lane.ALONE) for number in range(2)]


def test_the_seed_decides_the_order() -> None:
    first = make_schedule([*FAST, *SLOW, *ALONE], seed=1)
    again = make_schedule([*ALONE, *SLOW, *reversed(FAST)], seed=1)
    other = make_schedule([*FAST, *SLOW, *ALONE], seed=2)
    assert first == again
    assert first.fast != other.fast
    assert set(first.order) == set(other.order)


@pytest.mark.anyio
async def test_slow_ones_all_run_beside_the_fast_ones_and_the_rest_alone() -> None:
    running: set[str] = set()
    most_fast = 0
    begun: list[str] = []
    fast_are_done = anyio.Event()

    async def play(scenario: Scenario) -> None:
        nonlocal most_fast
        begun.append(scenario.name)
        running.add(scenario.name)
        most_fast = max(most_fast, sum(name.startswith("fast") for name in running))
        if scenario.lane is Lane.REAL_TIME:
            # Would never end if it stood in the way of the fast ones.
            await fast_are_done.wait()
        await anyio.lowlevel.checkpoint()
        if scenario.lane is Lane.ALONE:
            assert running == {scenario.name}
        running.remove(scenario.name)
        if sum(name.startswith("fast") for name in begun) == len(FAST):
            fast_are_done.set()

    with anyio.fail_after(10):
        await play_in_lanes(make_schedule([*FAST, *SLOW, *ALONE], 7), play, workers=2)
    assert most_fast == 2
    assert len(begun) == len(FAST) + len(SLOW) + len(ALONE)
    assert {name[:4] for name in begun[:2]} == {"slow"}
    assert {name[:5] for name in begun[-2:]} == {"alone"}

"""In which order scenarios are played, and how many at once.

Guarantees: those that wait for fixed delays start first and run beside all others, so that the
whole run costs little more than the fast ones; of both kinds no more than so many run at once;
those that want the machine for themselves come last, one by one. The order within a lane is
shuffled by the seed, so that no scenario leans on another. Must not: know how a scenario is played.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import anyio

from conformance.scenario import Lane, Scenario

PlayOne = Callable[[Scenario], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The lanes, each in the order in which its scenarios start."""

    real_time: tuple[Scenario, ...]
    fast: tuple[Scenario, ...]
    alone: tuple[Scenario, ...]

    @property
    def order(self) -> tuple[Scenario, ...]:
        """All, roughly in the order in which they start."""
        return (*self.real_time, *self.fast, *self.alone)


def make_schedule(scenarios: Sequence[Scenario], seed: int) -> Schedule:
    """The same scenarios and seed always give the same schedule."""
    shuffled = sorted(scenarios, key=lambda each: each.name)
    # A seed that is told to the user and can be given again, not a secret.
    random.Random(seed).shuffle(shuffled)  # noqa: S311
    lanes = {lane: tuple(each for each in shuffled if each.lane is lane) for lane in Lane}
    return Schedule(real_time=lanes[Lane.REAL_TIME], fast=lanes[Lane.FAST], alone=lanes[Lane.ALONE])


async def play_in_lanes(schedule: Schedule, play: PlayOne, *, workers: int) -> None:
    """Play all of them, `workers` of each lane at once. `play` must not raise; if it does, the
    others are cancelled."""
    async with anyio.create_task_group() as lanes:
        lanes.start_soon(_play_lane, schedule.real_time, play, workers)
        lanes.start_soon(_play_lane, schedule.fast, play, workers)
    for each in schedule.alone:
        await play(each)


async def _play_lane(scenarios: Sequence[Scenario], play: PlayOne, at_once: int) -> None:
    """The next one starts as soon as one has ended, in order."""
    waiting = list(reversed(scenarios))

    async def work() -> None:
        while waiting:
            await play(waiting.pop())

    async with anyio.create_task_group() as workers:
        for _ in range(min(at_once, len(scenarios))):
            workers.start_soon(work)

"""How a life goes: so many events with faults, then a good end of one kind or the other."""

from __future__ import annotations

from tests.support.simulation.world import World

CHANCE_OF_STOP = 0.25


def spend(world: World, events: int, *, to_the_end: bool = True) -> None:
    """Live this life. Raises where a rule is broken, or where what should be done is not."""
    world.begin()
    world.run(events)
    if not to_the_end:
        return
    if world.rng.random() < CHANCE_OF_STOP:
        world.prove_that_it_stops()
    else:
        world.prove_that_everything_gets_done()

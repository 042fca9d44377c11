"""Several requests of one read at once, of which the first failure fails the read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

from symphony.trackers.errors import TrackerError

REQUESTS_AT_ONCE = 6
"""Fewer than there are connections, so that another read finds one free."""

Result = TypeVar("Result")


async def together(calls: Sequence[Callable[[], Awaitable[Result]]]) -> list[Result]:
    """The results in the order of the calls. Raises the first `TrackerError`; calls that have not
    begun by then are not made."""
    results: dict[int, Result] = {}
    errors: list[TrackerError] = []
    gate = anyio.CapacityLimiter(REQUESTS_AT_ONCE)

    async def run(place: int) -> None:
        async with gate:
            if errors:
                return
            try:
                results[place] = await calls[place]()
            except TrackerError as error:
                errors.append(error)

    async with anyio.create_task_group() as group:
        for place in range(len(calls)):
            group.start_soon(run, place)
    if errors:
        raise errors[0]
    return [results[place] for place in range(len(calls))]

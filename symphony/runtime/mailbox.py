"""The one queue through which everything reaches the scheduler.

It is bounded: whoever reports faster than the loop takes must wait, which slows a flooding agent
down instead of growing the daemon.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import anyio

from symphony.scheduler.events import Event

# Enough for every session of a large daemon to report at once; a step takes well under 1 ms.
CAPACITY = 1_000


class Mailbox:
    """Many senders, one reader."""

    def __init__(self) -> None:
        self._send, self._receive = anyio.create_memory_object_stream[Event](CAPACITY)

    async def post(self, event: Event) -> None:
        """Hand over an event; waits while the mailbox is full, is silent once it is closed."""
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            try:
                self._send.send_nowait(event)
            except anyio.WouldBlock:
                await self._send.send(event)

    async def events(self) -> AsyncIterator[Event]:
        """The events in the order of their arrival, until `close`."""
        with suppress(anyio.ClosedResourceError):
            async for event in self._receive:
                yield event

    def close(self) -> None:
        """Take nothing more, deliver nothing more. Idempotent."""
        self._send.close()
        self._receive.close()

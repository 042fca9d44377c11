"""Server-sent events: the state, again whenever it changed (`GET /api/v1/events`).

One task renders for all clients, at most `MOST_PER_SECOND` times a second and less often where a
rendering is long. A client has room for one state that it has not taken yet; a newer one replaces
it, so a slow reader sees fewer states and costs nobody anything. One that takes nothing at all is
dropped by the server (`connection`).
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator

import anyio

from symphony.http.answers import ApiError, encoded
from symphony.http.rendering import StateRenderer
from symphony.http.view import DaemonView

MOST_PER_SECOND = 4
"""More than that no eye follows."""
SHARE_OF_TIME = 0.1
"""Of one core, at most, for telling pages what they could also ask for."""
HEARTBEAT_S = 15.0
"""Below the idle limit of every common proxy."""
MAX_CLIENTS = 32
"""Open pages of a whole team; the rest of the connections stay free for requests."""
RETRY_MS = 2_000
"""After how long a page that lost its connection tries again."""

HEARTBEAT = b": still here\n\n"


class Subscription:
    """One client: room for the newest state that it has not taken."""

    def __init__(self) -> None:
        self._latest: bytes | None = None
        self._news = anyio.Event()

    def offer(self, event: bytes) -> None:
        """Replace what was not taken yet."""
        self._latest = event
        self._news.set()

    def wake(self) -> None:
        """Let the client notice that this is the end."""
        self._news.set()

    async def take(self) -> bytes | None:
        """The newest state as soon as there is one; None when woken without one."""
        await self._news.wait()
        self._news = anyio.Event()
        event, self._latest = self._latest, None
        return event


class EventHub:
    """Tells every subscriber of every change, while `run` runs."""

    def __init__(self, view: DaemonView, renderer: StateRenderer) -> None:
        self._view = view
        self._renderer = renderer
        self._subscribers: set[Subscription] = set()
        self._somebody = anyio.Event()
        self._closed = False

    @property
    def clients(self) -> int:
        """How many there are now."""
        return len(self._subscribers)

    def check_room(self) -> None:
        """Raises `ApiError` (503) where there are too many clients."""
        if self._closed or len(self._subscribers) >= MAX_CLIENTS:
            raise ApiError(
                status=503,
                code="too_many_event_clients",
                message=f"There are {MAX_CLIENTS} readers of events already, which is the limit.",
                headers={"Retry-After": "5"},
            )

    async def stream(self) -> AsyncGenerator[bytes]:
        """What one client gets, the present state first, until it or the daemon leaves."""
        client = Subscription()
        self._subscribers.add(client)
        self._somebody.set()
        try:
            # After it has become a subscriber: no change falls between the two.
            yield b"retry: %d\n\n" % RETRY_MS + await self._event()
            while not self._closed:
                event: bytes | None = None
                with anyio.move_on_after(HEARTBEAT_S) as patience:
                    event = await client.take()
                if event is not None:
                    yield event
                elif patience.cancelled_caught:
                    yield HEARTBEAT
        finally:
            self._subscribers.discard(client)

    def close(self) -> None:
        """End every stream; for the end of the daemon."""
        self._closed = True
        for client in self._subscribers:
            client.wake()

    async def run(self) -> None:
        """Watch the daemon while somebody listens, until cancelled."""
        seen = -1
        while True:
            await self._wait_for_somebody()
            seen = await self._view.changed(seen)
            began = time.monotonic()
            event = await self._event()
            for client in self._subscribers:
                client.offer(event)
            cost = time.monotonic() - began
            await anyio.sleep(max(1 / MOST_PER_SECOND, cost / SHARE_OF_TIME))

    async def _wait_for_somebody(self) -> None:
        if not self._subscribers:
            self._somebody = anyio.Event()
            await self._somebody.wait()

    async def _event(self) -> bytes:
        try:
            return event_bytes("state", await self._renderer.render())
        except ApiError as error:
            return event_bytes("problem", encoded(error.envelope()))


def event_bytes(name: str, data: bytes) -> bytes:
    """One event; `data` is JSON, which has no line ends."""
    return b"event: %s\ndata: %s\n\n" % (name.encode("ascii"), data)

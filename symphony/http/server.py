"""The listening socket and the server on it, inside the daemon's own event loop.

It handles no signals, writes no log of requests, and ends in bounded time when it is cancelled.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

import anyio
import uvicorn
from starlette.types import ASGIApp

from symphony.http.connection import BACKLOG, MAX_HEAD_BYTES, BoundedConnection

TICK_S: Final = 1.0
"""As often as the `Date` of answers changes."""
KEEP_ALIVE_S: Final = 5
"""For the next request on a connection."""
END_S: Final = 1
"""For answers that are under way at the end; whoever is not done by then is cut off."""


class Server(uvicorn.Server):
    """The library's server without its signal handlers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """The daemon has its own."""
        yield

    async def main_loop(self) -> None:
        """Until cancelled."""
        while True:
            await self.on_tick(0)
            await anyio.sleep(TICK_S)

    def abort_connections(self) -> None:
        """Cut off whoever is still there."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A bound socket and where it is."""

    socket: socket.socket
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address for a browser on this machine or, where it is bound to all, of its name."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{name}:{self.port}/"


def make_server(application: ASGIApp, connection: type[BoundedConnection]) -> Server:
    """A server for `serve_on`."""
    config = uvicorn.Config(
        application,
        loop="none",
        http=connection,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=END_S,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )
    return Server(config)


async def serve_on(listener: Listener, server: Server, ending: Callable[[], None]) -> None:
    """Serve until cancelled; the socket is closed then, and so is every connection. `ending` is
    called first, to end answers that would go on for ever."""
    try:
        await server.serve(sockets=[listener.socket])
    finally:
        ending()
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(END_S * 2):
                if server.started:
                    await server.shutdown(sockets=[listener.socket])
            server.abort_connections()
        listener.socket.close()

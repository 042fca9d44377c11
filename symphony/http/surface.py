"""The interface as the daemon starts it: `open_surface` before it begins, `serve` while it runs.

Nothing that goes wrong while it serves ends the daemon (`status.surface.independent`).
"""

from __future__ import annotations

import logging
import os

import anyio
import anyio.to_thread

from symphony.http.access import Access
from symphony.http.application import ExtraRoutes, make_application, no_more_routes
from symphony.http.binding import bind, resolve_token
from symphony.http.connection import BoundedConnection
from symphony.http.endpoints import make_services
from symphony.http.server import Listener, make_server, serve_on
from symphony.http.view import DaemonView
from symphony.observability.address import Address, address_file, announce, withdraw
from symphony.runtime.surface import Wish

logger = logging.getLogger(__name__)


class HttpSurface:
    """A bound socket that will be served; use once."""

    def __init__(
        self,
        listener: Listener,
        token: str | None,
        *,
        extra_routes: ExtraRoutes = no_more_routes,
        connection: type[BoundedConnection] = BoundedConnection,
        address_file: str | None = None,
    ) -> None:
        """`address_file` is where commands look for the address."""
        self.listener = listener
        self.token = token
        self.secrets = () if token is None else (token,)
        self._extra_routes = extra_routes
        self._connection = connection
        self._address = Address(url=listener.url, pid=os.getpid())
        self._address_file = address_file

    async def serve(self, view: DaemonView) -> None:
        """Answer until cancelled."""
        try:
            await self._serve(view)
        except Exception:
            logger.exception("http_stopped", extra={"fields": {"port": self.listener.port}})

    def close(self) -> None:
        """Give the port back; for a daemon that did not begin. Idempotent."""
        self.listener.socket.close()

    async def _serve(self, view: DaemonView) -> None:
        services = make_services(view)
        access = Access(token=self.token)
        server = make_server(
            make_application(services, access, self._extra_routes), self._connection
        )
        fields = {
            "host": self.listener.host,
            "port": self.listener.port,
            "url": self.listener.url,
            "token": "required" if self.token is not None else "none",
        }
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(services.hub.run)
            tasks.start_soon(services.refresher.run)
            logger.info("http_listening", extra={"fields": fields})
            self._announce()
            try:
                await serve_on(self.listener, server, services.hub.close)
            finally:
                if self._address_file is not None:
                    withdraw(self._address_file, self._address)
                tasks.cancel_scope.cancel()

    def _announce(self) -> None:
        """Whoever cannot find the address has to be told it; no more than that is lost."""
        if self._address_file is None:
            return
        try:
            announce(self._address_file, self._address)
        except OSError as error:
            fields = {"path": self._address_file, "reason": str(error)}
            logger.warning("http_address_not_written", extra={"fields": fields})


async def open_surface(
    wish: Wish,
    *,
    extra_routes: ExtraRoutes = no_more_routes,
    connection: type[BoundedConnection] = BoundedConnection,
) -> HttpSurface:
    """Take the port. Raises `ProblemError`."""
    token = resolve_token(wish)
    listener = await anyio.to_thread.run_sync(bind, wish, token)
    return HttpSurface(
        listener,
        token,
        extra_routes=extra_routes,
        connection=connection,
        address_file=address_file(wish.settings.workspace.root, wish.environment),
    )

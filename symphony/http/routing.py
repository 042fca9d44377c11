"""Addresses and methods. One address has one route, which says itself what it takes.

A route that only looked like a match would be passed over for the next one, and `GET
/api/v1/refresh` would ask for an issue of that name instead of getting 405.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from symphony.http.answers import method_not_allowed

Handler = Callable[[Request], Awaitable[Response]]


class Methods:
    """An address as an ASGI application: one handler for each method."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = dict(handlers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises `ApiError`, or what the handler raises."""
        handler = self._handlers.get(scope["method"])
        if handler is None:
            raise method_not_allowed(", ".join(sorted(self._handlers)))
        response = await handler(Request(scope, receive))
        await response(scope, receive, send)


def reading(path: str, handler: Handler) -> Route:
    """A route that is only read."""
    return Route(path, Methods({"GET": handler, "HEAD": handler}))


def streaming(path: str, handler: Handler) -> Route:
    """A route whose answer does not end; there is no head of it to be had."""
    return Route(path, Methods({"GET": handler}))


def acting(path: str, handler: Handler) -> Route:
    """A route that makes the daemon do something."""
    return Route(path, Methods({"POST": handler}))

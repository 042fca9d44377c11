"""The whole interface as one ASGI application."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp

from symphony.http.access import Access
from symphony.http.endpoints import Services, api_routes, nothing_here
from symphony.http.guard import Guard

ExtraRoutes = Callable[[Services], Sequence[BaseRoute]]
"""More addresses, such as the page at `/`. They come before those of the interface, are behind the
same checks, and may raise `ApiError`."""


def no_more_routes(services: Services) -> Sequence[BaseRoute]:
    """The interface alone."""
    del services
    return ()


def make_application(
    services: Services, access: Access, extra_routes: ExtraRoutes = no_more_routes
) -> ASGIApp:
    """Everything behind the guard."""
    routes = [*extra_routes(services), *api_routes(services)]
    return Guard(Router(routes, redirect_slashes=False, default=nothing_here), access)

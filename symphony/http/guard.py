"""The outermost layer: checks, headers, and an envelope for whatever goes wrong inside.

No exception of a handler gets past it. A defect is logged with its traceback once per kind, so that
a client that provokes one in a loop cannot fill the log.
"""

from __future__ import annotations

import logging
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from symphony.http.access import Access, Asked
from symphony.http.answers import ApiError

logger = logging.getLogger(__name__)

MAX_REMEMBERED_DEFECTS: Final = 100
"""Kinds of defects that are told apart; later ones are not logged any more."""

SAFE_HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
"""Of every answer that does not say otherwise, as a page does with its own policy."""

_DEFECT: Final = ApiError(
    status=500,
    code="internal_error",
    message="This is a defect of the daemon; its log has the traceback.",
)


class Guard:
    """Wraps the application."""

    def __init__(self, application: ASGIApp, access: Access) -> None:
        self._application = application
        self._access = access
        self._logged: set[tuple[type[Exception], str]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started = False

        async def safely(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = with_safe_headers(message.get("headers", ()))
            await send(message)

        try:
            self._access.check(asked(scope))
            await self._application(scope, receive, safely)
        except ApiError as error:
            await error.response()(scope, receive, safely)
        except Exception as error:
            self._log(error, scope)
            if started:
                raise  # The server ends the connection: half an answer must not look like one.
            await _DEFECT.response()(scope, receive, safely)

    def _log(self, error: Exception, scope: Scope) -> None:
        route = getattr(scope.get("endpoint"), "__qualname__", "")
        kind = (type(error), str(route))
        if kind in self._logged or len(self._logged) >= MAX_REMEMBERED_DEFECTS:
            return
        self._logged.add(kind)
        fields = {"method": scope["method"], "path": str(scope["path"])[:200]}
        logger.exception("http_request_defect", extra={"fields": fields})


def asked(scope: Scope) -> Asked:
    """What the checks look at. A header that came several times counts as the first."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return Asked(method=str(scope["method"]), path=str(scope["path"]), headers=headers)


def with_safe_headers(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers with those of `SAFE_HEADERS` that are not among them."""
    present = {name.lower() for name, _ in headers}
    return [*headers, *(pair for pair in SAFE_HEADERS if pair[0] not in present)]

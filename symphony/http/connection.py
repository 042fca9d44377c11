"""One connection, with the bounds that the server itself does not have (`http.failure.isolated`).

Every connection costs the daemon a descriptor, which its agents need as well. So there is a most of
them; one that does not finish a request in time is ended, and so is one whose peer takes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from symphony.http.answers import ApiError, encoded

MAX_HEAD_BYTES: Final = 16_384
"""Of the request line and headers."""
BACKLOG: Final = 64
"""Connections that the kernel keeps until they are accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Tests pass smaller ones."""

    connections: int = 100
    """Browsers of a team with several pages each; a common limit of descriptors is 1,024."""

    request_s: float = 10.0
    """From the connection, or from the end of the answer before, to the end of a request."""

    unsent_s: float = 20.0
    """How long something may lie unsent because the peer takes nothing, or not enough of it."""

    look_s: float = 1.0
    """Between two looks at whether a connection is overdue."""


_SILENT: Final = logging.getLogger("symphony.http.server")
_SILENT.propagate = False
_SILENT.addHandler(logging.NullHandler())

_INVALID: Final = ApiError(
    status=400, code="invalid_request", message="This is no valid HTTP request."
)
_BAD_REQUEST: Final = encoded(_INVALID.envelope())
_BAD_REQUEST_HEADERS: Final = (
    (b"content-type", b"application/json"),
    (b"content-length", str(len(_BAD_REQUEST)).encode()),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"connection", b"close"),
)


class BoundedConnection(H11Protocol):
    """HTTP/1.1 by the library; when it has to end, by us."""

    limits: ClassVar = ConnectionLimits()

    _waiting_since: float | None = None
    _unsent_since: float | None = None
    _next_look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        # What clients do wrong is theirs to know: a line for each would let them fill the log.
        self.logger = _SILENT
        super().connection_made(transport)
        self._waiting_since = self.loop.time()
        self._next_look = self.loop.call_later(self.limits.look_s, self._look)
        if len(self.connections) > self.limits.connections:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._next_look is not None:
            self._next_look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_answering():
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = self.loop.time()

    def on_response_complete(self) -> None:
        self._waiting_since = self.loop.time()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """The envelope instead of the library's words."""
        del msg
        self._take_over()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            head = h11.Response(status_code=400, headers=list(_BAD_REQUEST_HEADERS))
            # The head alone where the request asked for no more.
            with contextlib.suppress(h11.LocalProtocolError):
                for event in (head, h11.Data(data=_BAD_REQUEST), h11.EndOfMessage()):
                    self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _take_over(self) -> None:
        """A handler that is at work on a request whose body turned out wrong answers nobody."""
        cycle = getattr(self, "cycle", None)
        if isinstance(cycle, RequestResponseCycle):
            cycle.disconnected = True
            cycle.message_event.set()

    def _look(self) -> None:
        """End the connection if it is overdue, else look again later."""
        now = self.loop.time()
        if self.transport.get_write_buffer_size() == 0:
            self._unsent_since = None
        elif self._unsent_since is None:
            self._unsent_since = now
        unsent, waiting = self._unsent_since, self._waiting_since
        if (unsent is not None and now - unsent > self.limits.unsent_s) or (
            waiting is not None and now - waiting > self.limits.request_s
        ):
            self.transport.abort()
            return
        self._next_look = self.loop.call_later(self.limits.look_s, self._look)

    def _is_answering(self) -> bool:
        """Whether a whole request is here and its answer is not yet complete."""
        cycle = getattr(self, "cycle", None)
        if not isinstance(cycle, RequestResponseCycle):
            return False  # There was no request yet.
        return not cycle.more_body and not cycle.response_complete

"""The wire of an app-server, without I/O: bytes in, events out; messages in, bytes out.

One JSON object per line in both directions (`session.rpc.*`). What is guaranteed:

- events come out in the order of their lines, however the bytes were cut into reads;
- a line that is no message becomes a `MalformedLine` and does no harm, whatever it holds;
- request ids count up and are never used twice; a response is matched to the request that it
  answers, and a second one is malformed;
- every request of the server can be answered once: a second `reply` to it is a bug of the caller.

A line over `MAX_LINE_BYTES` ends the connection: where such a line would end is not known, and what
follows cannot be trusted. Nothing here waits, reads a clock or knows what a method means.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from symphony.domain.json import JsonObject, JsonValue, as_object, as_text, as_whole_number

MAX_LINE_BYTES: Final = 10 * 1024 * 1024
"""Ten times the longest line that was ever seen: command output, capped at 1 MiB by the agent."""
EXCERPT_CHARACTERS: Final = 200
"""As much of a malformed line as a person needs to recognise where it came from."""

METHOD_NOT_FOUND: Final = -32601
REQUEST_REFUSED: Final = -32000

ServerRequestId: TypeAlias = int | str
"""The server counts from 0; a string is as good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The good answer to request `id`, which asked for `method`."""

    id: int
    method: str
    result: JsonValue
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorResponse:
    """The refusal of request `id`."""

    id: int
    method: str
    code: int | None
    message: str
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Something the server tells. `params` is empty where it sent none or no object."""

    method: str
    params: JsonObject
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRequest:
    """Something the server asks; it is open until `Connection.reply` or `Connection.refuse`."""

    id: ServerRequestId
    method: str
    params: JsonObject
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MalformedLine:
    """A line that is no message, and why."""

    reason: str
    raw: bytes = field(repr=False)

    @property
    def excerpt(self) -> str:
        """The start of the line, printable."""
        text = self.raw[: 4 * EXCERPT_CHARACTERS].decode(errors="replace")[:EXCERPT_CHARACTERS]
        return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTooLong:
    """The server sent more than `limit` bytes without a line break. Nothing follows."""

    limit: int
    raw: bytes = b""


Event: TypeAlias = (
    Response | ErrorResponse | Notification | ServerRequest | MalformedLine | LineTooLong
)


class ReplyError(Exception):
    """A bug of the caller: the server request is not open."""


class Connection:
    """Both directions of one app-server connection."""

    def __init__(self, *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._buffer = bytearray()
        self._searched = 0
        self._broken = False
        self._last_id = 0
        self._asked: dict[int, str] = {}
        self._open: set[ServerRequestId] = set()

    # Bytes in.

    def receive_data(self, data: bytes) -> list[Event]:
        """The events that these bytes complete. Bytes after a `LineTooLong` are thrown away."""
        if self._broken:
            return []
        self._buffer += data
        events: list[Event] = []
        start = 0
        while (end := self._buffer.find(b"\n", max(start, self._searched))) >= 0:
            if end - start > self._max_line_bytes:
                break
            events += self._read_line(bytes(self._buffer[start:end]))
            start = end + 1
        del self._buffer[:start]
        self._searched = len(self._buffer) if end < 0 else 0
        if len(self._buffer) > self._max_line_bytes:
            self._broken = True
            self._buffer.clear()
            events.append(LineTooLong(limit=self._max_line_bytes))
        return events

    def receive_end(self) -> list[Event]:
        """The events at the end of the stream: what is left without a line break is malformed."""
        rest, self._buffer = bytes(self._buffer).strip(), bytearray()
        self._searched = 0
        if not rest or self._broken:
            return []
        return [MalformedLine(reason="the output ended in the middle of a line", raw=rest)]

    # Messages out.

    def request(self, method: str, params: JsonObject) -> tuple[int, bytes]:
        """A new request: its id, and the line to send."""
        self._last_id += 1
        self._asked[self._last_id] = method
        return self._last_id, _line({"id": self._last_id, "method": method, "params": params})

    def notify(self, method: str) -> bytes:
        """The line of a notification without parameters."""
        return _line({"method": method})

    def reply(self, id: ServerRequestId, result: JsonObject) -> bytes:  # noqa: A002
        """The answer to a server request, which is closed by it."""
        self._close(id)
        return _line({"id": id, "result": result})

    def refuse(self, id: ServerRequestId, code: int, message: str) -> bytes:  # noqa: A002
        """The refusal of a server request, which is closed by it."""
        self._close(id)
        return _line({"id": id, "error": {"code": code, "message": message}})

    def is_open(self, id: ServerRequestId) -> bool:  # noqa: A002
        """Whether this server request still waits for its answer."""
        return id in self._open

    def _close(self, id: ServerRequestId) -> None:  # noqa: A002
        if id not in self._open:
            raise ReplyError(f"server request {id!r} is not open")
        self._open.remove(id)

    # One line.

    def _read_line(self, raw: bytes) -> list[Event]:
        raw = raw.strip()
        if not raw:
            return []
        message = _parse(raw)
        if isinstance(message, str):
            return [MalformedLine(reason=message, raw=raw)]
        method = as_text(message.get("method"))
        if method is None:
            return [self._read_answer(message, raw)]
        params = as_object(message.get("params")) or {}
        id_value = message.get("id")
        if id_value is None:
            return [Notification(method=method, params=params, raw=raw)]
        return [self._read_request(id_value, method, params, raw)]

    def _read_request(
        self, id_value: JsonValue, method: str, params: JsonObject, raw: bytes
    ) -> Event:
        request_id = as_whole_number(id_value)
        identity = as_text(id_value) if request_id is None else request_id
        if identity is None:
            return MalformedLine(reason="a request id is neither integer nor string", raw=raw)
        if identity in self._open:
            return MalformedLine(reason="a request repeats the id of an open one", raw=raw)
        self._open.add(identity)
        return ServerRequest(id=identity, method=method, params=params, raw=raw)

    def _read_answer(self, message: JsonObject, raw: bytes) -> Event:
        if "result" not in message and "error" not in message:
            return MalformedLine(reason="neither method nor result nor error", raw=raw)
        request_id = as_whole_number(message.get("id"))
        method = None if request_id is None else self._asked.pop(request_id, None)
        if request_id is None or method is None:
            return MalformedLine(reason="an answer to no open request", raw=raw)
        if message.get("error") is None and "result" in message:
            return Response(id=request_id, method=method, result=message["result"], raw=raw)
        error = as_object(message.get("error")) or {}
        return ErrorResponse(
            id=request_id,
            method=method,
            code=as_whole_number(error.get("code")),
            message=as_text(error.get("message")) or "the error has no message",
            raw=raw,
        )


def _line(message: JsonObject) -> bytes:
    # A lone surrogate, legal in Python's text, would make the agent throw the whole line away.
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace") + b"\n"


def _parse(raw: bytes) -> JsonObject | str:
    """The message, or why there is none."""
    try:
        value: object = _DECODER.decode(raw.decode())
    except UnicodeDecodeError:
        return "not UTF-8"
    except RecursionError:
        return "nested too deeply"
    except ValueError:
        return "not JSON"
    message = as_object(value)
    return "not a JSON object" if message is None else message


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)

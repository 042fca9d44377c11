"""A language model on loopback, as far as a coding agent can tell.

`ModelServer` answers `POST /v1/responses` with the server-sent events of the Responses API. What
it answers comes from a script: a function from the parsed request to a reply. A reply is text, a
call of one of the offered functions, or a fault on purpose. Every request is recorded, so that a
test can say what the agent sent: prompts, tools, results of tools.

It never calls out, listens on 127.0.0.1 only, and holds no request longer than `LONGEST_HOLD`.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TypeAlias

from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text

LONGEST_HOLD = 60.0
"""Seconds that a silent answer lasts at most, so that a forgotten one cannot hang a test run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the model says one answer cost."""

    input_tokens: int = 100
    output_tokens: int = 10


@dataclass(frozen=True, slots=True)
class Say:
    """Plain text, which ends the agent's turn."""

    text: str
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of one offered function; the agent runs it and asks again with the result."""

    name: str
    arguments: JsonObject
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Refuse:
    """An HTTP error instead of an answer."""

    status: int


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection breaks after the first words of an answer."""

    text: str = "I was about to"


@dataclass(frozen=True, slots=True)
class Silence:
    """The request is accepted and nothing is answered, until the server closes or the time (in
    seconds) is up; then the connection breaks."""

    seconds: float = LONGEST_HOLD


Reply: TypeAlias = Say | Call | Refuse | Cut | Silence


def shell(command: str, *, yield_after_ms: int = 20_000) -> Call:
    """The agent's own tool for a shell command. It gives the command back to the model as still
    running after `yield_after_ms`."""
    return Call("exec_command", {"cmd": command, "yield_time_ms": yield_after_ms})


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request of an agent, read leniently. `number` counts from 1 over the whole server."""

    number: int
    body: JsonObject

    @property
    def items(self) -> Sequence[JsonObject]:
        """The conversation so far."""
        return tuple(_objects(self.body.get("input")))

    @property
    def thread(self) -> str:
        """The id of the agent's thread, which Codex sends as the key of the provider's cache."""
        return as_text(self.body.get("prompt_cache_key")) or ""

    @property
    def user_texts(self) -> Sequence[str]:
        """The texts of all user messages; the prompt of the latest turn is the last one."""
        return tuple(
            _plain_text(item.get("content")) for item in self.items if item.get("role") == "user"
        )

    @property
    def tools(self) -> Mapping[str, JsonObject]:
        """The functions that the agent offers, by name."""
        return {
            name: tool
            for tool in _objects(self.body.get("tools"))
            if (name := as_text(tool.get("name"))) is not None
        }

    @property
    def tool_results(self) -> Sequence[str]:
        """What the called functions gave, oldest first."""
        return tuple(
            _plain_text(item.get("output"))
            for item in self.items
            if item.get("type") == "function_call_output"
        )


Script: TypeAlias = Callable[[ModelRequest], Reply]
Step: TypeAlias = Reply | Script


class IssueScript:
    """A list of steps for each issue, so that several agents can share one server.

    A request belongs to the first issue whose identifier stands in one of its user messages. Each
    request takes that issue's next step, also across sessions; after the last step the model has
    nothing more to do and says so.
    """

    def __init__(self, steps: Mapping[str, Sequence[Step]]) -> None:
        self._lock = threading.Lock()
        self._steps: dict[str, Iterator[Step]] = {name: iter(s) for name, s in steps.items()}

    def __call__(self, request: ModelRequest) -> Reply:
        issue = self.issue_of(request)
        if issue is None:
            return Say("This request names no issue of the script.")
        with self._lock:
            step = next(self._steps[issue], Say("Nothing is left to do."))
        return step(request) if callable(step) else step

    def issue_of(self, request: ModelRequest) -> str | None:
        """The identifier of the issue that a request is about."""
        text = "\n".join(request.user_texts)
        return next((name for name in self._steps if _stands_in(text, name)), None)


class ModelServer:
    """The server, listening while the context is entered, unless `listening` is False.

    The port is taken at once and kept; while the server does not listen, connections to it are
    refused.
    """

    def __init__(self, script: Script, *, listening: bool = True) -> None:
        self._script = script
        self._listen_on_enter = listening
        self._changed = threading.Condition()
        self._requests: list[ModelRequest] = []
        self._problems: list[str] = []
        self._closing = threading.Event()
        self._server = _Server(self)
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """What goes into the agent's provider settings."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def requests(self) -> Sequence[ModelRequest]:
        """Everything that was asked so far, oldest first."""
        with self._changed:
            return tuple(self._requests)

    @property
    def problems(self) -> Sequence[str]:
        """Requests that no model would get, and scripts that broke. Leaving the context with any
        fails the test."""
        with self._changed:
            return tuple(self._problems)

    def listen(self) -> None:
        """Begin to accept connections."""
        self._server.server_activate()
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def wait_for_requests(self, count: int, *, seconds: float) -> Sequence[ModelRequest]:
        """Return once `count` requests were made; `TimeoutError` names how many there were."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._requests) >= count, seconds):
                raise TimeoutError(
                    f"the model got {len(self._requests)} of {count} requests in {seconds} s"
                )
            return tuple(self._requests)

    def close(self) -> None:
        """Break what is open and free the port. Idempotent."""
        self._closing.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()

    def __enter__(self) -> ModelServer:
        if self._listen_on_enter:
            self.listen()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        if kind is None and self.problems:
            raise AssertionError(f"the model met what it should not: {'; '.join(self.problems)}")

    # For the handler of one connection.

    def answer(self, body: JsonObject) -> Reply:
        """Record a request and ask the script."""
        with self._changed:
            request = ModelRequest(len(self._requests) + 1, body)
            self._requests.append(request)
            self._changed.notify_all()
        try:
            return self._script(request)
        except Exception as error:  # a broken script must fail its test, not hang the agent
            self.complain(f"the script failed on request {request.number}: {error!r}")
            return Refuse(400)

    def complain(self, problem: str) -> None:
        """Record what should not have happened."""
        with self._changed:
            self._problems.append(problem)

    def hold(self, seconds: float) -> None:
        """Wait, but no longer than the server is open."""
        self._closing.wait(min(seconds, LONGEST_HOLD))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, model: ModelServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler, bind_and_activate=False)
        self.model = model
        self.server_bind()

    def handle_error(self, request: object, client_address: object) -> None:
        """An agent that hangs up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one request for a response."""
        model = self._model()
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = as_object(json.loads(raw)) if raw else None
        if self.path != "/v1/responses" or body is None:
            model.complain(f"unexpected POST {self.path} of {len(raw)} bytes")
            self._send_error_status(404)
            return
        match model.answer(body):
            case Refuse(status=status):
                self._send_error_status(status)
            case Silence(seconds=seconds):
                model.hold(seconds)
                self._hang_up()
            case Cut(text=text):
                self._begin_events()
                for event in _events_of_a_cut(text):
                    self._send_event(event)
                self._hang_up()
            case (Say() | Call()) as reply:
                self._begin_events()
                for event in _events_of(reply):
                    self._send_event(event)
                self._end_events()

    def do_GET(self) -> None:
        """No agent needs to read anything here."""
        self._model().complain(f"unexpected GET {self.path}")
        self._send_error_status(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Requests are recorded, not printed."""

    def _model(self) -> ModelServer:
        assert isinstance(self.server, _Server)
        return self.server.model

    def _send_error_status(self, status: int) -> None:
        body = json.dumps({"error": {"message": f"status {status} on purpose"}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _begin_events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _send_event(self, event: JsonObject) -> None:
        text = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(text), text))
        self.wfile.flush()

    def _end_events(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def _events_of(reply: Say | Call) -> Iterator[JsonObject]:
    response = f"resp_{uuid.uuid4().hex}"
    yield {"type": "response.created", "response": {"id": response}}
    yield from _message_events(reply.text) if isinstance(reply, Say) else _call_events(reply)
    yield {
        "type": "response.completed",
        "response": {"id": response, "usage": _usage(reply.usage)},
    }


def _events_of_a_cut(text: str) -> Iterator[JsonObject]:
    yield {"type": "response.created", "response": {"id": f"resp_{uuid.uuid4().hex}"}}
    message = f"msg_{uuid.uuid4().hex}"
    yield {"type": "response.output_item.added", "item": _message(message, "")}
    yield {"type": "response.output_text.delta", "item_id": message, "delta": text}


def _message_events(text: str) -> Iterator[JsonObject]:
    message = f"msg_{uuid.uuid4().hex}"
    yield {"type": "response.output_item.added", "item": _message(message, "")}
    yield {"type": "response.output_text.delta", "item_id": message, "delta": text}
    yield {"type": "response.output_item.done", "item": _message(message, text)}


def _message(message: str, text: str) -> JsonObject:
    content: list[JsonValue] = [{"type": "output_text", "text": text}] if text else []
    return {"type": "message", "role": "assistant", "id": message, "content": content}


def _call_events(call: Call) -> Iterator[JsonObject]:
    item: JsonObject = {
        "type": "function_call",
        "id": f"fc_{uuid.uuid4().hex}",
        "call_id": f"call_{uuid.uuid4().hex}",
        "name": call.name,
        "arguments": json.dumps(call.arguments),
    }
    yield {"type": "response.output_item.done", "item": item}


def _usage(usage: Usage) -> JsonObject:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _stands_in(text: str, identifier: str) -> bool:
    """Whether the text names this issue; `T-1` is not named by `T-11`."""
    return re.search(rf"(?<![\w-]){re.escape(identifier)}(?![\w-])", text) is not None


def _objects(value: JsonValue) -> Iterator[JsonObject]:
    for element in as_array(value) or ():
        if (found := as_object(element)) is not None:
            yield found


def _plain_text(value: JsonValue) -> str:
    """The text in a string, in a list of content parts, or the JSON of anything else."""
    if isinstance(value, str):
        return value
    parts = [as_text(part.get("text")) for part in _objects(value)]
    texts = [part for part in parts if part is not None]
    return "\n".join(texts) if texts else json.dumps(value)

"""The HTTP side of the fake: one endpoint on loopback, one thread for each connection."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from conformance.fakes.faults import Fault, Faults
from conformance.fakes.json_values import JsonObject, as_object, as_text, read_json
from conformance.fakes.linear.answers import Answer, answer, faulty
from conformance.fakes.linear.chaos import CALM, Chaos
from conformance.fakes.linear.errors import RefusedError
from conformance.fakes.linear.executor import Operation, Rights, prepare, schema
from conformance.fakes.recording import Recording, Request
from conformance.fakes.spoils import Spoils
from conformance.fakes.world import World

PATH = "/graphql"
LARGEST_REQUEST = 2 * 1024 * 1024
BEARER_PREFIX = "lin_oauth_"
"""Tokens of applications go with `Bearer`, personal keys without."""


class LinearFake:
    """Serves one world. `keys` says what each credential may do; a key that begins with
    `lin_oauth_` is expected after `Bearer`. `delay_s` passes between each request and its answer,
    whatever else is asked meanwhile. Use as a context manager, or `start` and `stop`."""

    def __init__(
        self,
        world: World,
        *,
        keys: Mapping[str, Rights],
        chaos: Chaos = CALM,
        port: int = 0,
        delay_s: float = 0.0,
    ) -> None:
        self.world = world
        self.keys = dict(keys)
        self.chaos = chaos
        self.delay_s = delay_s
        self.faults = Faults()
        self.spoils = Spoils()
        self.requests = Recording()
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(
            target=partial(self._server.serve_forever, poll_interval=0.02), daemon=True
        )

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{PATH}"

    def start(self) -> None:
        schema()  # Now, so that the first request does not wait for it.
        self._thread.start()

    def stop(self) -> None:
        """Close everything, also connections in the middle of an answer."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.drop_connections()
        self._thread.join()

    @contextmanager
    def unreachable(self) -> Generator[None]:
        """While it lasts every request loses its connection."""
        self.faults.add(Fault(kind="reset", times=None))
        try:
            yield
        finally:
            self.faults.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def rights_of(self, authorization: str) -> Rights:
        """What the header allows. Raises `RefusedError`."""
        word, _, rest = authorization.strip().partition(" ")
        is_bearer = word.lower() == "bearer"
        token = rest.strip() if is_bearer else authorization.strip()
        rights = self.keys.get(token)
        if rights is None or is_bearer is not token.startswith(BEARER_PREFIX):
            raise RefusedError("AUTHENTICATION_ERROR", "Authentication required, not authenticated")
        return rights


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], fake: LinearFake) -> None:
        self.fake = fake
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def note(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)

    def forget(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)

    def drop_connections(self) -> None:
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no error of the fake; anything else is, and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # pyright: ignore[reportArgumentType]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Header and body are two writes; with Nagle's algorithm each answer would take 40 ms.
    disable_nagle_algorithm = True
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def setup(self) -> None:
        super().setup()
        self.server.note(self.connection)

    def finish(self) -> None:
        self.server.forget(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Requests are recorded, not printed."""

    def do_GET(self) -> None:
        request = self._record()
        self._send(request, Answer(405, b"", {"Allow": "POST"}))

    def do_POST(self) -> None:
        fake = self.server.fake
        request = self._record()
        body = self._body()
        fault: Fault | None = None
        try:
            rights = fake.rights_of(self.headers.get("Authorization", ""))
            operation = _operation(body)
            fake.requests.update(request, partial(_note_operation, operation))
            fault = fake.faults.take(fake.requests.understood(request))
            response = answer(operation, fake.world, rights, fake.chaos)
            response = replace(response, body=fake.spoils.applied(response.body))
        except RefusedError as refusal:
            request.refusal = request.refusal or refusal.message
            if request.query == "":
                fault = fake.faults.take(fake.requests.understood(request))
            content = json.dumps(refusal.body()).encode()
            response = Answer(refusal.status, content, {"Content-Type": "application/json"})
        fake.closing.wait(fake.delay_s)
        if fault is None:
            self._send(request, response)
        else:
            self._misbehave(request, response, fault)

    def _record(self) -> Request:
        return self.server.fake.requests.add(self.command, self.path, dict(self.headers.items()))

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(min(length, LARGEST_REQUEST))

    def _misbehave(self, request: Request, response: Answer, fault: Fault) -> None:
        self.server.fake.requests.spoilt(request, fault.kind)
        match fault.kind:
            case "reset":
                self._hang_up()
            case "silence":
                self.server.fake.closing.wait()
                self._hang_up()
            case "cut_body":
                self._send(request, response, sent=len(response.body) // 2)
                self._hang_up()
            case "slow_body":
                self._drip(request, response, fault.delay_s)
            case _:
                secret = self.headers.get("Authorization", "")
                self._send(request, faulty(response, fault, secret))

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _drip(self, request: Request, response: Answer, delay_s: float) -> None:
        self._send(request, response, sent=0)
        for byte in response.body:
            if self.server.fake.closing.is_set():
                break
            time.sleep(delay_s)
            self.wfile.write(bytes([byte]))
        self.close_connection = True

    def _send(self, request: Request, response: Answer, *, sent: int | None = None) -> None:
        """`sent` is how much of the announced body follows at once; all of it by default."""
        # Noted first, so that a client that has its answer finds it noted.
        self.server.fake.requests.answered(request, response.status)
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body[:sent])


def _operation(body: bytes) -> Operation:
    try:
        call = as_object(read_json(body))
    except ValueError:
        raise RefusedError("GRAPHQL_PARSE_FAILED", "the body is not JSON") from None
    query = as_text(call.get("query"))
    if query is None:
        raise RefusedError("GRAPHQL_PARSE_FAILED", "the body must hold one `query`")
    variables: JsonObject = as_object(call.get("variables"))
    return prepare(query, variables, as_text(call.get("operationName")))


def _note_operation(operation: Operation, request: Request) -> None:
    source = operation.document.loc
    request.query = source.source.body if source else ""
    request.variables = operation.variables
    request.root_fields = operation.root_fields
    request.asked = operation.asked
    request.is_mutation = operation.is_mutation
    request.points = operation.points

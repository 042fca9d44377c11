"""The HTTP side of the fake: REST and GraphQL on loopback, one thread for each connection.

Answers at the addresses of github.com (`/repos/...`, `/graphql`) and of an Enterprise server
(`/api/v3/repos/...`, `/api/graphql`). Checks credential, user agent, API version and media type as
GitHub does, counts the rate limit, and answers an unchanged resource with 304 for nothing.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Self

from conformance.fakes.faults import Fault, Faults
from conformance.fakes.github.chaos import CALM, Chaos
from conformance.fakes.github.entities import Token
from conformance.fakes.github.executor import Operation, read_operation, run
from conformance.fakes.github.graph import Graph
from conformance.fakes.github.headers import token_of
from conformance.fakes.github.hub import Hub
from conformance.fakes.github.loopback import LoopbackServer
from conformance.fakes.github.misbehaviour import faulty
from conformance.fakes.github.noting import note_operation, note_route
from conformance.fakes.github.replies import ApiError, Reply, json_reply
from conformance.fakes.github.rest import Call, Rest, split_address
from conformance.fakes.github.rest_writes import WRITES
from conformance.fakes.json_values import as_object, read_json
from conformance.fakes.recording import Recording, Request
from conformance.fakes.spoils import Spoils

ENTERPRISE_REST = "/api/v3"
GRAPHQL_PATHS = ("/graphql", "/api/graphql")
LARGEST_REQUEST = 2 * 1024 * 1024
RATE_LIMIT = 5000
_NO_JSON = ApiError(400, "Problems parsing JSON")


class GitHubFake:
    """Serves one hub. `unknown_fields` are parts of the GraphQL schema (type, field) that this
    server is too old for. Use as a context manager, or `start` and `stop`.

    Faults are taken by what a request asks for: the name of a REST route (`issues`, `blocked_by`)
    or a root field of GraphQL (`repository`), and `rest` or `graphql`.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        tokens: Mapping[str, Token],
        chaos: Chaos = CALM,
        unknown_fields: Collection[tuple[str, str]] = (),
        port: int = 0,
    ) -> None:
        self.hub = hub
        self.tokens = dict(tokens)
        self.chaos = chaos
        self.unknown_fields = frozenset(unknown_fields)
        self.rest = Rest(hub, WRITES)
        self.faults = Faults()
        self.spoils = Spoils()
        self.requests = Recording()
        self.closing = threading.Event()
        self._spent = {"core": 0, "graphql": 0}
        self._lock = threading.Lock()
        self._server = _Server(port, self)
        self._thread = threading.Thread(
            target=partial(self._server.serve_forever, poll_interval=0.02), daemon=True
        )

    @property
    def url(self) -> str:
        """The address of the REST interface, as that of api.github.com."""
        return f"http://127.0.0.1:{self._server.port}"

    def start(self) -> None:
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

    def spent(self, resource: str = "core") -> int:
        """How much of a rate limit was used."""
        with self._lock:
            return self._spent[resource]

    def spend(self, resource: str, amount: int) -> dict[str, str]:
        """Take it from the limit, and say how it stands, in headers."""
        with self._lock:
            self._spent[resource] += amount
            used = self._spent[resource]
        return {
            "X-RateLimit-Limit": str(RATE_LIMIT),
            "X-RateLimit-Remaining": str(max(0, RATE_LIMIT - used)),
            "X-RateLimit-Used": str(used),
            "X-RateLimit-Reset": str(int(time.time()) + 3600),
            "X-RateLimit-Resource": resource,
        }

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


class _Server(LoopbackServer):
    def __init__(self, port: int, fake: GitHubFake) -> None:
        self.fake = fake
        super().__init__(port, _Handler)


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
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        fake = self.server.fake
        request = fake.requests.add(self.command, self.path, dict(self.headers.items()))
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, LARGEST_REQUEST))
        path, query = split_address(self.path)
        is_graphql = path in GRAPHQL_PATHS
        names: tuple[str, ...] = ()
        try:
            token = token_of(self.headers, fake.tokens)
            if is_graphql:
                operation = read_operation(as_object(read_json(body)))
                fake.requests.update(request, partial(note_operation, operation))
                names = ("graphql", *fake.requests.understood(request))
                reply = self._graphql(operation, token)
            else:
                call = self._call(path, query, body, token)
                found = fake.rest.route_of(call)
                route = "" if found is None else found.name
                fake.requests.update(request, partial(note_route, route, call))
                names = ("rest", *fake.requests.understood(request))
                reply = fake.rest.answer(call)
                if token.scopes is not None:
                    reply.headers["X-OAuth-Scopes"] = token.scopes
        except (ApiError, ValueError) as error:
            refusal = error if isinstance(error, ApiError) else _NO_JSON
            reply = refusal.reply()
            request.refusal = str(refusal)
            names = names or fake.requests.understood(request)
        told = fake.spoils.applied(reply.body)
        if told is not reply.body:
            # Also with another tag, or a conditional request would not be told.
            reply.headers["ETag"] = json_reply(json.loads(told)).headers["ETag"]
            reply.body = told
        fault = fake.faults.take(names)
        if fault is not None:
            self._misbehave(request, reply, fault, is_graphql)
        else:
            self._send(request, self._counted(reply, is_graphql))

    def _call(self, path: str, query: dict[str, str], body: bytes, token: Token) -> Call:
        fake = self.server.fake
        base = fake.url
        if path.startswith(ENTERPRISE_REST):
            base, path = f"{base}{ENTERPRISE_REST}", path.removeprefix(ENTERPRISE_REST)
        return Call(
            method=self.command,
            path=path,
            base=base,
            query=query,
            body=as_object(read_json(body)) if body else {},
            token=token,
            chaos=fake.chaos,
        )

    def _graphql(self, operation: Operation, token: Token) -> Reply:
        fake = self.server.fake
        graph = Graph(fake.hub, token, fake.chaos)
        content = dict(run(operation, graph, fake.unknown_fields))
        if fake.chaos.extras:
            content["extensions"] = {"warnings": [{"type": "DEPRECATION", "message": "soon"}]}
        return json_reply(content)

    def _counted(self, reply: Reply, is_graphql: bool) -> Reply:
        """The answer with the state of the rate limit, or 304 where nothing changed."""
        resource = "graphql" if is_graphql else "core"
        tag = reply.headers.get("ETag", "")
        known = {each.strip() for each in self.headers.get("If-None-Match", "").split(",")}
        is_unchanged = self.command == "GET" and reply.status == 200 and tag in known
        headers = {**reply.headers, **self.server.fake.spend(resource, 0 if is_unchanged else 1)}
        if self.server.fake.chaos.extras:
            headers["X-GitHub-New-Thing"] = "1"
        if is_unchanged:
            return Reply(status=304, headers=headers)
        return Reply(status=reply.status, body=reply.body, headers=headers)

    def _misbehave(self, request: Request, reply: Reply, fault: Fault, is_graphql: bool) -> None:
        self.server.fake.requests.spoilt(request, fault.kind)
        match fault.kind:
            case "reset":
                self._hang_up()
            case "silence":
                self.server.fake.closing.wait()
                self._hang_up()
            case "cut_body":
                self._send(request, reply, sent=len(reply.body) // 2)
                self._hang_up()
            case "slow_body":
                self._drip(request, reply, fault.delay_s)
            case _:
                reply.headers["X-Own-Address"] = f"{self.server.fake.url}{self.path}"
                secret = self.headers.get("Authorization", "")
                broken = faulty(reply, fault, is_graphql=is_graphql, authorization=secret)
                self._send(request, broken)

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _drip(self, request: Request, reply: Reply, delay_s: float) -> None:
        self._send(request, reply, sent=0)
        for byte in reply.body:
            if self.server.fake.closing.wait(delay_s):
                break
            self.wfile.write(bytes([byte]))
        self.close_connection = True

    def _send(self, request: Request, reply: Reply, *, sent: int | None = None) -> None:
        """`sent` is how much of the announced body follows at once; all of it by default."""
        # Noted first, so that a client that has its answer finds it noted.
        self.server.fake.requests.answered(request, reply.status)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status not in (204, 304):
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.status not in (204, 304):
            self.wfile.write(reply.body[:sent])

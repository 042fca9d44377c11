"""A relay before a fake provider that makes its answers wrong, body and headers.

What the fake says is true to the provider; what comes out of here is anything. One seed draws the
same mistakes in the order of the requests.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Final
from urllib.parse import urlsplit

from tests.reliability.hostile_mutations import Mutator

_PASSED_ON: Final = ("content-type", "link", "etag", "retry-after", "location")
_WRONG_HEADERS: Final = (
    *(("Retry-After", value) for value in ("-1", "x", "9" * 400, "1e999", "Fri, 99 Nov 0000 1:1")),
    *(("Link", value) for value in ("<>; rel=next", '<http://[>; rel="next"', ",;<", "<?page=0>")),
    *(("Location", value) for value in ("http://[", "//", "?", "http://127.0.0.1:1/", "x" * 9_000)),
    *(("X-RateLimit-Reset", value) for value in ("9" * 400, "-5", "soon", "")),
    *(("X-RateLimit-Requests-Reset", value) for value in ("9" * 400, "-5", "soon", "")),
    *(("ETag", value) for value in ("", "x" * 9_000, 'W/"')),
    *(("Content-Type", value) for value in ("text/html", "application/json; charset=x", "")),
    *(("Content-Encoding", value) for value in ("gzip", "br", "nonsense")),
)
_STATUSES: Final = (200, 201, 204, 299, 301, 304, 307, 400, 401, 403, 404, 410, 418, 429, 500, 599)


class HostileProvider:
    """`url` replaces that of the fake. `calm` passes on what is true."""

    def __init__(self, target: str, seed: int) -> None:
        self._target = urlsplit(target)
        self._random = Random(seed)  # noqa: S311
        self._lock = threading.Lock()
        self._server = _Server(self)
        self.calm = False
        self.answered = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """The address of the fake's own path, here."""
        return self.origin + self._target.path

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """What the fake says, made wrong."""
        status, given, content = self._ask(method, path, headers, body)
        own = f"{self._target.scheme}://{self._target.netloc}"
        content = content.replace(own.encode(), self.origin.encode())
        sent = {
            name: value.replace(own, self.origin)
            for name, value in given.items()
            if name in _PASSED_ON or name.startswith("x-")
        }
        with self._lock:
            self.answered += 1
            if not self.calm:
                status, content = self._wrong(status, content)
                if self._random.random() < 0.2:
                    name, value = self._random.choice(_WRONG_HEADERS)
                    sent[name.lower()] = value
        return status, sent, content

    def _wrong(self, status: int, content: bytes) -> tuple[int, bytes]:
        if self._random.random() < 0.05:
            status = self._random.choice(_STATUSES)
        if content and self._random.random() < 0.8:
            mutator = Mutator(self._random, (content,))
            for _ in range(self._random.choice((1, 1, 2, 4))):
                try:
                    content = mutator.mutate(content)
                except (ValueError, RecursionError, IndexError):
                    break  # No JSON any more, or none that can be taken apart: wrong enough.
        return status, content

    def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        kept = {name: value for name, value in headers.items() if name.lower() != "host"}
        connection = http.client.HTTPConnection(self._target.netloc, timeout=30)
        try:
            connection.request(method, path, body or None, {**kept, "Accept-Encoding": "identity"})
            response = connection.getresponse()
            given = {name.lower(): value for name, value in response.getheaders()}
            return response.status, given, response.read()
        finally:
            connection.close()

    @contextmanager
    def running(self) -> Generator[HostileProvider]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, provider: HostileProvider) -> None:
        self.provider = provider
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client may go away whenever it likes."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        self._relay()

    def do_GET(self) -> None:
        self._relay()

    def do_PATCH(self) -> None:
        self._relay()

    def _relay(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = dict(self.headers.items())
        status, sent, content = self.server.provider.answer(self.command, self.path, headers, body)
        self.send_response_only(status)
        for name, value in sent.items():
            self.send_header(name, value)
        bodiless = status in (204, 304)
        self.send_header("Content-Length", "0" if bodiless else str(len(content)))
        self.end_headers()
        if not bodiless:
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

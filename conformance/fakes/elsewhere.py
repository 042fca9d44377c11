"""Another origin on loopback, which takes down whatever it is told.

Must not: answer anything that a client could take for a tracker's answer.
"""

from __future__ import annotations

import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

LARGEST_BODY = 1024 * 1024


class Elsewhere:
    """Use as a context manager. `heard` is all that came: addresses, headers and bodies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[str] = []
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(
            target=partial(self._server.serve_forever, poll_interval=0.02), daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def heard(self) -> str:
        with self._lock:
            return "\n".join(self._requests)

    @property
    def count(self) -> int:
        """Of the requests that came."""
        with self._lock:
            return len(self._requests)

    def note(self, request: str) -> None:
        with self._lock:
            self._requests.append(request)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], elsewhere: Elsewhere) -> None:
        self.elsewhere = elsewhere
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Requests are kept, not printed."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, LARGEST_BODY)).decode(errors="replace")
        self.server.elsewhere.note(f"{self.command} {self.path}\n{self.headers}{body}")
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()

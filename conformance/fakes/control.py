"""Steering a fake from another process: one JSON object a line, over a socket of its own.

    {"call": "issue.put", "team": "ENG", "identifier": "ENG-1", "state": "Todo"}
    {"ok": true, "value": {"id": "..."}}

Which calls there are is up to the fake. A call that cannot be carried out answers `ok: false` with
the reason, and the connection stays open.
"""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Self, TypeAlias

from conformance.fakes.json_values import JsonObject, JsonValue, as_object

Call: TypeAlias = Callable[[JsonObject], JsonValue]


class ControlServer:
    """Serves `calls` on loopback. Use as a context manager."""

    def __init__(self, calls: Mapping[str, Call], port: int = 0) -> None:
        self._server = _Server(("127.0.0.1", port), calls)
        self._thread = threading.Thread(
            target=partial(self._server.serve_forever, poll_interval=0.02), daemon=True
        )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return ("127.0.0.1", self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], calls: Mapping[str, Call]) -> None:
        self.calls = calls
        super().__init__(address, _Handler)


class _Handler(socketserver.StreamRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def handle(self) -> None:
        for line in self.rfile:
            reply = json.dumps(self._reply(line), ensure_ascii=False)
            self.wfile.write(reply.encode() + b"\n")

    def _reply(self, line: bytes) -> JsonObject:
        try:
            arguments = dict(as_object(json.loads(line)))
            call = self.server.calls[str(arguments.pop("call", ""))]
            return {"ok": True, "value": call(arguments)}
        except Exception as error:  # The reason is for whoever steers, whatever it is.
            return {"ok": False, "reason": f"{type(error).__name__}: {error}"}

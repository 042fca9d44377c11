"""The client of the JSON interface, against a server that answers anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from conformance.lab.api import Api
from conformance.lab.judging import UnmetError
from conformance.lab.machine import Machine
from conformance.lab.timeline import Timeline

pytestmark = pytest.mark.anyio


class _Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(200, f'{{"path": "{self.path}"}}')

    def do_POST(self) -> None:
        self._answer(302, "[" * 50_000 if self.path == "/deep" else "elsewhere")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing is printed."""

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


async def test_an_answer_comes_as_it_was_sent(port: int) -> None:
    timeline = Timeline()
    api = Api(lambda: port, timeline, Machine())
    answer = await api.issue("A/1 ü")
    assert answer.object() == {"path": "/api/v1/A%2F1%20%C3%BC"}
    assert (await api.refresh()).status == 302
    assert (await api.refresh()).json() is None
    assert (await api.request("POST", "/deep")).json() is None
    assert len(timeline.events("api")) == 4


async def test_no_answer_is_something_that_did_not_come_about() -> None:
    with pytest.raises(UnmetError, match="not known at which port"):
        await Api(lambda: None, Timeline(), Machine()).state()
    with pytest.raises(UnmetError, match="ConnectError"):
        await Api(lambda: 1, Timeline(), Machine()).state()

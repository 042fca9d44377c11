"""What the commands make of something at the daemon's address that is none."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon_process import RunCommand

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Answering:
    """Accepts connections and answers each with the same bytes; `endless` repeats the last part."""

    def __init__(self, *parts: bytes, endless: bool = False) -> None:
        self._parts = parts
        self._endless = endless
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(65_536)
                    for part in self._parts:
                        connection.sendall(part)
                    while self._endless:
                        connection.sendall(self._parts[-1])


@pytest.fixture
def answering() -> Iterator[list[Answering]]:
    """Whatever a test puts here is closed."""
    made: list[Answering] = []
    yield made
    for each in made:
        each.close()


@pytest.fixture(autouse=True)
def workflow(tmp_path: Path) -> None:
    (tmp_path / "issues").mkdir()
    (tmp_path / "WORKFLOW.md").write_text("---\ntracker: {kind: files}\n---\nGo.\n")


def test_an_answer_without_an_end_is_given_up_with_a_sentence(
    run: RunCommand, answering: list[Answering]
) -> None:
    answering.append(Answering(HEAD + b"\r\n", b" " * 1_000_000, endless=True))
    done = run("status", "--url", answering[0].url)
    assert (done.returncode, done.stdout) == (5, "")
    assert "its answer has more than 64 MiB" in done.stderr or "did not end" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_small_answer_cannot_grow(run: RunCommand, answering: list[Answering]) -> None:
    """Whoever compresses although nobody asked for it is not believed."""
    answering.append(Answering(HEAD + b"Content-Encoding: gzip\r\n\r\n", b"\x1f\x8b\x08"))
    done = run("status", "--url", answering[0].url)
    assert done.returncode == 5
    assert "is no daemon (status 200)" in done.stderr


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1, 2]", b"[" * 100_000, b"\xff"])
def test_another_program_at_the_address_is_recognised(
    run: RunCommand, answering: list[Answering], body: bytes
) -> None:
    answering.append(Answering(HEAD + b"\r\n" + body))
    done = run("status", "--url", answering[0].url)
    assert (done.returncode, done.stdout) == (5, "")
    assert f"what answers at {answering[0].url}/ is no daemon (status 200)" in done.stderr


def test_a_state_that_lacks_everything_is_shown_as_far_as_it_goes(
    run: RunCommand, answering: list[Answering]
) -> None:
    answering.append(Answering(HEAD + b"\r\n" + b'{"running": [1, {}], "limits": []}'))
    done = run("status", "--url", answering[0].url)
    assert (done.returncode, done.stderr) == (0, "")


def test_requests_to_the_tracker_are_shown_where_they_are_counted(
    run: RunCommand, answering: list[Answering]
) -> None:
    answering.append(Answering(HEAD + b"\r\n" + b'{"tracker": {"requests_sent": 1234}}'))
    answering.append(Answering(HEAD + b"\r\n" + b'{"tracker": {"requests_sent": null}}'))
    counted, uncounted = (run("status", "--url", each.url).stdout for each in answering)
    assert counted.endswith(", 1,234 requests to the tracker\n")
    assert "requests" not in uncounted


def test_a_connection_that_is_cut_is_told(run: RunCommand, answering: list[Answering]) -> None:
    answering.append(Answering(HEAD + b"Content-Length: 100\r\n\r\n{"))
    done = run("status", "--url", answering[0].url)
    assert done.returncode == 5
    assert "does not answer: " in done.stderr


def test_an_address_that_is_none_is_told(run: RunCommand) -> None:
    for url in ("nonsense", "http://[", "ftp://127.0.0.1/", "http://127.0.0.1:9"):
        done = run("status", "--url", url)
        assert done.returncode == 5, done.stderr
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr

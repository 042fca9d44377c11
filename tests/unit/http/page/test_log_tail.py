"""The end of a session log."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from symphony.http.page.foreign import Foreign
from symphony.http.page.log_tail import MAX_BYTES, MAX_LINES, LogTail, read_tail
from symphony.observability.redaction import MASK, Redactor
from tests.support.demo_snapshots import START
from tests.support.page_logs import log_lines

FOREIGN = Foreign(lambda text: text)


def tail_of(content: str | bytes, folder: Path, foreign: Foreign = FOREIGN) -> LogTail:
    path = folder / "log.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_tail(str(path), foreign)


def entry(line: str, direction: str = "from_agent") -> str:
    return json.dumps({"at": START.isoformat(), "direction": direction, "line": line}) + "\n"


def test_lines_are_told_in_words_and_by_whom(tmp_path: Path) -> None:
    tail = tail_of(log_lines(START, "All done."), tmp_path)
    shown = [(line.speaker, line.method, line.text) for line in tail.lines]
    assert ("daemon", "turn/start", '{"threadId": "0199a1b2"}') in shown
    assert ("agent", "item/completed", "ran: make test") in shown
    assert ("agent", "item/completed", "said: All done.") in shown
    assert ("stderr", "", "warning: All done.") in shown
    assert shown[-1][0] == "note"
    assert not tail.is_cut


def test_a_stream_of_like_lines_is_one_with_their_number(tmp_path: Path) -> None:
    tail = tail_of(log_lines(START), tmp_path)
    (streamed,) = [line for line in tail.lines if line.method == "item/agentMessage/delta"]
    assert streamed.times == 12


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    lines = "".join(entry(f"line {number} " + "x" * 500) for number in range(2_000))
    tail = tail_of(lines, tmp_path)
    assert len(lines) > MAX_BYTES
    assert tail.is_cut
    assert len(tail.lines) == MAX_LINES
    assert tail.lines[-1].text.startswith("line 1999 ")
    assert all(line.text.startswith("line ") for line in tail.lines)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"\xff\xfe not text",
        b"[1, 2]\n{}\nnull\n",
        b'{"line": 5}\n',
        b'{"at": "yesterday", "direction": "from_agent", "line": "{"}\n',
        b'{"at": "2026-01-01T00:00:00", "direction": [], "line": "x"}\n',
        b'{"line": "' + b"[" * 50_000 + b'"}\n',
        b"[" * 200_000,
        entry('{"method": "item/started", "params": []}').encode(),
        entry('{"method": 5}').encode(),
        entry(json.dumps({"id": 1, "error": {"message": "\ud800\u202e"}})).encode(),
    ],
)
def test_a_log_that_is_no_log_does_no_harm(content: bytes, tmp_path: Path) -> None:
    tail = tail_of(content, tmp_path)
    assert tail.problem is None
    assert all(line.text.isprintable() for line in tail.lines)


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "link"])
def test_what_cannot_be_read_is_said_to_be_so(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to("/etc/hostname")
    tail = read_tail(str(path), FOREIGN)
    assert tail.lines == ()
    assert tail.problem is not None
    assert "cannot be read" in tail.problem


@pytest.mark.proves("security.secret.http")
def test_a_credential_in_a_log_is_masked(tmp_path: Path) -> None:
    secret = "s3cret-of-the-tracker"
    tail = tail_of(
        log_lines(START, f"the key is {secret}"), tmp_path, Foreign(Redactor([secret]).redact)
    )
    shown = " ".join(line.text for line in tail.lines)
    assert secret not in shown
    assert MASK in shown

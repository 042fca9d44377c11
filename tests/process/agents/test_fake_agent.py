"""The fake agent finds what a client does wrong, where the real one would stay silent."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.agents import APP_SERVER
from symphony.domain.json import JsonObject, as_object
from tests.support.agent_sessions import Script, read_journal

VIOLATION_EXIT = 70
CLIENT: JsonObject = {"name": "test", "version": "0"}


def request(number: int, method: str, params: JsonObject) -> bytes:
    return json.dumps({"id": number, "method": method, "params": params}).encode()


INITIALIZE = request(
    1, "initialize", {"clientInfo": CLIENT, "capabilities": {"experimentalApi": True}}
)
INITIALIZED = b'{"method": "initialized"}'


def start(directory: Path, script: Script | None = None) -> subprocess.Popen[bytes]:
    (directory / "script").write_text(json.dumps(script or {}))
    options = ["--script", str(directory / "script"), f"--journal={directory / 'journal'}"]
    return subprocess.Popen(
        [sys.executable, str(APP_SERVER), *options, "app-server", "-c", "x=y"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=directory,
    )


def complaint(directory: Path, lines: list[bytes], script: Script | None = None) -> str:
    """What the agent says is wrong with these lines; it must leave because of them."""
    with start(directory, script) as agent:
        assert agent.stdin is not None
        agent.stdin.write(b"".join(line + b"\n" for line in lines))
        agent.stdin.flush()
        # The input stays open: what ends the agent is what it received.
        assert agent.wait(60) == VIOLATION_EXIT
    (text,) = (entry["text"] for entry in read_journal(directory) if entry["event"] == "violation")
    return str(text)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([b"{nonsense"], "not JSON"),
        ([b"[" * 50_000], "not JSON"),
        ([b"[]"], "not an object"),
        ([INITIALIZED], "does not belong here"),
        ([request(1, "initialize", {})], "clientInfo"),
        ([request(1, "initialize", {"clientInfo": CLIENT})], "experimentalApi"),
        ([INITIALIZE, request(2, "thread/start", {})], "before `initialized`"),
        ([INITIALIZE, INITIALIZED, INITIALIZED], "does not belong here"),
        ([INITIALIZE, INITIALIZED, request(1, "thread/start", {})], "is not new"),
        ([INITIALIZE, INITIALIZED, b'{"id": 5, "result": {}}'], "no open request"),
        ([INITIALIZE, INITIALIZED, request(2, "thread/start", {"cwd": "/"})], "not the directory"),
    ],
)
def test_a_message_that_does_not_belong_ends_the_agent(
    tmp_path: Path, lines: list[bytes], words: str
) -> None:
    assert words in complaint(tmp_path, lines)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b'{"id": 0, "result": {"decision": "approved"}}', "a wrong answer"),
        (b'{"id": 0, "error": "no"}', "neither result nor error code"),
        (b'{"id": 1, "result": {"decision": "decline"}}', "no open request"),
    ],
)
def test_a_wrong_answer_ends_the_agent(tmp_path: Path, answer: bytes, words: str) -> None:
    script: Script = {"before_initialize": [{"do": "approve_command"}]}
    assert words in complaint(tmp_path, [INITIALIZE, answer], script)


def test_an_orderly_beginning_is_noted_and_the_end_of_input_ends_it_well(tmp_path: Path) -> None:
    with start(tmp_path) as agent:
        assert agent.stdin is not None
        assert agent.stdout is not None
        last = request(2, "no/such/method", {})
        agent.stdin.write(b"\n".join((INITIALIZE, INITIALIZED, last, b"")))
        agent.stdin.flush()
        while b"no/such/method" not in agent.stdout.readline():
            pass
        agent.stdin.close()
        assert agent.wait(60) == 0
    journal = read_journal(tmp_path)
    assert [entry["event"] for entry in journal] == [
        "start",
        *["received"] * 3,
        "refused",
        "end",
    ]
    assert (as_object(journal[1]["message"]) or {})["method"] == "initialize"

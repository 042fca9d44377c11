"""`symphony logs ISSUE`: the session log in plain words, without a daemon."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from symphony.domain.json import JsonValue
from tests.support.daemon_process import RunCommand

SAID: list[tuple[str, JsonValue]] = [
    ("to_agent", {"id": 1, "method": "turn/start", "params": {}}),
    ("from_agent", {"id": 1, "result": {}}),
    ("from_agent", {"method": "item/completed", "params": {"item": {"type": "reasoning"}}}),
    (
        "from_agent",
        {
            "method": "item/completed",
            "params": {
                "item": {"type": "commandExecution", "command": "make \x1b[31mtest", "exitCode": 2}
            },
        },
    ),
    ("stderr", "a warning\x07"),
]


def _line(direction: str, message: object) -> str:
    text = message if isinstance(message, str) else json.dumps(message)
    entry = {"at": "2026-11-21T07:00:01.234Z", "direction": direction, "line": text}
    return json.dumps(entry) + "\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """One session of A-1, below the directory `logs`."""
    folder = tmp_path / "logs" / "sessions" / "A-1"
    folder.mkdir(parents=True)
    path = folder / "20261121T070000.000Z-run1.jsonl"
    path.write_text("".join(_line(*said) for said in SAID))
    return path


@pytest.mark.usefixtures("log")
def test_what_was_said_is_told_in_plain_words_without_control_characters(run: RunCommand) -> None:
    done = run("logs", "A-1", "--logs-root", "logs")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "07:00:01.234 > turn/start",
        "07:00:01.234 < answered (1)",
        "07:00:01.234 < thought",
        "07:00:01.234 < ran: make test (exit 2)",
        "07:00:01.234 ! a warning",
    ]


@pytest.mark.usefixtures("log")
def test_the_last_lines_are_shown_or_the_file_as_it_is(run: RunCommand, log: Path) -> None:
    assert len(run("logs", "A-1", "--logs-root", "logs", "-n", "2").stdout.splitlines()) == 2
    assert run("logs", "A-1", "--logs-root", "logs", "--raw").stdout == log.read_text()


def test_an_issue_without_a_log_is_told_where_was_looked(run: RunCommand, tmp_path: Path) -> None:
    done = run("logs", "A-9", "--logs-root", "logs")
    assert (done.returncode, done.stdout) == (4, "")
    assert str(tmp_path / "logs" / "sessions") in done.stderr


def test_following_goes_on_into_the_next_session(log: Path) -> None:
    command = _symphony("logs", "A-1", "-f", "--logs-root", str(log.parents[2]))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=log.parent) as following:
        assert following.stdout is not None
        try:
            first = [following.stdout.readline() for _ in SAID]
            assert first[-1].endswith("! a warning\n")
            with log.open("a") as file:
                file.write(_line("stderr", "one more"))
            assert following.stdout.readline().endswith("! one more\n")
            later = log.with_name("20261121T080000.000Z-run2.jsonl")
            later.write_text(_line("stderr", "a new session"))
            assert following.stdout.readline().endswith("! a new session\n")
        finally:
            # Not SIGINT, which whoever runs the tests in the background has switched off for them.
            following.terminate()
    assert following.returncode == -signal.SIGTERM


def _symphony(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("symphony")), *words]

"""Session logs on real files: complete, redacted, bounded, and never in the way."""

from __future__ import annotations

import json
import logging
import os
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from symphony.domain.ids import IssueId, IssueIdentifier, RunId
from symphony.domain.issue import Issue
from symphony.domain.json import JsonObject, as_object
from symphony.domain.run import RunRequest
from symphony.observability.redaction import MASK, Redactor
from symphony.observability.session_files import SessionLogLimits
from symphony.observability.session_log import MAX_LINE_BYTES, SessionLogs, default_logs_root

DEADLINE_SECONDS = 60.0
START = datetime(2026, 11, 21, 3, 0, 0, 123_000, UTC)


def request(run: int = 7, identifier: str = "ABC-1") -> RunRequest:
    issue = Issue(
        id=IssueId(f"id-{identifier}"),
        identifier=IssueIdentifier(identifier),
        title="Title",
        state="Todo",
        dispatchable=True,
    )
    return RunRequest(run_id=RunId(run), issue=issue, attempt=None)


class Clock:
    """Gives a later second with each look, so that files have an order."""

    def __init__(self) -> None:
        self.seconds = -1

    def __call__(self) -> datetime:
        self.seconds += 1
        return START + timedelta(seconds=self.seconds)


Make = Callable[..., SessionLogs]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[SessionLogs] = []

    def build(
        limits: SessionLogLimits | None = None,
        *,
        secrets: tuple[str, ...] = (),
        waiting_limit: int = 10_000_000,
        now: Callable[[], datetime] | None = None,
    ) -> SessionLogs:
        logs = SessionLogs(
            str(tmp_path),
            Redactor(secrets),
            limits=limits,
            waiting_limit=waiting_limit,
            now=now or Clock(),
        )
        made.append(logs)
        return logs

    yield build
    for logs in made:
        logs.close(DEADLINE_SECONDS)


def entries(path: Path) -> list[JsonObject]:
    found = [as_object(json.loads(line)) for line in path.read_text("utf-8").splitlines()]
    return [entry for entry in found if entry is not None]


def only_file(tmp_path: Path) -> Path:
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    return path


def names(tmp_path: Path, key: str = "ABC-1") -> list[str]:
    return sorted(path.name for path in (tmp_path / "sessions" / key).iterdir())


def test_every_line_is_recorded_in_order_with_its_time_and_direction(
    make: Make, tmp_path: Path
) -> None:
    logs = make(now=lambda: START)
    log = logs.open(request(), "ABC-1")

    log.record("to_agent", b'{"id":1}\n')
    log.record("from_agent", '{"text":"Zürich"}\r\n'.encode())
    log.record("stderr", b"\xff warning\x1b[31m")
    log.close()
    assert logs.flush(DEADLINE_SECONDS)

    path = tmp_path / "sessions" / "ABC-1" / "20261121T030000.123Z-run7.jsonl"
    assert only_file(tmp_path) == path
    assert log.path == str(path)
    at = "2026-11-21T03:00:00.123Z"
    assert entries(path) == [
        {"at": at, "direction": "to_agent", "line": '{"id":1}'},
        {"at": at, "direction": "from_agent", "line": '{"text":"Zürich"}'},
        {"at": at, "direction": "stderr", "line": "\\xff warning\x1b[31m"},
    ]
    assert path.read_text("utf-8").replace("\n", "").isprintable()


def test_files_and_directories_are_for_their_owner_only(make: Make, tmp_path: Path) -> None:
    logs = make()
    logs.open(request(), "ABC-1").record("stderr", b"x")
    assert logs.flush(DEADLINE_SECONDS)

    path = only_file(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_run_without_a_line_leaves_no_file(make: Make, tmp_path: Path) -> None:
    logs = make()
    logs.open(request(), "ABC-1").close()
    assert logs.flush(DEADLINE_SECONDS)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.proves("security.secret.logs")
def test_secrets_are_masked_in_every_line(make: Make, tmp_path: Path) -> None:
    logs = make(secrets=("hunter2/x",))
    log = logs.open(request(), "ABC-1")

    log.record("to_agent", b'{"key":"hunter2\\/x"}')
    log.record("from_agent", b'{"output":"{\\"key\\":\\"hunter2/x\\"}"}')
    log.record("stderr", b"hunter2%2Fx lin_api_A1b2C3d4E5f6G7h8")
    assert logs.flush(DEADLINE_SECONDS)

    text = only_file(tmp_path).read_text("utf-8")
    assert "hunter2" not in text
    assert "lin_api" not in text
    assert text.count(MASK) == 4


def test_a_long_line_is_cut_and_its_true_length_is_told(make: Make, tmp_path: Path) -> None:
    logs = make(secrets=("hunter2-hunter2",))
    log = logs.open(request(), "ABC-1")

    log.record("from_agent", b"x" * (MAX_LINE_BYTES - 5) + b"hunter2-hunter2" + b"y" * 1_000_000)
    log.record("from_agent", "é".encode() * MAX_LINE_BYTES)
    assert logs.flush(DEADLINE_SECONDS)

    first, second = entries(only_file(tmp_path))
    assert first["line"] == "x" * (MAX_LINE_BYTES - 5)
    assert first["bytes"] == MAX_LINE_BYTES + 10 + 1_000_000
    assert second["line"] == "é" * (MAX_LINE_BYTES // 2)
    assert second["bytes"] == 2 * MAX_LINE_BYTES


def test_a_log_that_grows_too_long_goes_on_in_a_new_file_and_the_oldest_are_removed(
    make: Make, tmp_path: Path
) -> None:
    logs = make(SessionLogLimits(file_bytes=100, files_per_issue=2))
    log = logs.open(request(), "ABC-1")

    for number in range(5):
        log.record("from_agent", f"{number}".encode() * 100)
        assert logs.flush(DEADLINE_SECONDS)

    found = names(tmp_path)
    assert len(found) == 2
    assert [entries(tmp_path / "sessions" / "ABC-1" / name)[0]["line"] for name in found] == [
        "3" * 100,
        "4" * 100,
    ]
    assert log.path == str(tmp_path / "sessions" / "ABC-1" / found[-1])


def run_once(logs: SessionLogs, run: int, key: str, line: bytes = b"x") -> None:
    log = logs.open(request(run, key), key)
    log.record("stderr", line)
    log.close()
    assert logs.flush(DEADLINE_SECONDS)


def test_the_number_of_logs_of_an_issue_is_bounded(make: Make, tmp_path: Path) -> None:
    logs = make(SessionLogLimits(files_per_issue=3))

    for run in range(1, 6):
        run_once(logs, run, "ABC-1")

    assert [name.rpartition("-")[2] for name in names(tmp_path)] == [
        "run3.jsonl",
        "run4.jsonl",
        "run5.jsonl",
    ]


def test_the_number_of_issues_with_logs_is_bounded_and_the_quietest_goes_first(
    make: Make, tmp_path: Path
) -> None:
    logs = make(SessionLogLimits(issues=2))

    for run, key in enumerate(["A", "B", "A", "C"]):
        run_once(logs, run, key)

    assert sorted(path.name for path in (tmp_path / "sessions").iterdir()) == ["A", "C"]


def test_all_logs_together_are_bounded_but_a_log_in_use_stays(make: Make, tmp_path: Path) -> None:
    logs = make(SessionLogLimits(total_bytes=2_500))
    in_use = logs.open(request(0, "A"), "A")
    in_use.record("stderr", b"x" * 1_000)
    assert logs.flush(DEADLINE_SECONDS)

    for run in (1, 2, 3):
        run_once(logs, run, "B", b"x" * 1_000)

    assert names(tmp_path, "A") == [os.path.basename(str(in_use.path))]
    assert [name.rpartition("-")[2] for name in names(tmp_path, "B")] == [
        "run2.jsonl",
        "run3.jsonl",
    ]


def test_nothing_but_session_logs_is_ever_removed(make: Make, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "20200101T000000.000Z-run1.jsonl").write_text("kept")
    folder = tmp_path / "sessions" / "ABC-1"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("kept")
    (folder / "20200101T000000.000Z-run2.jsonl").write_text("old")
    (tmp_path / "sessions" / "linked").symlink_to(outside)
    logs = make(SessionLogLimits(files_per_issue=1, issues=1, total_bytes=1))

    run_once(logs, 9, "ABC-1")

    assert (outside / "20200101T000000.000Z-run1.jsonl").exists()
    assert (folder / "notes.txt").exists()
    assert not (folder / "20200101T000000.000Z-run2.jsonl").exists()


@pytest.mark.parametrize("key", ["", ".", "..", "a/b", "../up", "nul\0"])
def test_a_key_that_would_lead_elsewhere_is_refused(make: Make, key: str) -> None:
    with pytest.raises(ValueError, match="not the name of a workspace directory"):
        make().open(request(), key)


@pytest.mark.proves("log.sink.survives", "log.sink.warned", "log.context.issue")
def test_a_disk_that_fails_costs_one_warning_and_that_log(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "sessions").write_text("not a directory")
    logs = make()
    log = logs.open(request(), "ABC-1")

    for _ in range(3):
        log.record("stderr", b"x")
        assert logs.flush(DEADLINE_SECONDS)
    (tmp_path / "sessions").unlink()
    run_once(logs, 8, "ABC-2")

    (warning,) = caplog.records
    assert (warning.levelno, warning.getMessage()) == (logging.WARNING, "session_log_failed")
    fields = as_object(warning.__dict__["fields"])
    assert fields is not None
    assert fields["issue_id"] == "id-ABC-1"
    assert fields["issue_identifier"] == "ABC-1"
    assert "directory" in str(fields["reason"])
    assert log.path is None
    assert names(tmp_path, "ABC-2") != []


def test_lines_that_a_slow_disk_cannot_take_are_dropped_and_the_log_says_how_many(
    make: Make, tmp_path: Path
) -> None:
    disk_answers = threading.Event()

    def now() -> datetime:
        # Asked for by the writing thread when it makes the file: here the disk hangs.
        if threading.current_thread() is not threading.main_thread():
            assert disk_answers.wait(DEADLINE_SECONDS)
        return START

    logs = make(waiting_limit=1, now=now)
    log = logs.open(request(), "ABC-1")

    for line in (b"1", b"2", b"3"):
        log.record("stderr", line)
    disk_answers.set()
    assert logs.flush(DEADLINE_SECONDS)
    log.record("stderr", b"4")
    assert logs.flush(DEADLINE_SECONDS)

    assert [(entry["direction"], entry["line"]) for entry in entries(only_file(tmp_path))] == [
        ("stderr", "1"),
        ("note", "2 lines are missing here: the disk was too slow for them"),
        ("stderr", "4"),
    ]


def test_the_end_writes_what_is_waiting(make: Make, tmp_path: Path) -> None:
    logs = make()
    log = logs.open(request(), "ABC-1")
    for number in range(1_000):
        log.record("stderr", f"{number}".encode())

    logs.close(DEADLINE_SECONDS)
    log.record("stderr", b"after the end")
    log.close()

    assert [entry["line"] for entry in entries(only_file(tmp_path))] == [
        f"{number}" for number in range(1_000)
    ]


@pytest.mark.parametrize(
    ("environment", "start"),
    [
        ({"HOME": "/home/ada"}, "/home/ada/.local/state/symphony/work-"),
        ({"HOME": "/home/ada", "XDG_STATE_HOME": "/state"}, "/state/symphony/work-"),
        ({"HOME": "/home/ada", "XDG_STATE_HOME": "relative"}, "/home/ada/.local/state/symphony/"),
    ],
)
def test_without_a_logs_root_the_logs_of_each_workspace_root_have_a_place_of_their_own(
    environment: dict[str, str], start: str
) -> None:
    chosen = default_logs_root("/srv/one/work", environment)

    assert chosen is not None
    assert chosen.startswith(start)
    assert chosen == default_logs_root("/srv/one/../one/work/", environment)
    assert chosen != default_logs_root("/srv/two/work", environment)

"""Log sinks on real pipes, files and processes: each fails alone, and none holds anybody up."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from symphony.domain.json import as_object
from symphony.observability.background import BackgroundWriter
from symphony.observability.logs import LOG_FILE_NAME, Logs, configure_logging
from symphony.observability.redaction import Redactor
from symphony.observability.sinks import RotatingFile, Sink, StreamTarget

DEADLINE_SECONDS = 60.0

logger = logging.getLogger("symphony.test")


@pytest.fixture
def logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    project = logging.getLogger("symphony")
    levels = root.level, project.level
    yield
    for handler in [handler for handler in root.handlers if isinstance(handler, Logs)]:
        root.removeHandler(handler)
        handler.close()
    logging.captureWarnings(False)
    root.setLevel(levels[0])
    project.setLevel(levels[1])


@contextmanager
def pipe() -> Generator[tuple[int, int]]:
    """The reading and the writing descriptor."""
    reading, writing = os.pipe()
    try:
        yield reading, writing
    finally:
        for descriptor in (reading, writing):
            try:
                os.close(descriptor)
            except OSError:
                continue


def read_exactly(descriptor: int, count: int) -> None:
    while count > 0:
        count -= len(os.read(descriptor, min(count, 65_536)))


def events_in(path: Path) -> list[str]:
    lines = [as_object(json.loads(line)) for line in path.read_text("utf-8").splitlines()]
    return [str(line["event"]) for line in lines if line is not None]


@pytest.mark.proves("log.format.keys")
@pytest.mark.usefixtures("logging_restored")
def test_lines_go_to_the_stream_and_to_a_file_under_the_logs_root(tmp_path: Path) -> None:
    stream = io.StringIO()
    logs = configure_logging(
        line_format="text", stream=stream, redactor=Redactor(["hunter2"]), logs_root=str(tmp_path)
    )

    logger.info("dispatched", extra={"fields": {"issue_id": "7", "reason": "hunter2"}})
    logging.getLogger("httpx").info("not heard")
    logging.getLogger("httpx").warning("heard")
    logger.debug("not_heard")
    assert logs.flush_lines(DEADLINE_SECONDS)

    written = (tmp_path / LOG_FILE_NAME).read_text("utf-8")
    assert written == stream.getvalue()
    assert [line.split(" ", 1)[1] for line in written.splitlines()] == [
        "level=info event=dispatched issue_id=7 outcome=started reason=[redacted]",
        "level=warning event=library_message outcome=reported logger=httpx message=heard",
    ]


@pytest.mark.usefixtures("logging_restored")
def test_a_second_configuration_replaces_the_first() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure_logging(line_format="text", stream=first, redactor=Redactor())
    logs = configure_logging(line_format="json", stream=second, redactor=Redactor())

    logger.info("dispatched")
    assert logs.flush_lines(DEADLINE_SECONDS)

    assert first.getvalue() == ""
    assert json.loads(second.getvalue())["event"] == "dispatched"


class Unreadable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.proves("log.sink.survives")
@pytest.mark.usefixtures("logging_restored")
def test_a_value_without_a_text_costs_neither_the_caller_nor_the_log() -> None:
    stream = io.StringIO()
    logs = configure_logging(line_format="text", stream=stream, redactor=Redactor())

    logger.info("dispatched", extra={"fields": {"reason": Unreadable()}})
    assert logs.flush_lines(DEADLINE_SECONDS)

    assert "event=log_record_unreadable" in stream.getvalue()


@pytest.mark.proves("log.sink.survives", "log.sink.warned")
@pytest.mark.usefixtures("logging_restored")
def test_a_logs_root_that_cannot_be_used_is_reported_once_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    stream = io.StringIO()
    logs = configure_logging(
        line_format="text",
        stream=stream,
        redactor=Redactor(),
        logs_root=str(tmp_path / "file" / "logs"),
    )

    for _ in range(3):
        logger.info("dispatched")
        assert logs.flush_lines(DEADLINE_SECONDS)

    assert stream.getvalue().count("event=dispatched") == 3
    assert stream.getvalue().count("event=log_sink_failed") == 1
    assert "Not a directory" in stream.getvalue()


@pytest.mark.proves("log.sink.survives", "log.sink.warned")
@pytest.mark.usefixtures("logging_restored")
def test_a_full_disk_behind_stderr_is_reported_in_the_file(tmp_path: Path) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        logs = configure_logging(
            line_format="json", stream=full, redactor=Redactor(), logs_root=str(tmp_path)
        )
        logger.info("dispatched")
        assert logs.flush_lines(DEADLINE_SECONDS)
        logs.close()

    assert sorted(events_in(tmp_path / LOG_FILE_NAME)) == ["dispatched", "log_sink_failed"]


class Target:
    """A place for lines that can be broken and mended."""

    def __init__(self) -> None:
        self.text = ""
        self.broken = False

    def write(self, text: str) -> None:
        if self.broken:
            raise OSError("broken")
        self.text += text

    def close(self) -> None:
        return


@pytest.mark.proves("log.sink.survives", "log.sink.warned")
def test_a_failing_target_is_reported_once_left_alone_for_a_while_and_then_tried_again() -> None:
    reports: list[tuple[str, dict[str, object]]] = []
    now = [0.0]
    target = Target()

    def report(_sink: Sink, event: str, fields: dict[str, object]) -> None:
        reports.append((event, fields))

    sink = Sink("disk", target, report, retry_seconds=5.0, clock=lambda: now[0])

    def put(line: str) -> None:
        sink.put(line)
        assert sink.flush(DEADLINE_SECONDS)

    put("one")
    target.broken = True
    put("two")
    target.broken = False
    put("three")
    now[0] = 5.0
    put("four")
    sink.close(DEADLINE_SECONDS)
    sink.put("after the end")

    assert target.text == "one\nfour\n"
    assert reports == [
        ("log_sink_failed", {"sink": "disk", "reason": "broken"}),
        ("log_sink_recovered", {"sink": "disk", "lines_lost": 2}),
    ]


def test_a_target_that_hangs_costs_what_does_not_fit_into_its_queue() -> None:
    reports: list[str] = []

    def report(_sink: Sink, event: str, _fields: dict[str, object]) -> None:
        reports.append(event)

    with pipe() as (reading, writing), open(writing, "w", closefd=False) as stream:
        sink = Sink("pipe", StreamTarget(stream), report, waiting_limit=100)
        for _ in range(3):
            sink.put("x" * 200_000)

        assert reports == ["log_sink_failed"]
        read_exactly(reading, 200_001)
        assert sink.flush(DEADLINE_SECONDS)
        sink.close(DEADLINE_SECONDS)

    assert reports == ["log_sink_failed", "log_sink_recovered"]


def test_the_file_is_rotated_at_its_size_and_only_so_many_are_kept(tmp_path: Path) -> None:
    file = RotatingFile(str(tmp_path / "a" / "log"), max_bytes=10, keep=2)

    for line in ("first..\n", "second.\n", "third..\n", "fourth.\n"):
        file.write(line)
    file.close()

    found = {path.name: path.read_text() for path in (tmp_path / "a").iterdir()}
    assert found == {"log": "fourth.\n", "log.1": "third..\n", "log.2": "second.\n"}


def test_the_file_is_for_its_owner_only_and_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("cut sho")
    path.chmod(0o600)
    file = RotatingFile(str(path), max_bytes=100, keep=1)

    file.write("next\n")
    file.close()

    assert path.read_text() == "cut sho\nnext\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_symbolic_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="symbolic links"):
        RotatingFile(str(tmp_path / "log"), max_bytes=100, keep=1).write("line\n")


def test_a_non_blocking_stream_is_waited_for_instead_of_failing() -> None:
    with pipe() as (reading, writing), open(writing, "w", closefd=False) as stream:
        os.set_blocking(writing, False)
        target = StreamTarget(stream)
        writer = BackgroundWriter[str](
            lambda lines: target.write("".join(lines)), name="test", limit=10
        )
        assert writer.put("x" * 300_000, 1)

        read_exactly(reading, 300_000)
        assert writer.close(DEADLINE_SECONDS)


HEAD = """
import logging, os, sys
from symphony.observability.descriptors import reserve_standard_descriptors
from symphony.observability.logs import configure_logging
from symphony.observability.redaction import Redactor
logger = logging.getLogger("symphony.test")
def configure(root):
    return configure_logging(
        line_format="json", stream=sys.stderr, redactor=Redactor(), logs_root=root)
"""


def run_child(
    script: str, *arguments: str, before: str = "", stderr: int | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run Python code in a process of its own; `before` is shell text that may change its start."""
    command = f'{before} exec "$0" -c "$@"'
    return subprocess.run(
        ["sh", "-c", command, sys.executable, HEAD + script, *arguments],
        stdout=subprocess.PIPE,
        stderr=stderr,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


@pytest.mark.proves("log.sink.survives")
@pytest.mark.parametrize("with_file", [True, False])
def test_a_daemon_whose_standard_error_is_closed_at_start_goes_on(
    tmp_path: Path, with_file: bool
) -> None:
    script = """
reserve_standard_descriptors()
logs = configure(sys.argv[1] or None)
logger.warning("dispatched")
opened = os.open(os.devnull, os.O_RDONLY)
print(opened > 2)
"""
    root = str(tmp_path) if with_file else ""

    done = run_child(script, root, before="exec 2>&-;")

    assert (done.returncode, done.stdout) == (0, b"True\n")
    assert [path.name for path in tmp_path.iterdir()] == ([LOG_FILE_NAME] if with_file else [])
    if with_file:
        assert events_in(tmp_path / LOG_FILE_NAME) == ["dispatched"]


@pytest.mark.proves("log.sink.survives", "log.sink.warned")
def test_a_daemon_whose_standard_error_is_gone_goes_on_and_says_so_in_the_file(
    tmp_path: Path,
) -> None:
    script = """
logs = configure(sys.argv[1])
logger.info("dispatched")
logs.flush_lines(60)
logger.info("workspace_removed")
print("still here")
"""
    with pipe() as (reading, writing):
        os.close(reading)
        done = run_child(script, str(tmp_path), stderr=writing)

    assert (done.returncode, done.stdout) == (0, b"still here\n")
    assert sorted(events_in(tmp_path / LOG_FILE_NAME)) == [
        "dispatched",
        "log_sink_failed",
        "workspace_removed",
    ]


@pytest.mark.proves("log.sink.survives")
def test_a_full_pipe_that_nobody_reads_holds_up_neither_the_file_nor_the_end(
    tmp_path: Path,
) -> None:
    script = """
logs = configure(sys.argv[1])
for _ in range(100):
    logger.info("dispatched", extra={"fields": {"reason": "x" * 1900}})
print("done", flush=True)
"""
    with pipe() as (_, writing):
        done = run_child(script, str(tmp_path), stderr=writing)

    assert (done.returncode, done.stdout) == (0, b"done\n")
    assert events_in(tmp_path / LOG_FILE_NAME) == ["dispatched"] * 100


def test_a_disk_that_refused_in_the_middle_of_a_line_leaves_a_readable_file(
    tmp_path: Path,
) -> None:
    # A limit on the size of files makes the kernel refuse in mid-line, as a full disk does.
    script = """
import resource, signal
from symphony.observability.sinks import RotatingFile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = RotatingFile(sys.argv[1], max_bytes=1000, keep=1)
file.write("first\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (9, resource.RLIM_INFINITY))
try:
    file.write("second\\n")
except OSError as error:
    print(type(error).__name__)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
file.write("third\\n")
"""

    done = run_child(script, str(tmp_path / "log"))

    assert (done.returncode, done.stdout) == (0, b"OSError\n")
    assert (tmp_path / "log").read_text() == "first\nsec\nthird\n"

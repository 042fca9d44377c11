"""Files are read whole and replaced at once, whoever else is at work on them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from symphony.documents.atomic import (
    ChangedMeanwhileError,
    LockTimeoutError,
    NotAWholeFileError,
    WriteAbandonedError,
    locked_directory,
    read_whole,
    replace_file,
)

LIMIT = 1000
DEADLINE_SECONDS = 20

HOLD_THE_LOCK = """
import sys
from symphony.documents.atomic import locked_directory
with locked_directory(sys.argv[1], timeout_seconds=10):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "issue.md"
    path.write_bytes(b"old")
    return path


def test_a_replaced_file_has_the_new_content_and_the_old_mode(file: Path) -> None:
    file.chmod(0o640)
    data, version = read_whole(str(file), maximum_bytes=LIMIT)
    replace_file(str(file), data + b" and new", expected=version)
    assert file.read_bytes() == b"old and new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [each.name for each in file.parent.iterdir()] == ["issue.md"]


def test_a_reader_that_has_the_file_open_keeps_the_whole_old_content(file: Path) -> None:
    with file.open("rb") as reader:
        _, version = read_whole(str(file), maximum_bytes=LIMIT)
        replace_file(str(file), b"n" * 100, expected=version)
        assert reader.read() == b"old"


def test_what_somebody_else_wrote_is_not_overwritten(file: Path) -> None:
    _, version = read_whole(str(file), maximum_bytes=LIMIT)
    file.write_bytes(b"someone else's")
    with pytest.raises(ChangedMeanwhileError):
        replace_file(str(file), b"mine", expected=version)
    assert file.read_bytes() == b"someone else's"
    assert [each.name for each in file.parent.iterdir()] == ["issue.md"]


def test_a_change_that_is_no_longer_wanted_is_not_made(file: Path) -> None:
    _, version = read_whole(str(file), maximum_bytes=LIMIT)
    with pytest.raises(WriteAbandonedError):
        replace_file(str(file), b"late", expected=version, may_replace=lambda: False)
    assert file.read_bytes() == b"old"
    assert [each.name for each in file.parent.iterdir()] == ["issue.md"]


def test_a_file_that_is_gone_is_not_created_again(file: Path) -> None:
    _, version = read_whole(str(file), maximum_bytes=LIMIT)
    file.unlink()
    with pytest.raises(FileNotFoundError):
        replace_file(str(file), b"mine", expected=version)
    assert list(file.parent.iterdir()) == []


def test_a_symbolic_link_is_not_followed(file: Path) -> None:
    link = file.with_name("link.md")
    link.symlink_to(file)
    with pytest.raises(NotAWholeFileError) as caught:
        read_whole(str(link), maximum_bytes=LIMIT)
    assert caught.value.reason == "symbolic_link"


@pytest.mark.parametrize("kind", ["directory", "pipe"])
def test_what_is_not_a_file_is_refused_without_waiting(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "thing.md"
    if kind == "directory":
        path.mkdir()
    else:
        os.mkfifo(path)
    with pytest.raises(NotAWholeFileError) as caught:
        read_whole(str(path), maximum_bytes=LIMIT)
    assert caught.value.reason == "not_a_file"


def test_a_file_beyond_the_limit_is_refused(file: Path) -> None:
    file.write_bytes(b"x" * (LIMIT + 1))
    with pytest.raises(NotAWholeFileError) as caught:
        read_whole(str(file), maximum_bytes=LIMIT)
    assert caught.value.reason == "too_large"
    file.write_bytes(b"x" * LIMIT)
    assert len(read_whole(str(file), maximum_bytes=LIMIT)[0]) == LIMIT


def test_one_thread_at_a_time_holds_the_lock(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        with locked_directory(str(tmp_path), timeout_seconds=DEADLINE_SECONDS):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    assert most == [1] * 8


def test_the_lock_holds_against_other_processes_and_ends_with_them(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "locked\n"
        with (
            pytest.raises(LockTimeoutError),
            locked_directory(str(tmp_path), timeout_seconds=0.05),
        ):
            pass
        child.kill()
        child.wait(DEADLINE_SECONDS)
    with locked_directory(str(tmp_path), timeout_seconds=DEADLINE_SECONDS):
        pass

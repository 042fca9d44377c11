"""One daemon per workspace root."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from symphony.domain.problems import ProblemError
from symphony.processes.lock import RootLock, find_holders
from tests.support.process_children import python

HOLDER = """
import sys
from symphony.processes.lock import RootLock
lock = RootLock.acquire(sys.argv[1])
print("locked", flush=True)
sys.stdin.read()
"""
TOP = Path(__file__).parents[3]


@contextmanager
def holder_of(root: Path) -> Generator[subprocess.Popen[bytes]]:
    """Another process that holds the lock."""
    with subprocess.Popen(
        python(HOLDER, str(root)), cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"locked\n"
            yield process
        finally:
            process.kill()


def test_a_second_daemon_is_refused_and_told_who_holds_the_root(tmp_path: Path) -> None:
    with holder_of(tmp_path) as holder:
        with pytest.raises(ProblemError) as refused:
            RootLock.acquire(str(tmp_path))
        assert find_holders(str(tmp_path)) == (holder.pid,)

    problem = refused.value.problems[0]
    assert problem.code == "workspace_root_in_use"
    assert problem.key == "workspace.root"
    assert f"process {holder.pid} (" in problem.message
    assert "python" in problem.message
    assert str(tmp_path) in problem.message
    assert problem.remedy


def test_the_lock_ends_with_its_holder_even_by_sigkill(tmp_path: Path) -> None:
    with holder_of(tmp_path) as holder:
        holder.kill()
        holder.wait()
        RootLock.acquire(str(tmp_path)).release()


def test_a_released_root_can_be_locked_again_and_nothing_is_left_behind(tmp_path: Path) -> None:
    lock = RootLock.acquire(str(tmp_path))
    with pytest.raises(ProblemError, match=f"process {os.getpid()}"):
        RootLock.acquire(str(tmp_path))
    lock.release()
    lock.release()
    RootLock.acquire(str(tmp_path)).release()
    assert list(tmp_path.iterdir()) == []
    assert find_holders(str(tmp_path)) == ()


def test_a_child_does_not_inherit_the_lock(tmp_path: Path) -> None:
    lock = RootLock.acquire(str(tmp_path))
    with subprocess.Popen(python("input()"), stdin=subprocess.PIPE, close_fds=False) as child:
        lock.release()
        RootLock.acquire(str(tmp_path)).release()
        child.kill()


@pytest.mark.proves("security.root.permissions")
def test_a_missing_root_is_created_for_this_user_only(tmp_path: Path) -> None:
    root = tmp_path / "some" / "where"
    lock = RootLock.acquire(str(root))
    try:
        assert stat.S_IMODE(root.stat().st_mode) == 0o700
    finally:
        lock.release()


def test_a_root_that_is_replaced_is_another_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    lock = RootLock.acquire(str(root))
    assert lock.is_current()

    root.rename(tmp_path / "moved")
    assert not lock.is_current()
    root.mkdir()
    assert not lock.is_current()

    other = RootLock.acquire(str(root))
    assert other.is_current()
    other.release()
    lock.release()
    assert not lock.is_current()


def test_a_root_that_is_a_file_is_refused_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ProblemError) as refused:
        RootLock.acquire(str(file))
    assert refused.value.code == "workspace_root_unusable"
    assert str(file) in str(refused.value)


def test_nobody_holds_a_root_that_does_not_exist(tmp_path: Path) -> None:
    assert find_holders(str(tmp_path / "missing")) == ()

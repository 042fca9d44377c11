"""The scratch directory: claimed, emptied of an earlier demo, filled; never anything else's.

A directory belongs to the demo if it carries the marker file. Only what the demo made is removed
from it, and only while no other demo holds it: the kernel releases that lock when a demo ends in
whatever way.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from symphony.demo.board import ISSUES as BOARD
from symphony.demo.git import run_git
from symphony.demo.project import FILES
from symphony.demo.workflow import ISSUES, REPOSITORY, WORKSPACES
from symphony.domain.problems import Problem, ProblemError

MARKER: Final = ".symphony-demo"
_MARKER_TEXT: Final = (
    "This directory was made by `symphony demo`, and the next demo here empties it.\n"
)
LOGS: Final = "logs"
WORKFLOW: Final = "WORKFLOW.md"
_OURS: Final = (WORKFLOW, REPOSITORY, ISSUES, WORKSPACES, LOGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The directory of one demo, by absolute path."""

    root: Path

    @property
    def workflow(self) -> Path:
        return self.root / WORKFLOW

    @property
    def repository(self) -> Path:
        return self.root / REPOSITORY

    @property
    def issues(self) -> Path:
        return self.root / ISSUES

    @property
    def workspaces(self) -> Path:
        return self.root / WORKSPACES

    @property
    def logs(self) -> Path:
        return self.root / LOGS


@contextmanager
def claimed(directory: str) -> Generator[Place]:
    """Hold the directory, empty of any earlier demo, until the block ends. Raises `ProblemError`
    where it belongs to somebody else or cannot be written."""
    root = Path(directory).absolute()
    try:
        _refuse_foreign(root)
        root.mkdir(parents=True, exist_ok=True)
        marker = os.open(
            root / MARKER, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644
        )
    except OSError as error:
        raise ProblemError(_unusable(root, error)) from None
    try:
        _lock(root, marker)
        try:
            os.pwrite(marker, _MARKER_TEXT.encode(), 0)
            _empty(root)
        except OSError as error:
            raise ProblemError(_unusable(root, error)) from None
        yield Place(root=root)
    finally:
        os.close(marker)


def fill(place: Place, workflow: str) -> None:
    """Make the repository, the board and WORKFLOW.md. Raises `ProblemError`."""
    try:
        place.repository.mkdir()
        for path, text in FILES.items():
            (place.repository / path).write_text(text, encoding="utf-8")
        place.issues.mkdir()
        for issue in BOARD:
            (place.issues / issue.file_name).write_text(issue.markdown(), encoding="utf-8")
        place.workflow.write_text(workflow, encoding="utf-8")
    except OSError as error:
        raise ProblemError(_unusable(place.root, error)) from None
    run_git(place.repository, "init", "--quiet")
    # `init --initial-branch` is newer than some gits in use.
    run_git(place.repository, "symbolic-ref", "HEAD", "refs/heads/main")
    run_git(place.repository, "add", "--all")
    run_git(place.repository, "commit", "--quiet", "--message", "Parse and show durations")


def _refuse_foreign(root: Path) -> None:
    """Raises `ProblemError` for a directory with something in it that no demo made."""
    if not os.path.lexists(root) or _is_ours(root):
        return
    if root.is_dir() and not any(root.iterdir()):
        return
    raise ProblemError(
        Problem(
            code="demo_directory_in_use",
            message=f"{root} exists and was not made by a demo, so it is left alone",
            remedy="Name a directory that does not exist: symphony demo --directory DIR",
        )
    )


def _is_ours(root: Path) -> bool:
    marker = root / MARKER
    if marker.is_symlink() or not marker.is_file():
        return False
    # An empty one: the demo was ended between two steps.
    return marker.read_text(encoding="utf-8", errors="replace") in ("", _MARKER_TEXT)


def _lock(root: Path, marker: int) -> None:
    try:
        fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ProblemError(
            Problem(
                code="demo_running",
                message=f"another demo is running in {root}",
                remedy="Let it end, or name another directory: symphony demo --directory DIR",
            )
        ) from None


def _empty(root: Path) -> None:
    for name in _OURS:
        path = root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _unusable(root: Path, error: OSError) -> Problem:
    reason = error.strerror or str(error)
    space = "Make room there" if error.errno == errno.ENOSPC else "Go where you may write"
    return Problem(
        code="demo_directory_unusable",
        message=f"{error.filename or root} cannot be made: {reason}",
        remedy=f"{space}, or name another directory: symphony demo --directory DIR",
    )

"""The directory that a run leaves its results in.

Guarantees: one run at a time uses it; what an earlier run left is gone before the next begins, and
nothing else is touched, so that a wrong path costs nobody anything. Must not: know what is kept.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Final

RECORDS: Final = "records.ndjson"
SCENARIOS: Final = "scenarios"
_LOCK: Final = ".lock"


class ResultsError(Exception):
    """The directory for the results cannot be used."""


@contextlib.contextmanager
def fresh_results(directory: Path) -> Generator[None]:
    """Make the directory, or clear it of an earlier run, and keep others away from it while the
    block lasts. Raises `ResultsError`."""
    try:
        lock = _prepare(directory)
    except OSError as error:
        raise ResultsError(
            f"results cannot be kept in {directory}: {error.strerror}; give another directory "
            "with --results"
        ) from error
    try:
        yield
    finally:
        os.close(lock)


def remove_tree(directory: Path) -> None:
    """Remove it as far as that goes, also what was made read-only."""
    for parent, names, _ in os.walk(directory):
        for name in names:
            path = os.path.join(parent, name)
            if not os.path.islink(path):
                with contextlib.suppress(OSError):
                    os.chmod(path, 0o700)
    shutil.rmtree(directory, ignore_errors=True)


def _prepare(directory: Path) -> int:
    """The descriptor of the lock."""
    directory.mkdir(parents=True, exist_ok=True)
    lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(lock, directory)
        (directory / RECORDS).unlink(missing_ok=True)
        remove_tree(directory / SCENARIOS)
        # Private: what is under test may refuse a root that others can write to.
        (directory / SCENARIOS).mkdir(mode=0o700)
    except BaseException:
        os.close(lock)
        raise
    return lock


def _take(lock: int, directory: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ResultsError(
            f"another run keeps its results in {directory}; wait for it, or give another "
            "directory with --results"
        ) from None

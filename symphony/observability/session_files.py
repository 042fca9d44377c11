"""Names and bounds of the files that hold session logs (I/O: the directory only).

`<directory>/<workspace key>/<UTC start>-run<id>.jsonl`. A log that grows too long goes on in a new
file with a later start. Only regular files with such a name are ever removed.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from symphony.domain.ids import RunId
from symphony.observability.sinks import DIRECTORY_MODE, FILE_MODE

_NAME = re.compile(r"\d{8}T\d{6}\.\d{3}Z-run\d+\.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLogLimits:
    """How much is kept. Files in use are never removed, so that they come on top."""

    # A long session of some hours; an editor still opens it.
    file_bytes: int = 32 * 1024 * 1024
    # The last attempts are what one looks at; an issue that fails all night makes hundreds.
    files_per_issue: int = 20
    # Finished issues are of interest for a while. Bounds the number of directories.
    issues: int = 500
    # All session logs together.
    total_bytes: int = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _File:
    """Sorts from the oldest to the newest: the name begins with the time."""

    name: str
    path: str
    size: int


def file_name(start: datetime, run_id: RunId) -> str:
    """`20261121T030000.123Z-run7.jsonl`."""
    utc = start.astimezone(UTC)
    return f"{utc:%Y%m%dT%H%M%S}.{utc.microsecond // 1000:03d}Z-run{run_id}.jsonl"


def check_key(workspace_key: str) -> None:
    """Refuse what would lead out of the directory. A workspace key never does; see ValueError."""
    if workspace_key in {"", ".", ".."} or "/" in workspace_key or "\0" in workspace_key:
        raise ValueError(f"{workspace_key!r} is not the name of a workspace directory")


def create(directory: str, workspace_key: str, start: datetime, run_id: RunId) -> tuple[str, int]:
    """Make a new file; its path and its open descriptor. Raises OSError."""
    folder = os.path.join(directory, workspace_key)
    os.makedirs(folder, mode=DIRECTORY_MODE, exist_ok=True)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    while True:
        path = os.path.join(folder, file_name(start, run_id))
        try:
            return path, os.open(path, flags, FILE_MODE)
        except FileExistsError:
            # Another start within the same millisecond.
            start += timedelta(milliseconds=1)


def prune(directory: str, limits: SessionLogLimits, in_use: Collection[str]) -> None:
    """Remove the oldest files until the limits hold. What cannot be removed is left."""
    folders = [sorted(files, key=_by_name) for files in _files_by_folder(directory)]
    kept: list[list[_File]] = []
    for files in folders:
        for file in files[: -limits.files_per_issue]:
            _remove(file, in_use)
        kept.append(files[-limits.files_per_issue :])
    kept.sort(key=lambda files: files[-1].name)
    for files in kept[: -limits.issues]:
        for file in files:
            _remove(file, in_use)
    remaining = sorted((file for files in kept[-limits.issues :] for file in files), key=_by_name)
    total = sum(file.size for file in remaining)
    for file in remaining:
        if total <= limits.total_bytes:
            return
        if _remove(file, in_use):
            total -= file.size


def _by_name(file: _File) -> str:
    return file.name


def _files_by_folder(directory: str) -> Iterator[list[_File]]:
    """The session logs of each issue that has any."""
    for folder in _entries(directory):
        if folder.is_dir(follow_symlinks=False):
            files = [
                _File(entry.name, entry.path, entry.stat(follow_symlinks=False).st_size)
                for entry in _entries(folder.path)
                if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
            ]
            if files:
                yield files


def _entries(directory: str) -> list[os.DirEntry[str]]:
    with os.scandir(directory) as entries:
        return list(entries)


def _remove(file: _File, in_use: Collection[str]) -> bool:
    if file.path in in_use:
        return False
    with contextlib.suppress(OSError):
        os.unlink(file.path)
        # Only an empty directory goes.
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(file.path))
        return True
    return False

"""Notices within a second that a WORKFLOW.md may have changed (`reload.detect.change`).

The directory is watched, not the file, because editors replace files by rename. Beside that the
file's identity is looked at twice a second: this is what notices a link that now leads elsewhere, a
directory that was replaced, and file systems that report nothing. It decides nothing: whoever is
called reads the file and compares.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, TypeAlias

import anyio

if TYPE_CHECKING:
    from watchfiles import Change

LOOK_INTERVAL_MS: Final = 500
"""How often the file is looked at without an event. With it a change is noticed within a second."""

SETTLE_MS: Final = 50
"""How long a directory must be quiet before a change is reported: editors write in steps."""

SETTLE_AT_MOST_MS: Final = 300
"""For how long a directory that is never quiet may delay a report."""

_Identity: TypeAlias = tuple[int, ...] | None
_Changes: TypeAlias = "AsyncGenerator[set[tuple[Change, str]]]"


async def watch_workflow(
    path: str | os.PathLike[str], on_change: Callable[[], Awaitable[None]]
) -> None:
    """Call `on_change` once at the start, since the file may have changed after it was read, and
    then after every change, until cancelled. Survives that the file or its directory is gone for a
    time. What `on_change` raises ends the watch."""
    location = _absolute(path)
    seen = file_identity(location)
    await on_change()
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_stop_when_cancelled, stop)
        while True:
            directory = os.path.dirname(location)
            watched = _directory_identity(directory)
            if not _can_start_threads():
                await anyio.sleep(LOOK_INTERVAL_MS / 1000)
                seen = await _look(location, seen, on_change)
                continue
            async with aclosing(_changes(directory, stop)) as changes:
                while await _next(changes) and _directory_identity(directory) == watched:
                    seen = await _look(location, seen, on_change)
            seen = await _look(location, seen, on_change)


def _can_start_threads() -> bool:
    """Asked first, because the library ends the whole process where it is refused its thread."""
    probe = threading.Thread(target=_nothing)
    try:
        probe.start()
    except RuntimeError:
        return False
    probe.join()
    return True


def _nothing() -> None:
    """What the probe does."""


async def _look(
    location: str, seen: _Identity, on_change: Callable[[], Awaitable[None]]
) -> _Identity:
    if (now := file_identity(location)) != seen:
        await on_change()
    return now


def _changes(directory: str, stop: anyio.Event) -> _Changes:
    """Something at every event in the directory, and something while there is none."""
    # Late, because the start of the daemon does not wait for it. The library's types name one of
    # trio's, which is not installed.
    from watchfiles import awatch  # pyright: ignore[reportUnknownVariableType]

    return awatch(
        directory,
        watch_filter=None,
        debounce=SETTLE_AT_MOST_MS,
        step=SETTLE_MS,
        rust_timeout=LOOK_INTERVAL_MS,
        yield_on_timeout=True,
        recursive=False,
        stop_event=stop,
    )


async def _next(changes: _Changes) -> bool:
    """Wait for the next item. False where the directory cannot be watched, after a pause."""
    try:
        await anext(changes)
    # The library raises a RuntimeError where the system has no watches left.
    except (OSError, RuntimeError, StopAsyncIteration):
        await anyio.sleep(LOOK_INTERVAL_MS / 1000)
        return False
    return True


async def _stop_when_cancelled(stop: anyio.Event) -> None:
    """The thread that waits for events cannot be cancelled; it looks at this event instead."""
    try:
        await anyio.sleep_forever()
    finally:
        stop.set()


def _absolute(path: str | os.PathLike[str]) -> str:
    return os.path.abspath(path)


def file_identity(path: str) -> _Identity:
    """What tells one content of a file from the next without reading it; None where there is no
    file. Links are followed."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _directory_identity(path: str) -> _Identity:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino)

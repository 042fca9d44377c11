"""Count and end processes by a unique word in their environment or command line.

Independent of the code under test: it reads the process table by itself.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from collections.abc import Callable, Generator
from pathlib import Path

import anyio

PATIENCE_S = 60.0
"""Bound of every wait; the machine may be busy with other tests."""


def new_token() -> str:
    """A word that no other process knows."""
    return f"token-{secrets.token_hex(8)}"


def pids_with(token: str) -> list[int]:
    """Every living process, this one apart, whose environment or command line has the word."""
    wanted = token.encode()
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal()
        and int(entry.name) != os.getpid()
        and any(wanted in _content(entry / name) for name in ("environ", "cmdline"))
    ]


def runs(pid: int) -> bool:
    """Whether the pid is a process that is no zombie."""
    text = _content(Path(f"/proc/{pid}/stat"))
    return bool(text) and text[text.rindex(b")") + 2 :][:1] not in {b"Z", b"X"}


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Block until the condition holds; fail with `what` after `PATIENCE_S`."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


async def until_exists(path: Path, *, with_content: bool = False) -> None:
    """Wait for a file that a process makes, and for something in it."""
    with anyio.fail_after(PATIENCE_S):
        while not _exists(path, with_content=with_content):  # noqa: ASYNC110 - files announce nothing
            await anyio.sleep(0.01)


def _exists(path: Path, *, with_content: bool) -> bool:
    return path.exists() and (path.stat().st_size > 0 or not with_content)


def end_all_with(token: str) -> None:
    """Last resort of every test, whatever happened before."""
    for _ in range(100):
        pids = pids_with(token)
        if not pids:
            return
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


@contextlib.contextmanager
def fresh_token() -> Generator[str]:
    """A word, and at the end nothing that carries it."""
    token = new_token()
    try:
        yield token
    finally:
        end_all_with(token)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""

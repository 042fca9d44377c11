"""Finds processes by a word of their command line.

Guarantees: whoever inherited the word, however far it forked away, is found. Must not: end
anything.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")


def processes_with(word: str) -> Iterator[int]:
    """The pids of living processes that have `word` among their arguments."""
    for pid, arguments in _command_lines():
        if word in arguments and pid != os.getpid():
            yield pid


def _command_lines() -> Iterator[tuple[int, list[str]]]:
    if (_PROC / "self" / "cmdline").exists():
        yield from _from_proc()
        return
    listed = subprocess.run(
        ("ps", "-A", "-o", "pid=,args="), capture_output=True, text=True, check=True
    )
    for line in listed.stdout.splitlines():
        pid, _, arguments = line.strip().partition(" ")
        yield int(pid), arguments.split()


def _from_proc() -> Iterator[tuple[int, list[str]]]:
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            data = (entry / "cmdline").read_bytes()
        except OSError:
            # It ended meanwhile, or belongs to somebody else.
            continue
        yield int(entry.name), data.decode("utf-8", "replace").split("\0")

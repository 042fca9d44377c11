"""Who runs, and who started whom.

Guarantees: a process that ended meanwhile is absent; zombies are never listed. Linux has it all in
`/proc`; elsewhere `ps` is asked. Must not: signal anybody. Standard library only: the supervisor
uses it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

PROCESS_TABLE_EXISTS: Final = os.path.exists("/proc/self/stat")
_COMMAND_BYTES: Final = 300
"""Enough of a command line to recognise a program in a message."""
_PS: Final = ("ps", "-axo", "pid=,ppid=,pgid=,state=")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEntry:
    """One living process."""

    pid: int
    parent: int
    group: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRecord:
    """What is left to say of a process. `command` is the start of its command line."""

    pid: int
    command: str
    directory: str

    def __str__(self) -> str:
        return f"{self.pid} {self.command or '(no command line)'}"


def process_table() -> Mapping[int, ProcessEntry]:
    """Every living process that can be seen, by pid."""
    rows = _rows_of_proc() if PROCESS_TABLE_EXISTS else _rows_of_ps()
    return {
        pid: ProcessEntry(pid=pid, parent=parent, group=group)
        for pid, parent, group, state in rows
        if state[:1] not in {"Z", "X"}
    }


def descendants(
    table: Mapping[int, ProcessEntry], root: int, *, groups: Iterable[int] = ()
) -> frozenset[int]:
    """The pids below `root`, itself apart; where orphans cannot be traced, also the members of
    `groups` and what is below them."""
    children: dict[int, list[int]] = {}
    for entry in table.values():
        children.setdefault(entry.parent, []).append(entry.pid)
    wanted = frozenset(groups)
    waiting = children.get(root, [])[:]
    waiting += [entry.pid for entry in table.values() if entry.group in wanted]
    found: set[int] = set()
    while waiting:
        pid = waiting.pop()
        if pid not in found and pid != root:
            found.add(pid)
            waiting.extend(children.get(pid, ()))
    return frozenset(found)


def carriers(token: str) -> frozenset[int]:
    """The pids of living processes, this one apart, that have `token` in their environment.

    Linux only; empty elsewhere.
    """
    wanted = token.encode()
    return frozenset(
        pid
        for pid in process_table()
        if pid != os.getpid() and wanted in _read(f"/proc/{pid}/environ")
    )


def record(pid: int) -> ProcessRecord:
    """What can be said of a process now; empty texts where nothing can."""
    words = _read(f"/proc/{pid}/cmdline")[:_COMMAND_BYTES].split(b"\0")
    directory = ""
    with contextlib.suppress(OSError):
        directory = os.readlink(f"/proc/{pid}/cwd")
    command = " ".join(word.decode(errors="replace") for word in words if word)
    return ProcessRecord(pid=pid, command=command, directory=directory)


_Row = tuple[int, int, int, str]


def _rows_of_proc() -> Sequence[_Row]:
    with os.scandir("/proc") as entries:
        pids = [int(entry.name) for entry in entries if entry.name.isdecimal()]
    rows: list[_Row] = []
    for pid in pids:
        text = _read(f"/proc/{pid}/stat").decode(errors="replace")
        # The name of the program stands in parentheses and may hold some itself.
        state, parent, group = (*text.rpartition(")")[2].split()[:3], "", "", "")[:3]
        if parent:
            rows.append((pid, int(parent), int(group), state))
    return rows


def _rows_of_ps() -> Sequence[_Row]:
    listed = subprocess.run(_PS, capture_output=True, text=True, check=False).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [(int(row[0]), int(row[1]), int(row[2]), row[3]) for row in rows if len(row) >= 4]


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""

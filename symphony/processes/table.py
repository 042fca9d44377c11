"""Read the kernel's process table.

Answers are what was true at the moment of reading; a pid means nothing without the start time that
was read with it. Processes that vanish meanwhile are simply absent; a reading that fails for want
of descriptors raises `OSError`, since nothing may count as gone that was not looked at. Where
`/proc` does not exist, `PROCESS_TABLE_EXISTS` is False and every reading is empty. Standard library
only.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from symphony.processes.owner import OWNER_VARIABLE, OwnerMark, parse_marks

PROCESS_TABLE_EXISTS: Final = os.path.exists("/proc/self/stat")
_OWNER_ENTRY: Final = f"{OWNER_VARIABLE}=".encode()
_COMMAND_LINE_BYTES: Final = 300
"""Enough of a command line to recognise a process in a message."""
_LAST_FIELD: Final = 20
"""Of what stands in `stat` behind the name; what follows it is of no interest here."""
_PIECE_BYTES: Final = 64 * 1024
_EMPTY_LOOKS: Final = 5
_EMPTY_PAUSE_S: Final = 0.002
"""Together longer than the kernel takes to put one program in the place of another."""
_OUT_OF_RESOURCES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One process, told from every later one with the same pid by its start time."""

    pid: int
    started_at_ticks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEntry:
    """What the table says of one process. `alive` is False for a zombie, which only waits to be
    reaped and cannot do anything any more."""

    pid: int
    parent: int
    group: int
    session: int
    started_at_ticks: int
    alive: bool

    @property
    def member(self) -> Member:
        return Member(pid=self.pid, started_at_ticks=self.started_at_ticks)


def read_entry(pid: int, since: int = 0) -> ProcessEntry | None:
    """The entry of one process; None where there is none, or where it started before `since`."""
    text = _read(f"/proc/{pid}/stat")
    if not text:
        return None
    # The name in parentheses may hold blanks and parentheses of its own.
    fields = text[text.rindex(b")") + 2 :].split(maxsplit=_LAST_FIELD)
    if int(fields[19]) < since:
        return None
    state, parent, group, session, threads, start = (fields[n] for n in (0, 1, 2, 3, 17, 19))
    # A leader whose main thread has ended looks like a zombie while its other threads go on.
    gone = state in {b"Z", b"X"} and int(threads) <= 1
    return ProcessEntry(
        pid=pid,
        parent=int(parent),
        group=int(group),
        session=int(session),
        started_at_ticks=int(start),
        alive=not gone,
    )


def process_table(since: int = 0) -> dict[int, ProcessEntry]:
    """Every process that can be seen and did not start before `since`, in clock ticks, by pid."""
    entries = (read_entry(pid, since) for pid in _pids())
    return {entry.pid: entry for entry in entries if entry is not None}


def read_marks(pid: int) -> tuple[OwnerMark, ...]:
    """The owner marks in the environment that a process was started with."""
    environment = _environment(pid)
    if _OWNER_ENTRY not in environment:
        return ()
    values = (
        entry.removeprefix(_OWNER_ENTRY)
        for entry in environment.split(b"\0")
        if entry.startswith(_OWNER_ENTRY)
    )
    return tuple(mark for value in values for mark in parse_marks(value.decode(errors="replace")))


def _environment(pid: int) -> bytes:
    """What a process was started with, also where it is in the middle of `execve`: for that moment
    it shows neither environment nor arguments."""
    for _ in range(_EMPTY_LOOKS):
        environment = _read(f"/proc/{pid}/environ")
        if environment or not _runs_a_program(pid):
            return environment
        if not _read(f"/proc/{pid}/cmdline"):
            time.sleep(_EMPTY_PAUSE_S)
    return b""


def _runs_a_program(pid: int) -> bool:
    """Not so a zombie and a thread of the kernel; nor, for us, what is another user's."""
    try:
        os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return False
    return True


def command_line(pid: int) -> str:
    """The start of the command line for people, or an empty text where it cannot be read."""
    words = _read(f"/proc/{pid}/cmdline")[:_COMMAND_LINE_BYTES].split(b"\0")
    return " ".join(word.decode(errors="replace") for word in words if word)


def is_alive(member: Member) -> bool:
    """Whether this very process still runs."""
    entry = read_entry(member.pid)
    return entry is not None and entry.alive and entry.member == member


def start_ticks(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 where it cannot be told."""
    entry = read_entry(pid)
    return 0 if entry is None else entry.started_at_ticks


def _pids() -> Iterator[int]:
    if not PROCESS_TABLE_EXISTS:
        return
    with os.scandir("/proc") as entries:
        yield from (int(entry.name) for entry in entries if entry.name.isdecimal())


def _read(path: str) -> bytes:
    """The whole of a file of the table; empty where it is gone or not ours to read.

    Raises `OSError` where this process cannot read anything now: that says nothing about others.
    """
    try:
        # Without a file object, which would take several times as long as the reading.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as problem:
        return _nothing(problem)
    try:
        pieces: list[bytes] = []
        while piece := os.read(descriptor, _PIECE_BYTES):
            pieces.append(piece)
        return b"".join(pieces)
    except OSError as problem:
        return _nothing(problem)
    finally:
        os.close(descriptor)


def _nothing(problem: OSError) -> bytes:
    if problem.errno in _OUT_OF_RESOURCES:
        raise problem
    return b""

"""Stands between the suite and one life of a target, so that nothing of it can get away.

A program of its own: `main` reads one line with what to start, and then orders. On Linux it is the
reaper of orphans, so that whatever the target starts stays below it, also in sessions of its own.
When the suite goes away, in whatever way, its input ends, and it ends everything below it.
Standard library only, and nothing of the suite but the process table.

Orders, a line each: `signal N` (to the target alone), `end` (everything, then itself).
Reports, a line of JSON each: `{"started": PID}`, `{"failed": TEXT}`, `{"exited": CODE}`,
`{"ended": true}`, or `{"ended": false}` where something outlived SIGKILL.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

from conformance.target.table import PROCESS_TABLE_EXISTS, descendants, process_table

END_LIMIT_S: Final = 10.0
"""How long ending everything may take; only a process stuck in the kernel needs more."""
_LOOK_AGAIN_S: Final = 0.01
_PR_SET_CHILD_SUBREAPER: Final = 36
_CHUNK: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to start: a program with its arguments, where, and its whole environment."""

    arguments: Sequence[str]
    directory: str
    environment: Mapping[str, str]

    def line(self) -> bytes:
        """The form in which the supervisor reads it."""
        members = [list(self.arguments), self.directory, dict(self.environment)]
        return json.dumps(members).encode() + b"\n"


def main(status: int) -> None:
    """Serve standard input until it ends. Reports go to the descriptor `status`."""
    os.set_inheritable(status, False)
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    # Handled rather than ignored: what is ignored here would be ignored by the target too.
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _notice)
    _become_reaper()
    supervisor = _Supervisor(status)
    if supervisor.start():
        supervisor.serve(woken)
    supervisor.end()


class _Prctl(Protocol):
    def __call__(self, option: int, value: int, *rest: int) -> int: ...


def _become_reaper() -> None:
    with contextlib.suppress(OSError, AttributeError):
        prctl = cast("_Prctl", ctypes.CDLL(None).prctl)
        prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _notice(number: int, frame: object) -> None:
    """Nothing to do here: the wakeup descriptor tells the loop."""
    del number, frame


class _Supervisor:
    def __init__(self, status: int) -> None:
        self._status = status
        self._input = b""
        self._child: int | None = None
        self._leader = 0

    def start(self) -> bool:
        """Start what the first line says."""
        line = self._first_line()
        if not line:
            return False
        arguments, directory, environment = json.loads(line)
        try:
            child = subprocess.Popen(
                arguments,
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            self._report(failed=str(error))
            return False
        self._child = self._leader = child.pid
        # It is reaped together with the orphans.
        child.returncode = 0
        self._report(started=child.pid)
        # The other end of the output must end when the target's processes have.
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        return True

    def serve(self, woken: int) -> None:
        """Until the order to end, or the end of orders."""
        while True:
            # What came together with the first line is looked at before anything is waited for.
            while b"\n" in self._input:
                line, _, self._input = self._input.partition(b"\n")
                if line == b"end":
                    return
                self._signal(int(line.split()[1]))
            ready, _, _ = select.select([0, woken], [], [])
            if woken in ready:
                os.read(woken, _CHUNK)
                self._reap()
            if 0 in ready:
                data = os.read(0, _CHUNK)
                if not data:
                    return
                self._input += data

    def end(self) -> None:
        """Kill what is below until nothing is."""
        deadline = time.monotonic() + END_LIMIT_S
        while True:
            self._reap()
            left = self._below()
            if not left or time.monotonic() > deadline:
                break
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_LOOK_AGAIN_S)
        self._reap()
        self._report(ended=not left)

    def _first_line(self) -> bytes:
        while b"\n" not in self._input:
            data = os.read(0, _CHUNK)
            if not data:
                return b""
            self._input += data
        line, _, self._input = self._input.partition(b"\n")
        return line

    def _below(self) -> frozenset[int]:
        groups = () if PROCESS_TABLE_EXISTS or not self._leader else (self._leader,)
        below = descendants(process_table(), os.getpid(), groups=groups)
        return below - {os.getpid()}

    def _signal(self, number: int) -> None:
        # Not reaped yet, so that the pid is still the target's.
        if self._child is not None:
            os.kill(self._child, number)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._child:
                    self._child = None
                    self._report(exited=os.waitstatus_to_exitcode(ended[1]))

    def _report(self, **members: object) -> None:
        # Nobody listens any more when the suite has died; the work goes on.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._status, json.dumps(members).encode() + b"\n")

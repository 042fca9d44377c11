"""One life of a target: its supervisor, and the threads that read what comes from both.

Guarantees: nothing here blocks an event loop for long; `end` leaves no process. Must not: judge
how a life ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Final

from conformance.fakes.json_values import as_object
from conformance.target.output import Output, OutputStream
from conformance.target.supervisor import END_LIMIT_S, Order
from conformance.target.table import descendants, process_table

_PACKAGE: Final = Path(__file__).resolve().parents[2]
_PROGRAM: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from conformance.target.supervisor import main; main(int(sys.argv[2]))"
)
_READ_S: Final = 5.0
"""How long the last output and the last reports may take after everything has ended."""


class Life:
    """A target from its start to its end. `started` is set once `pid` or `failure` is known."""

    def __init__(self, order: Order, *, output: Output, on_exit: Callable[[int], None]) -> None:
        self.pid: int | None = None
        self.failure: str | None = None
        self.exit_code: int | None = None
        self.started = threading.Event()
        self.exited = threading.Event()
        self._on_exit = on_exit
        self._ended_well: bool | None = None
        self._orders = threading.Lock()
        reports, status = os.pipe()
        try:
            self._supervisor = _start_supervisor(status)
        finally:
            os.close(status)
        self._pumps = [threading.Thread(target=work, daemon=True) for work in self._readers(output)]
        listener = threading.Thread(target=self._listen, args=(reports,), daemon=True)
        self._threads = [*self._pumps, listener]
        for thread in self._threads:
            thread.start()
        self._tell(order.line())

    @property
    def runs(self) -> bool:
        """Whether the target itself does; what it started may outlive it."""
        return self.pid is not None and self.exit_code is None

    @property
    def silent(self) -> bool:
        """Whether its output has been read to the end; what it started may hold that open."""
        return not any(thread.is_alive() for thread in self._pumps)

    def signal(self, number: int) -> None:
        """Send a signal to the target alone; nothing happens once it has ended."""
        self._tell(f"signal {number}\n".encode())

    def processes(self) -> frozenset[int]:
        """The pids of everything that lives and came from this life, the target included."""
        if self._supervisor.poll() is not None:
            return frozenset()
        return descendants(process_table(), self._supervisor.pid)

    def end(self) -> bool:
        """Kill all of it; False where something survived. Blocks for `END_LIMIT_S` at most, and a
        little for reading what is left. Idempotent."""
        self._tell(b"end\n")
        with contextlib.suppress(BrokenPipeError):
            self._input.close()
        try:
            self._supervisor.wait(END_LIMIT_S + _READ_S)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()
        for thread in self._threads:
            thread.join(_READ_S)
        return self._ended_well is not False

    @property
    def _input(self) -> IO[bytes]:
        assert self._supervisor.stdin is not None  # noqa: S101 - it was started with a pipe
        return self._supervisor.stdin

    def _tell(self, line: bytes) -> None:
        # A supervisor that is gone has nothing left to do.
        with self._orders, contextlib.suppress(BrokenPipeError, ValueError):
            self._input.write(line)
            self._input.flush()

    def _readers(self, output: Output) -> list[Callable[[], None]]:
        streams = {"stdout": self._supervisor.stdout, "stderr": self._supervisor.stderr}
        return [
            partial(_pump, pipe, output.stream(name))
            for name, pipe in streams.items()
            if pipe is not None
        ]

    def _listen(self, reports: int) -> None:
        with os.fdopen(reports, encoding="utf-8") as lines:
            for line in lines:
                self._note(json.loads(line))
        if not self.started.is_set():
            self.failure = "the supervisor of the target ended before it started anything"
            self.started.set()
        elif self.runs and self.pid is not None:
            # A target that ended its supervisor can be seen and stopped by nobody any more.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self._note({"exited": -signal.SIGKILL})

    def _note(self, report: object) -> None:
        match as_object(report):
            case {"started": int(pid)}:
                self.pid = pid
                self.started.set()
            case {"failed": str(problem)}:
                self.failure = problem
                self.started.set()
            case {"exited": int(code)}:
                self.exit_code = code
                self._on_exit(code)
                self.exited.set()
            case {"ended": bool(well)}:
                self._ended_well = well
            case _:
                pass


def _start_supervisor(status: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        (sys.executable, "-S", "-E", "-c", _PROGRAM, str(_PACKAGE), str(status)),
        cwd="/",
        env={},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        pass_fds=(status,),
        # An interrupt of the suite is no signal to a target.
        start_new_session=True,
    )


def _pump(pipe: IO[bytes], stream: OutputStream) -> None:
    with pipe:
        while data := pipe.read(65_536):
            stream.feed(data)
        stream.feed(b"")


def signal_number(name: str) -> int:
    """The number of a signal that a manifest names, such as TERM."""
    return signal.Signals[f"SIG{name}"].value

"""The places where log lines go. Each fails alone (`log.sink.survives`, `log.sink.warned`).

A sink never blocks and never raises. When its target begins to fail, that is reported once, so
that the other sinks can say so; the target is tried again now and then, and its recovery is
reported with the number of lines that are missing.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Protocol, TextIO

from symphony.observability.background import BackgroundWriter

# Some thousand lines wait while a target is slow; more would only be memory.
MAX_WAITING_CHARACTERS = 4 * 1024 * 1024

# How long a failing target is left alone before it is tried again.
RETRY_SECONDS = 5.0

# Lines may hold what an agent read in a private repository: for the owner only.
FILE_MODE = 0o600
DIRECTORY_MODE = 0o700


class LineTarget(Protocol):
    """Where complete lines are written. Both raise OSError or ValueError where they cannot."""

    def write(self, text: str) -> None: ...

    def close(self) -> None: ...


class StreamTarget:
    """An open stream, such as stderr. It is not closed: it belongs to somebody else.

    Where the stream has a descriptor, that is written to directly: the buffer of the stream has a
    lock, and a thread that hangs with it would make the interpreter abort at its end.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._descriptor: int | None = None
        # io.UnsupportedOperation, of streams in memory, is both of these.
        with contextlib.suppress(OSError, ValueError):
            self._descriptor = stream.fileno()

    def write(self, text: str) -> None:
        if self._descriptor is None:
            self._stream.write(text)
            self._stream.flush()
        else:
            write_all(self._descriptor, text.encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        return


class RotatingFile:
    """`path`, and `path.1` to `path.<keep>` as it grows; the oldest is dropped.

    Unbuffered on purpose: what a full disk refused is not kept and written twice, and a failed
    write can be followed by a good one.
    """

    def __init__(self, path: str, *, max_bytes: int, keep: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._descriptor: int | None = None
        self._size = 0

    def write(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")
        try:
            descriptor = self._opened(len(data))
            write_all(descriptor, data)
        except OSError:
            # Opened again next time: the directory may have been replaced or mounted meanwhile.
            self.close()
            raise
        self._size += len(data)

    def close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _opened(self, incoming: int) -> int:
        if self._descriptor is None:
            self._descriptor = self._open()
        if self._size and self._size + incoming > self._max_bytes:
            self.close()
            self._rotate()
            self._descriptor = self._open()
        return self._descriptor

    def _open(self) -> int:
        os.makedirs(os.path.dirname(self._path), mode=DIRECTORY_MODE, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, FILE_MODE)
        try:
            self._size = os.fstat(descriptor).st_size
            if self._size and os.pread(descriptor, 1, self._size - 1) != b"\n":
                # A write was cut short, by a full disk or a lost machine. Begin on a new line.
                write_all(descriptor, b"\n")
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def _rotate(self) -> None:
        for number in range(self._keep - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self._path}.{number}", f"{self._path}.{number + 1}")
        os.replace(self._path, f"{self._path}.1")


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it, waiting where the descriptor was made non-blocking by somebody else."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            poller = select.poll()
            poller.register(descriptor, select.POLLOUT)
            poller.poll()


# What a sink reports: the sink, the event, and its fields.
Report = Callable[["Sink", str, dict[str, object]], None]


class Sink:
    """A target with a queue and a thread of its own. `name` is what a report calls it."""

    def __init__(
        self,
        name: str,
        target: LineTarget,
        report: Report,
        *,
        waiting_limit: int = MAX_WAITING_CHARACTERS,
        retry_seconds: float = RETRY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._target = target
        self._report = report
        self._retry_seconds = retry_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._lost = 0
        self._failing = False
        self._next_try: float | None = None
        self._writer = BackgroundWriter[str](
            self._write, name=f"symphony-log-{name}", limit=waiting_limit
        )
        self._closed = False

    def put(self, line: str) -> None:
        """Queue one line, without its line end."""
        if not self._closed and not self._writer.put(f"{line}\n", len(line) + 1):
            self._missed(1, "nobody takes the lines; what does not fit into the queue is dropped")

    def flush(self, seconds: float) -> bool:
        """Wait until every line is written or given up; False where that takes longer."""
        return self._writer.flush(seconds)

    def close(self, seconds: float) -> None:
        """Write what is queued, for this long at most, and take nothing more."""
        self._closed = True
        if self._writer.close(seconds):
            self._target.close()

    def _write(self, lines: list[str]) -> None:
        if self._next_try is not None and self._clock() < self._next_try:
            self._missed(len(lines), "")
            return
        try:
            self._target.write("".join(lines))
        except (OSError, ValueError) as error:
            self._next_try = self._clock() + self._retry_seconds
            self._missed(len(lines), str(error))
        else:
            self._next_try = None
            self._recovered()

    def _missed(self, lines: int, reason: str) -> None:
        with self._lock:
            self._lost += lines
            first, self._failing = not self._failing, True
        if first:
            self._report(self, "log_sink_failed", {"sink": self.name, "reason": reason})

    def _recovered(self) -> None:
        with self._lock:
            if not self._failing:
                return
            lost, self._lost = self._lost, 0
            self._failing = False
        self._report(self, "log_sink_recovered", {"sink": self.name, "lines_lost": lost})

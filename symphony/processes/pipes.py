"""The daemon's ends of a child's pipes, non-blocking and without threads.

Nothing here waits for an end of file that a grandchild may withhold: every wait is ended by
`close`. What `drain` reads on behalf of nobody is kept, up to `KEPT_BYTES`, for a reader that comes
back, so that ending a process loses neither its last words nor memory.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import IO, Final

import anyio

KEPT_BYTES: Final = 64 * 1024
"""What is kept of output that arrived while nobody read: one full pipe."""
_CHUNK_BYTES: Final = 64 * 1024
_DRAIN_PAUSE_S: Final = 0.02
_READS_PER_LOOK: Final = 16
"""A writer may be faster than we are; other tasks get their turn after this many reads."""


class InputClosedError(Exception):
    """The child's standard input cannot take data: the child closed it, or we did."""


class _End:
    """One end of a pipe. Only its single waiter may close a descriptor that is being waited for:
    closed under it, the number could already mean another pipe when the waiter wakes up."""

    def __init__(self, pipe: IO[bytes]) -> None:
        os.set_blocking(pipe.fileno(), False)
        self._pipe = pipe
        self._waiting: anyio.CancelScope | None = None
        self.closed = False

    @property
    def descriptor(self) -> int:
        return self._pipe.fileno()

    async def ready(self, wait: Callable[[int], Awaitable[None]]) -> None:
        """Wait until the kernel or `close` says that there is something to do."""
        self._waiting = anyio.CancelScope()
        try:
            with self._waiting:
                await wait(self.descriptor)
        finally:
            self._waiting = None
            if self.closed:
                self._pipe.close()

    def close(self) -> None:
        """Idempotent."""
        if self.closed:
            return
        self.closed = True
        if self._waiting is None:
            self._pipe.close()
        else:
            self._waiting.cancel()


class InputPipe:
    """The way to a child's standard input."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._end = _End(pipe)
        self._turn = anyio.Lock()

    async def send(self, data: bytes) -> None:
        """Write all of `data`, in turn with other senders.

        Raises `InputClosedError` where the pipe is closed at either end. A send that is cancelled
        half-way closes the pipe, because the child could not tell the next message from the rest
        of this one.
        """
        async with self._turn:
            rest = memoryview(data)
            try:
                while rest:
                    rest = rest[await self._write(rest) :]
            except BrokenPipeError as problem:
                self.close()
                raise InputClosedError("the child closed its standard input") from problem
            except BaseException:
                if len(rest) < len(data):
                    self.close()
                raise

    async def _write(self, data: memoryview) -> int:
        while not self._end.closed:
            try:
                return os.write(self._end.descriptor, data)
            except BlockingIOError:
                await self._end.ready(anyio.wait_writable)
        raise InputClosedError("the standard input of the child is closed already")

    def close(self) -> None:
        """Let the child see the end of its input. Idempotent; a waiting sender gets an error."""
        self._end.close()


class OutputPipe:
    """The way from a child's standard output or error."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._end = _End(pipe)
        self._turn = anyio.Lock()
        self._kept = bytearray()
        self._ended = False

    async def receive(self, max_bytes: int = _CHUNK_BYTES) -> bytes:
        """The next bytes, at least one and at most `max_bytes`; empty at the end.

        The end is reached when every writer has gone, or when the process was stopped.
        """
        async with self._turn:
            while not self._kept:
                data = self._read(max_bytes)
                if data is not None:
                    return data
                await self._end.ready(anyio.wait_readable)
            data = bytes(self._kept[:max_bytes])
            del self._kept[:max_bytes]
            return data

    async def drain(self) -> None:
        """Read for as long as nobody else does, until the end or until cancelled.

        A reader that waits keeps its turn: what it receives is not taken from it.
        """
        while not self._ended:
            if not self._turn.locked():
                self._keep_what_is_there()
            await anyio.sleep(_DRAIN_PAUSE_S)

    def close(self) -> None:
        """Keep what is left in the pipe for a late reader, then end. Idempotent."""
        if not self._end.closed:
            self._keep_what_is_there()
            self._ended = True
            self._end.close()

    def _keep_what_is_there(self) -> None:
        for _ in range(_READS_PER_LOOK):
            data = self._read(_CHUNK_BYTES)
            if not data:
                return
            self._kept += data
            del self._kept[:-KEPT_BYTES]

    def _read(self, max_bytes: int) -> bytes | None:
        """What is there now; empty at the end, None where nothing is there yet."""
        if self._ended:
            return b""
        try:
            data = os.read(self._end.descriptor, max_bytes)
        except BlockingIOError:
            return None
        self._ended = not data
        return data

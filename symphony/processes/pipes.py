"""The daemon's ends of a child's pipes, non-blocking and without threads.

Nothing here waits for an end of file that a grandchild may withhold: every wait is ended by
`close`. What `drain` reads on behalf of nobody is kept, up to `KEPT_BYTES`, for a reader that comes
back, so that ending a process loses neither its last words nor memory.
"""

from __future__ import annotations

import asyncio
import os
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


class InputPipe:
    """The way to a child's standard input."""

    def __init__(self, pipe: IO[bytes]) -> None:
        os.set_blocking(pipe.fileno(), False)
        self._pipe = pipe
        self._closed = False
        self._waiting: anyio.CancelScope | None = None
        self._turn = anyio.Lock(fast_acquire=True)

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
        while not self._closed:
            try:
                return os.write(self._pipe.fileno(), data)
            except BlockingIOError:
                await self._room()
        raise InputClosedError("the standard input of the child is closed already")

    async def _room(self) -> None:
        """Wait until the kernel or `close` says that there is something to do."""
        self._waiting = anyio.CancelScope()
        try:
            with self._waiting:
                await anyio.wait_writable(self._pipe.fileno())
        finally:
            self._waiting = None
            if self._closed:
                self._pipe.close()

    def close(self) -> None:
        """Let the child see the end of its input. Idempotent; a waiting sender gets an error."""
        if self._closed:
            return
        self._closed = True
        # Only the waiter may close a descriptor that is being waited for: closed under it, the
        # number could already mean another pipe when it wakes up.
        if self._waiting is None:
            self._pipe.close()
        else:
            self._waiting.cancel()


class OutputPipe:
    """The way from a child's standard output or error.

    The descriptor stays registered with the event loop from one `receive` to the next: registering
    it for each line of a talkative agent would cost more than reading the line.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        os.set_blocking(pipe.fileno(), False)
        self._pipe = pipe
        self._turn = anyio.Lock(fast_acquire=True)
        self._kept = bytearray()
        self._ended = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def receive(self, max_bytes: int = _CHUNK_BYTES) -> bytes:
        """The next bytes, at least one and at most `max_bytes`; empty at the end.

        The end is reached when every writer has gone, or when the process was stopped. Whoever
        floods us takes turns with everybody else: each call that reads waits for the event loop.
        """
        async with self._turn:
            while not self._kept and not self._ended:
                await self._wait()
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
        if not self._pipe.closed:
            self._keep_what_is_there()
            self._ended = True
            self._watch_no_more()
            self._pipe.close()
            self._wake()

    async def _wait(self) -> None:
        """Return when something was read, at the end, or after `close`."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._pipe.fileno(), self._on_readable)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _on_readable(self) -> None:
        if self._waiter is None:
            # Nobody reads: what waits in the pipe must not wake us over and over.
            self._watch_no_more()
        elif not self._waiter.done():
            # Read here, or the event loop would tell once more before the waiter has its turn.
            self._kept += self._read(_CHUNK_BYTES) or b""
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _watch_no_more(self) -> None:
        if self._loop is not None:
            self._loop.remove_reader(self._pipe.fileno())
            self._loop = None

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
            data = os.read(self._pipe.fileno(), max_bytes)
        except BlockingIOError:
            return None
        self._ended = not data
        return data

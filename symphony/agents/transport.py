"""What a session needs of the agent's process. `symphony.processes.process` satisfies it."""

from __future__ import annotations

from typing import Protocol


class Transport(Protocol):
    """A started app-server with three separate streams."""

    async def send(self, data: bytes, /) -> None:
        """Write all of it to standard input.

        Raises `OSError` or `symphony.processes.pipes.InputClosedError` where that is closed.
        """
        ...

    async def receive_stdout(self, max_bytes: int, /) -> bytes:
        """The next output, at least one byte; empty at the end."""
        ...

    async def receive_stderr(self, max_bytes: int, /) -> bytes:
        """The next of standard error; empty at the end."""
        ...

    async def wait(self) -> int:
        """Wait until the process itself has ended. Minus the signal's number where one ended it."""
        ...

    async def stop(self, *, grace_ms: int) -> object:
        """End the process and all it started. Idempotent, bounded, shielded from cancellation."""
        ...

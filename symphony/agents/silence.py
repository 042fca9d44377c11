"""How long the other side has been silent while we were listening."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType

import anyio


class SilenceClock:
    """Time since the last sound. It stands still while we are the ones who are busy: a line that
    waits behind a slow receiver of ours, or an answer that we owe, is not silence. Used as a
    context manager, it stands still for the length of the block; silence counts from its end.
    `listening` is a part of such a block in which it runs all the same."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._holders = 0

    def restart(self) -> None:
        """Something was heard, or a new wait begins."""
        self._since = time.monotonic()

    def __enter__(self) -> None:
        self._holders += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._holders -= 1
        self.restart()

    @contextmanager
    def listening(self) -> Generator[None]:
        """We wait for the other side after all, from now until the block ends."""
        self.__exit__(None, None, None)
        try:
            yield
        finally:
            self.__enter__()

    def silent_for(self) -> float:
        """Seconds."""
        return 0.0 if self._holders else time.monotonic() - self._since

    async def wait(self, event: anyio.Event, limit: float) -> bool:
        """Wait for the event; False as soon as the silence has lasted for `limit` seconds."""
        while not event.is_set():
            left = limit - self.silent_for()
            if left <= 0:
                return False
            with anyio.move_on_after(left):
                await event.wait()
        return True

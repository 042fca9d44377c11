"""The state as JSON, made once for all who ask at the same time.

A snapshot is taken between two events of the daemon; the rest, which takes the time, happens in a
thread, one at a time. Who asks while one is being made gets the next one, together with all others
who ask meanwhile: however many clients there are, the daemon pays for one rendering after another.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio
import anyio.to_thread

from symphony.domain.settings import Settings
from symphony.http.answers import ApiError, encoded, state_unavailable
from symphony.http.state import state_document
from symphony.http.view import DaemonView
from symphony.scheduler.snapshot import Snapshot


def take_snapshot(view: DaemonView) -> Snapshot:
    """The state between two events. Raises `ApiError` (503) where there is none."""
    try:
        snapshot = view.snapshot()
    except Exception as error:
        raise state_unavailable(f"it could not be read ({type(error).__name__})") from error
    if snapshot is None:
        raise state_unavailable("the daemon is still starting")
    return snapshot


@dataclass(slots=True)
class _Batch:
    done: anyio.Event = field(default_factory=anyio.Event)
    body: bytes | None = None
    error: ApiError | None = None


class StateRenderer:
    """Renders the state document for everybody."""

    def __init__(self, view: DaemonView) -> None:
        self._view = view
        self._one_at_a_time = anyio.Lock()
        self._next: _Batch | None = None
        # Of its own: requests must not use up the threads that the daemon's own work needs.
        self._threads = anyio.CapacityLimiter(1)

    async def render(self) -> bytes:
        """The state as it is after this call began. Raises `ApiError` where there is none."""
        batch = self._next
        if batch is None:
            batch = self._next = _Batch()
            await self._fill(batch)
        else:
            await batch.done.wait()
        if batch.body is None:
            raise batch.error or state_unavailable("it was not finished")
        return batch.body

    async def _fill(self, batch: _Batch) -> None:
        try:
            async with self._one_at_a_time:
                self._next = None
                batch.body = await self._made()
        except ApiError as error:
            batch.error = error
        finally:
            # Also where the client that happened to be first is gone: the others wait for it.
            if self._next is batch:
                self._next = None
            batch.done.set()

    async def _made(self) -> bytes:
        snapshot, settings = take_snapshot(self._view), self._view.settings()
        # Read here: what counts them belongs to the event loop.
        requests_sent = self._view.requests_sent()
        try:
            return await anyio.to_thread.run_sync(
                self._encode, snapshot, settings, requests_sent, limiter=self._threads
            )
        except (ValueError, TypeError, RecursionError) as error:
            raise state_unavailable(f"it has no form in JSON ({type(error).__name__})") from error

    def _encode(self, snapshot: Snapshot, settings: Settings, requests_sent: int | None) -> bytes:
        document = state_document(
            snapshot, settings, self._view.redact, requests_sent=requests_sent
        )
        return encoded(document)

"""Tracker reads on behalf of the scheduler and of runs.

Reads by id that fall together are one request: a tick, ten runs between turns and five retries may
all ask within the same moment. Every read ends in bounded time, and an adapter's defect is a failed
read, not a failed daemon.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue
from symphony.runtime.clock import Clock
from symphony.scheduler.events import Answer, ReadFailure
from symphony.trackers.errors import TrackerError
from symphony.trackers.port import Tracker

logger = logging.getLogger(__name__)

# Adapters have time-outs of their own for each request; this one bounds a whole read of many pages.
READ_TIMEOUT_S = 120.0
# Long enough for what one tick sets off, too short for a person to notice.
GATHER_MS = 20

_UNANSWERED = ReadFailure(category="tracker_request", message="the read was given up")


@dataclass(slots=True)
class _Batch:
    ids: set[IssueId] = field(default_factory=set[IssueId])
    answered: anyio.Event = field(default_factory=anyio.Event)
    # What holds unless a read was completed: an empty answer would mean that nothing is visible.
    answer: Answer = field(default_factory=lambda: _UNANSWERED)


class TrackerReads:
    """Reads through any tracker; batches by tracker object. `begun` is set by the first read."""

    def __init__(self, clock: Clock, tasks: TaskGroup) -> None:
        self.begun = anyio.Event()
        self._clock = clock
        self._tasks = tasks
        self._open: dict[Tracker, _Batch] = {}

    async def by_states(self, tracker: Tracker, states: Collection[str]) -> Answer:
        """All issues in these states, or why there is no answer."""
        self.begun.set()
        return await _bounded("states", lambda: tracker.fetch_issues_by_states(states))

    async def by_identifiers(
        self, tracker: Tracker, identifiers: Collection[IssueIdentifier]
    ) -> Answer:
        """These issues in whatever state, as far as they are visible, or why there is no answer."""
        self.begun.set()
        return await _bounded(
            "identifiers", lambda: tracker.fetch_issues_by_identifiers(identifiers)
        )

    async def by_ids(self, tracker: Tracker, ids: Collection[IssueId]) -> Answer:
        """These issues, as far as they are visible, or why there is no answer."""
        if not ids:
            return ()
        batch = self._open.get(tracker)
        if batch is None:
            batch = self._open[tracker] = _Batch()
            self._tasks.start_soon(self._send, tracker, batch)
        batch.ids.update(ids)
        await batch.answered.wait()
        if isinstance(batch.answer, ReadFailure):
            return batch.answer
        wanted = set(ids)
        return tuple(issue for issue in batch.answer if issue.id in wanted)

    async def _send(self, tracker: Tracker, batch: _Batch) -> None:
        try:
            await self._clock.sleep_until(self._clock.now().monotonic_ms + GATHER_MS)
            del self._open[tracker]
            ids = sorted(batch.ids)
            batch.answer = await _bounded("ids", lambda: tracker.fetch_issues_by_ids(ids))
        finally:
            batch.answered.set()


async def _bounded(what: str, read: Callable[[], Awaitable[Sequence[Issue]]]) -> Answer:
    try:
        with anyio.fail_after(READ_TIMEOUT_S):
            return tuple(await read())
    except TrackerError as error:
        return ReadFailure(
            category=error.category, message=error.message, retry_after_ms=error.retry_after_ms
        )
    except TimeoutError:
        message = f"no answer within {READ_TIMEOUT_S:.0f} s"
        return ReadFailure(category="tracker_request", message=message)
    except Exception as error:
        logger.exception("tracker_read_defect", extra={"fields": {"read": what}})
        return ReadFailure(category="tracker_response", message=f"{type(error).__name__}: {error}")

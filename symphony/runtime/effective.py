"""The workflow in force, and earlier ones that something still uses.

A session keeps what it was started with: template, tracker and settings (`tool.session.bound`), and
a decision is carried out with the workflow that it was made with, also if a later one was accepted
meanwhile. So the scheduler counts as a user too, until it says that it has moved on. A tracker is
closed when its last user is gone. The secrets of every tracker are remembered: what one of them
must not tell a child, no child of this daemon is told.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio

from symphony.documents.references import referenced_names
from symphony.domain.settings import Settings
from symphony.trackers.port import CountsRequests, Tracker
from symphony.workflow.template import PromptTemplate

logger = logging.getLogger(__name__)

# Closing connections is a courtesy to the provider and takes milliseconds.
CLOSE_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveWorkflow:
    """One accepted WORKFLOW.md, ready for use."""

    settings: Settings
    template: PromptTemplate
    tracker: Tracker


@dataclass(slots=True)
class _Kept:
    workflow: EffectiveWorkflow
    users: int = 0


class WorkflowShelf:
    """Workflows with their users counted.

    Settings stand for their workflow by identity: an edit that is undone gives equal settings, and
    another tracker. `first` and what is `put` are used by the scheduler until `drop`.
    """

    def __init__(self, first: EffectiveWorkflow) -> None:
        self._kept: dict[int, _Kept] = {}
        self._names: frozenset[str] = frozenset()
        self._values: frozenset[str] = frozenset()
        self._sent_by_closed: int | None = None
        self._current = first
        self.put(first)

    @property
    def current(self) -> EffectiveWorkflow:
        """The one that was accepted last; the scheduler may not have heard of it yet."""
        return self._current

    @property
    def secret_names(self) -> frozenset[str]:
        """Of the environment variables that this daemon took a secret from."""
        return self._names

    @property
    def secret_values(self) -> frozenset[str]:
        """The secrets of every tracker of this daemon."""
        return self._values

    @property
    def requests_sent(self) -> int | None:
        """What every tracker of this daemon has asked of its provider so far; never shrinks. None
        while no tracker has counted."""
        counted = [_requests_of(tracker) for tracker in self._trackers()]
        known = [count for count in (*counted, self._sent_by_closed) if count is not None]
        return sum(known) if known else None

    def put(self, workflow: EffectiveWorkflow) -> None:
        """Accept this workflow. The scheduler is told next, and drops the one before it then."""
        self._current = workflow
        self._names |= frozenset(workflow.tracker.secret_environment_names())
        # The token of the HTTP interface is as much of a secret, also for a login profile.
        self._names |= referenced_names(workflow.settings.server_token)
        self._values |= frozenset(workflow.tracker.secret_values())
        self._kept.setdefault(id(workflow.settings), _Kept(workflow)).users += 1

    def take(self, settings: Settings) -> EffectiveWorkflow:
        """The workflow of these settings, kept until `drop`. LookupError: it is gone already."""
        kept = self._kept.get(id(settings))
        if kept is None:
            raise LookupError(f"the workflow of revision {settings.revision} is not kept any more")
        kept.users += 1
        return kept.workflow

    async def drop(self, settings: Settings) -> None:
        """One user less; the last one closes the tracker, unless another workflow has it too."""
        kept = self._kept[id(settings)]
        kept.users -= 1
        if kept.users == 0:
            del self._kept[id(settings)]
            tracker = kept.workflow.tracker
            if not any(tracker is other.workflow.tracker for other in self._kept.values()):
                self._remember_requests(tracker)
                await close_tracker(tracker)

    @asynccontextmanager
    async def borrow(self, settings: Settings) -> AsyncGenerator[EffectiveWorkflow]:
        """The workflow of these settings, kept until the block ends."""
        workflow = self.take(settings)
        try:
            yield workflow
        finally:
            await self.drop(settings)

    async def close(self) -> None:
        """Close every tracker; the daemon is at its end."""
        trackers = self._trackers()
        self._kept.clear()
        for tracker in trackers:
            self._remember_requests(tracker)
            await close_tracker(tracker)

    def _trackers(self) -> Collection[Tracker]:
        """Each that is in use, once."""
        trackers = (kept.workflow.tracker for kept in self._kept.values())
        return {id(tracker): tracker for tracker in trackers}.values()

    def _remember_requests(self, tracker: Tracker) -> None:
        count = _requests_of(tracker)
        if count is not None:
            self._sent_by_closed = (self._sent_by_closed or 0) + count


def _requests_of(tracker: Tracker) -> int | None:
    return tracker.requests_sent if isinstance(tracker, CountsRequests) else None


async def close_tracker(tracker: Tracker) -> None:
    """Close it. What goes wrong is logged and costs nobody anything."""
    try:
        with anyio.CancelScope(shield=True), anyio.fail_after(CLOSE_TIMEOUT_S):
            await tracker.aclose()
    except Exception:
        logger.exception("tracker_close_failed")

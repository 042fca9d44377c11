"""The workflow in force, and earlier ones that live sessions still use.

A session keeps what it was started with: template, tracker and settings (`tool.session.bound`). A
tracker of an earlier workflow is closed when its last user is gone.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio

from symphony.domain.settings import Settings
from symphony.trackers.port import Tracker
from symphony.workflow.template import PromptTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveWorkflow:
    """One accepted WORKFLOW.md, ready for use."""

    settings: Settings
    template: PromptTemplate
    tracker: Tracker


class WorkflowShelf:
    """Workflows by revision, with their users counted."""

    def __init__(self, first: EffectiveWorkflow) -> None:
        self._current = first
        self._kept: dict[str, EffectiveWorkflow] = {first.settings.revision: first}
        self._users: dict[str, int] = {}

    @property
    def current(self) -> EffectiveWorkflow:
        return self._current

    def put(self, workflow: EffectiveWorkflow) -> None:
        """Make this the workflow in force."""
        self._current = workflow
        self._kept[workflow.settings.revision] = workflow

    @asynccontextmanager
    async def borrow(self, settings: Settings) -> AsyncGenerator[EffectiveWorkflow]:
        """The workflow of these settings, kept until the block ends."""
        revision = settings.revision
        workflow = self._kept.get(revision, self._current)
        self._users[revision] = self._users.get(revision, 0) + 1
        try:
            yield workflow
        finally:
            self._users[revision] -= 1
            if self._users[revision] == 0:
                del self._users[revision]
                await self.close_unused()

    async def close_unused(self) -> None:
        """Drop earlier workflows that nobody uses; close trackers that no workflow uses."""
        gone = [
            workflow
            for revision, workflow in self._kept.items()
            if workflow is not self._current and revision not in self._users
        ]
        for workflow in gone:
            del self._kept[workflow.settings.revision]
        in_use = [workflow.tracker for workflow in self._kept.values()]
        with anyio.CancelScope(shield=True):
            for workflow in gone:
                if not any(workflow.tracker is tracker for tracker in in_use):
                    await workflow.tracker.aclose()

    async def close(self) -> None:
        """Close every tracker; the daemon is at its end."""
        trackers = {id(workflow.tracker): workflow.tracker for workflow in self._kept.values()}
        for tracker in trackers.values():
            await tracker.aclose()

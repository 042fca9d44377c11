"""What the interpreter needs of the outside world, small enough to have twins in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue
from symphony.domain.run import RunOutcome, RunRequest, RunUpdate
from symphony.domain.settings import Settings
from symphony.runtime.effective import EffectiveWorkflow
from symphony.scheduler.events import Event
from symphony.scheduler.moment import Moment
from symphony.scheduler.state import SchedulerState

Report = Callable[[RunUpdate], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspacesFound:
    """The workspaces under one root: `identifiers` of those whose names tell them, and whether
    there are others, whose names are too long or unusual for a directory."""

    identifiers: frozenset[IssueIdentifier]
    has_others: bool


class RunWorker(Protocol):
    """Carries out one run."""

    async def run(
        self, request: RunRequest, workflow: EffectiveWorkflow, report: Report
    ) -> RunOutcome:
        """Work on the issue to an end. Cancellation stops the run; when this returns or raises,
        every process of the run is gone."""
        ...


class WorkspaceCleaner(Protocol):
    """Removes workspaces that no run uses."""

    async def remove(self, issue: Issue, path: str | None, settings: Settings) -> str | None:
        """Remove the workspace; None, or what kept it from being removed."""
        ...

    async def on_disk(self, issues: Sequence[Issue], settings: Settings) -> tuple[Issue, ...]:
        """Those of the issues that have a workspace directory."""
        ...

    async def found_on_disk(self, settings: Settings) -> WorkspacesFound:
        """Whose workspaces there are. Raises `OSError` where the root cannot be read."""
        ...


class Governor(Protocol):
    """Narrows what a daemon does. It reads the scheduler's state, and changes nothing in it."""

    def candidates_to_read(self) -> Collection[IssueId] | None:
        """The issues that the next poll asks for; None for all that are in active states."""
        ...

    def admits(self, state: SchedulerState, event: Event, now: Moment) -> bool:
        """Whether the scheduler is to hear of this event."""
        ...

    def observe(self, state: SchedulerState, event: Event, now: Moment) -> None:
        """The scheduler has heard of it."""
        ...


class WorkflowCheck(Protocol):
    """Notices changes of WORKFLOW.md."""

    async def __call__(self) -> None:
        """Look now; post what was found before returning."""
        ...

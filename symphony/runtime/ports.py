"""What the interpreter needs of the outside world, small enough to have twins in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from symphony.domain.issue import Issue
from symphony.domain.run import RunOutcome, RunRequest, RunUpdate
from symphony.domain.settings import Settings
from symphony.runtime.effective import EffectiveWorkflow

Report = Callable[[RunUpdate], Awaitable[None]]


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

    async def any_on_disk(self, settings: Settings) -> bool:
        """Whether there is any workspace at all."""
        ...


class WorkflowCheck(Protocol):
    """Notices changes of WORKFLOW.md."""

    async def __call__(self) -> None:
        """Look now; post what was found before returning."""
        ...

"""The real runtime with everything around it in memory and time in the test's hands."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import anyio

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue
from symphony.domain.settings import (
    AgentSettings,
    PollingSettings,
    Settings,
    TrackerSettings,
    WorkspaceSettings,
)
from symphony.runtime.effective import EffectiveWorkflow, WorkflowShelf
from symphony.runtime.interpreter import Interpreter
from symphony.runtime.loop import Loop, Observer
from symphony.runtime.mailbox import Mailbox
from symphony.runtime.ports import Governor, RunWorker
from symphony.runtime.reads import TrackerReads
from symphony.runtime.timers import Timers
from symphony.scheduler.events import (
    DaemonStarted,
    Event,
    ShutdownRequested,
    WorkflowAccepted,
)
from symphony.scheduler.snapshot import Snapshot
from symphony.scheduler.state import SchedulerState
from symphony.testing import MemoryWorkspaces, ScriptedWorker, VirtualClock, settle
from symphony.trackers.memory import MemoryTracker
from symphony.workflow.template import parse_template


def make_issue(name: str, *, state: str = "Todo", priority: int | None = None) -> Issue:
    return Issue(
        id=IssueId(name.lower()),
        identifier=IssueIdentifier(name),
        title=f"Title of {name}",
        state=state,
        priority=priority,
        dispatchable=True,
    )


def make_settings(revision: str = "1", *, slots: int = 2, interval_ms: int = 30_000) -> Settings:
    return Settings(
        workflow_path="/workflow/WORKFLOW.md",
        revision=revision,
        tracker=TrackerSettings(
            kind="memory", active_states=("Todo", "In Progress"), terminal_states=("Done",)
        ),
        polling=PollingSettings(interval_ms=interval_ms),
        workspace=WorkspaceSettings(root="/workspaces"),
        agent=AgentSettings(max_concurrent_agents=slots),
    )


@dataclass(slots=True)
class VirtualDaemon:
    """What a test holds in its hands."""

    shelf: WorkflowShelf
    mailbox: Mailbox
    loop: Loop
    tracker: MemoryTracker
    clock: VirtualClock
    worker: ScriptedWorker
    workspaces: MemoryWorkspaces
    checks: list[int] = field(default_factory=list[int])

    async def post(self, event: Event) -> None:
        await self.mailbox.post(event)
        await settle()

    async def reload(self, settings: Settings, tracker: MemoryTracker | None = None) -> None:
        current = self.shelf.current
        workflow = replace(current, settings=settings, tracker=tracker or current.tracker)
        self.shelf.put(workflow)
        await self.post(WorkflowAccepted(settings=settings))

    def snapshot(self) -> Snapshot:
        return self.loop.snapshot()

    def running(self) -> list[str]:
        return sorted(row.issue.identifier for row in self.snapshot().running)


@asynccontextmanager
async def virtual_daemon(
    tracker: MemoryTracker,
    *,
    slots: int = 2,
    interval_ms: int = 30_000,
    on_disk: Iterable[str] = (),
    workspaces: MemoryWorkspaces | None = None,
    governor: Governor | None = None,
    make_worker: Callable[[VirtualClock], RunWorker] | None = None,
    observers: tuple[Observer, ...] = (),
) -> AsyncGenerator[VirtualDaemon]:
    """A daemon that has done its first tick; it is stopped at the end. `on_disk` are the
    identifiers whose workspaces were there before. Without `make_worker` the test itself does the
    runs' work, through `VirtualDaemon.worker`."""
    settings = make_settings(slots=slots, interval_ms=interval_ms)
    template = parse_template("Work on {{ issue.identifier }}.")
    shelf = WorkflowShelf(EffectiveWorkflow(settings=settings, template=template, tracker=tracker))
    mailbox, clock = Mailbox(), VirtualClock()
    worker, workspaces = ScriptedWorker(), workspaces or MemoryWorkspaces()
    workspaces.present.update(map(IssueIdentifier, on_disk))
    checks: list[int] = []

    async def check_workflow() -> None:
        checks.append(clock.now().monotonic_ms)

    async with anyio.create_task_group() as tasks:
        timers = Timers(clock, mailbox)
        interpreter = Interpreter(
            mailbox=mailbox,
            timers=timers,
            reads=TrackerReads(clock, tasks),
            shelf=shelf,
            worker=worker if make_worker is None else make_worker(clock),
            cleaner=workspaces,
            check_workflow=check_workflow,
            tasks=tasks,
            candidates_to_read=lambda: None if governor is None else governor.candidates_to_read(),
        )
        loop = Loop(
            state=SchedulerState(settings=settings),
            mailbox=mailbox,
            clock=clock,
            interpreter=interpreter,
            governor=governor,
            observers=observers,
        )
        daemon = VirtualDaemon(shelf, mailbox, loop, tracker, clock, worker, workspaces, checks)
        tasks.start_soon(timers.run)
        tasks.start_soon(loop.run)
        try:
            await daemon.post(DaemonStarted())
            await clock.advance(100)
            yield daemon
            await daemon.post(ShutdownRequested())
        finally:
            mailbox.close()
            tasks.cancel_scope.cancel()

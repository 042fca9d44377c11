"""The daemon, put together: from a valid WORKFLOW.md to the end of its last run.

Start: compose the workflow, lock the workspace root, sweep what an earlier daemon left, then let
the scheduler begin. End: every run is stopped and every process is gone before `run` returns.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import anyio
import anyio.to_thread

from symphony.domain.ids import IssueId
from symphony.domain.settings import Settings
from symphony.observability.redaction import Redactor
from symphony.observability.session_log import SessionLogs, default_logs_root
from symphony.runtime.clock import Clock, SystemClock
from symphony.runtime.configuration import WorkflowComposer
from symphony.runtime.effective import WorkflowShelf
from symphony.runtime.identity import Identity, new_daemon_id
from symphony.runtime.interpreter import Interpreter
from symphony.runtime.late import PATIENCE_S, LateWorker
from symphony.runtime.loop import Loop, Observer
from symphony.runtime.mailbox import Mailbox
from symphony.runtime.ports import Governor, RunWorker
from symphony.runtime.reads import TrackerReads
from symphony.runtime.reload import Reloader, log_warnings
from symphony.runtime.roots import WorkspaceRoots
from symphony.runtime.surface import (
    RunningDaemon,
    Surface,
    SurfaceFactory,
    Wish,
    without_secrets,
)
from symphony.runtime.timers import Timers
from symphony.runtime.workspaces import Cleaner, Keepers
from symphony.scheduler.events import DaemonStarted, PollRequested, ShutdownRequested
from symphony.scheduler.snapshot import Snapshot
from symphony.scheduler.state import SchedulerState

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonOptions:
    """`logs_root` is where session logs go, None for the user's state directory. `identity` names
    this daemon to its children; whoever forks a warden passes the same id to both. `surface` opens
    the HTTP interface where a port is asked for; without it there is none. `show` shows what the
    daemon does until it is cancelled, and raises nothing."""

    workflow_path: str
    environment: Mapping[str, str]
    logs_root: str | None = None
    port: int | None = None
    identity: Identity = field(default_factory=lambda: Identity(daemon_id=new_daemon_id()))
    redactor: Redactor = field(default_factory=Redactor)
    surface: SurfaceFactory | None = None
    show: Callable[[RunningDaemon], Coroutine[None, None, None]] | None = None


class Daemon:
    """One daemon; use once."""

    def __init__(
        self,
        options: DaemonOptions,
        *,
        observers: tuple[Observer, ...] = (),
        governor: Governor | None = None,
    ) -> None:
        """`governor` narrows what the daemon does; without it, it does everything."""
        self._options = options
        self._observers = observers
        self._governor = governor
        self._clock: Clock = SystemClock()
        self._mailbox = Mailbox()
        self._loop: Loop | None = None

    def snapshot(self) -> Snapshot | None:
        """What it does now; None before it has started."""
        return None if self._loop is None else self._loop.snapshot()

    async def request_stop(self) -> None:
        """Stop every run, start nothing more; `run` returns when all is gone."""
        await self._mailbox.post(ShutdownRequested())

    async def request_poll(self) -> None:
        """Poll now instead of at the next tick."""
        await self._mailbox.post(PollRequested())

    async def run(self) -> None:
        """Run until a stop was requested and everything has ended.

        Raises `ProblemError` where it cannot start.
        """
        try:
            await self._start()
        finally:
            self._mailbox.close()

    async def _start(self) -> None:
        options = self._options
        composer = WorkflowComposer(options.workflow_path, options.environment)
        composed = await anyio.to_thread.run_sync(composer.load)
        log_warnings(composed.warnings)
        options.redactor.update(composed.workflow.tracker.secret_values())
        shelf = WorkflowShelf(composed.workflow)
        roots = WorkspaceRoots(options.identity.daemon_id)
        logs = self._session_logs(composed.workflow.settings)
        try:
            await roots.take(composed.workflow.settings.workspace.root)
            async with self._surface(composed.workflow.settings) as surface:
                await self._serve(composer, shelf, roots, logs, surface)
        finally:
            with anyio.CancelScope(shield=True):
                await shelf.close()
                if logs is not None:
                    await anyio.to_thread.run_sync(logs.close)
            roots.release_all()

    async def _serve(
        self,
        composer: WorkflowComposer,
        shelf: WorkflowShelf,
        roots: WorkspaceRoots,
        logs: SessionLogs | None,
        surface: Surface | None,
    ) -> None:
        settings = shelf.current.settings
        reloader = Reloader(
            composer=composer,
            shelf=shelf,
            mailbox=self._mailbox,
            redactor=self._options.redactor,
            roots=roots,
        )
        async with anyio.create_task_group() as tasks:
            timers = Timers(self._clock, self._mailbox)
            reads = TrackerReads(self._clock, tasks)
            environment = self._options.environment
            if surface is not None:
                environment = without_secrets(environment, surface.secrets)
            keepers = Keepers(identity=self._options.identity, environment=environment, shelf=shelf)
            worker = LateWorker(partial(self._worker, reads, keepers, shelf, logs, environment))
            view = RunningDaemon(
                snapshot=self.snapshot,
                shelf=shelf,
                mailbox=self._mailbox,
                redactor=self._options.redactor,
                session_logs=None if logs is None else logs.directory,
            )
            loop = Loop(
                state=SchedulerState(settings=settings),
                mailbox=self._mailbox,
                clock=self._clock,
                interpreter=Interpreter(
                    mailbox=self._mailbox,
                    timers=timers,
                    reads=reads,
                    shelf=shelf,
                    worker=worker,
                    cleaner=Cleaner(keepers),
                    check_workflow=reloader.look,
                    tasks=tasks,
                    candidates_to_read=self._candidates_to_read,
                ),
                observers=(*self._observers, view.observe),
                governor=self._governor,
            )
            self._loop = loop
            # First in the mailbox: an edit that the watcher finds at once must not come before it.
            await self._mailbox.post(DaemonStarted())
            tasks.start_soon(timers.run)
            tasks.start_soon(_what_can_wait, reads, worker, reloader)
            _log_start(settings)
            if surface is not None:
                tasks.start_soon(surface.serve, view)
            if self._options.show is not None:
                tasks.start_soon(self._options.show, view)
            await loop.run()
            tasks.cancel_scope.cancel()
        logger.info("daemon_stopped", extra={"fields": {}})

    def _candidates_to_read(self) -> Collection[IssueId] | None:
        return None if self._governor is None else self._governor.candidates_to_read()

    def _worker(
        self,
        reads: TrackerReads,
        keepers: Keepers,
        shelf: WorkflowShelf,
        logs: SessionLogs | None,
        environment: Mapping[str, str],
    ) -> RunWorker:
        from symphony.runtime.sessions import SessionRunner
        from symphony.runtime.worker import AgentWorker

        sessions = SessionRunner(
            reads=reads,
            shelf=shelf,
            identity=self._options.identity,
            environment=environment,
            session_logs=logs,
        )
        return AgentWorker(keepers=keepers, sessions=sessions)

    @asynccontextmanager
    async def _surface(self, settings: Settings) -> AsyncGenerator[Surface | None]:
        """The HTTP interface, opened; None where no port is asked for. Raises `ProblemError`."""
        options = self._options
        port = options.port if options.port is not None else settings.server_port
        if port is None or options.surface is None:
            yield None
            return
        port_key = "--port" if options.port is not None else "server.port"
        surface = await options.surface(
            Wish(port=port, port_key=port_key, settings=settings, environment=options.environment)
        )
        options.redactor.update(surface.secrets)
        try:
            yield surface
        finally:
            surface.close()

    def _session_logs(self, settings: Settings) -> SessionLogs | None:
        options = self._options
        root = options.logs_root or default_logs_root(settings.workspace.root, options.environment)
        return None if root is None else SessionLogs(root, options.redactor)


async def _what_can_wait(reads: TrackerReads, worker: LateWorker, reloader: Reloader) -> None:
    """Use the time in which the tracker thinks about the first question."""
    with anyio.move_on_after(PATIENCE_S):
        await reads.begun.wait()
    await worker.prepare()
    await reloader.watch()


def _log_start(settings: Settings) -> None:
    fields = {
        "path": settings.workflow_path,
        "tracker": settings.tracker.kind,
        "workspace_root": settings.workspace.root,
        "poll_interval_ms": settings.polling.interval_ms,
        "max_concurrent_agents": settings.agent.max_concurrent_agents,
        "pid": os.getpid(),
    }
    logger.info("daemon_started", extra={"fields": fields})

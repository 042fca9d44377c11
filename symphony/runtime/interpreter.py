"""Turns the scheduler's commands into effects, each in a task of its own.

Nothing slow happens in the loop itself: a command starts a task, the task posts an event. A tracker
that takes ten seconds delays nobody but those who asked it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import TypeAlias, assert_never

import anyio
from anyio.abc import TaskGroup

from symphony.domain.ids import IssueId, RunId
from symphony.domain.issue import Issue
from symphony.domain.run import Failed, RunOutcome, RunUpdate, Stopped, StopReason
from symphony.domain.settings import Settings
from symphony.observability.fields import issue_fields, run_fields
from symphony.runtime.effective import EffectiveWorkflow, WorkflowShelf
from symphony.runtime.mailbox import Mailbox
from symphony.runtime.ports import RunWorker, WorkflowCheck, WorkspaceCleaner
from symphony.runtime.reads import TrackerReads
from symphony.runtime.timers import Timers
from symphony.scheduler.commands import (
    Announce,
    ArmTimer,
    CheckWorkflow,
    Command,
    DropWorkflow,
    KeepWorkspaces,
    ReadCandidates,
    ReadIssues,
    ReadTerminal,
    RemoveWorkspace,
    StartRun,
    StopRun,
)
from symphony.scheduler.events import (
    Answer,
    CandidatesRead,
    Event,
    IssuesRead,
    ReadFailure,
    RunEnded,
    RunReported,
    TerminalRead,
    WorkflowChecked,
    WorkspaceRemoved,
)
from symphony.trackers.port import Tracker

logger = logging.getLogger(__name__)

# Removals at once: each may run a hook, and a start can find hundreds.
REMOVALS_AT_ONCE = 4

_WithWorkflow: TypeAlias = StartRun | ReadIssues | ReadCandidates | ReadTerminal

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


class Interpreter:
    """Executes commands; owns the tasks that do."""

    def __init__(
        self,
        *,
        mailbox: Mailbox,
        timers: Timers,
        reads: TrackerReads,
        shelf: WorkflowShelf,
        worker: RunWorker,
        cleaner: WorkspaceCleaner,
        check_workflow: WorkflowCheck,
        tasks: TaskGroup,
        candidates_to_read: Callable[[], Collection[IssueId] | None] = lambda: None,
    ) -> None:
        """`candidates_to_read` names the issues that a poll asks for; None for all that are in
        active states."""
        self._mailbox = mailbox
        self._timers = timers
        self._reads = reads
        self._shelf = shelf
        self._worker = worker
        self._cleaner = cleaner
        self._check_workflow = check_workflow
        self._tasks = tasks
        self._candidates_to_read = candidates_to_read
        self._scopes: dict[RunId, anyio.CancelScope] = {}
        self._removals = anyio.Semaphore(REMOVALS_AT_ONCE)
        self._keeps_workspaces = False

    def execute(self, command: Command) -> None:
        """Start what the command asks for; never waits."""
        match command:
            case ArmTimer(timer=timer, due_ms=due_ms):
                self._timers.arm(timer, due_ms)
            case Announce():
                _log(command)
            case StopRun():
                self._stop(command)
            case StartRun() | ReadIssues() | ReadCandidates() | ReadTerminal():
                self._start(command)
            case DropWorkflow(settings=settings):
                self._tasks.start_soon(self._shelf.drop, settings)
            case KeepWorkspaces():
                self._keeps_workspaces = True
            case RemoveWorkspace():
                self._tasks.start_soon(self._remove, command)
            case CheckWorkflow():
                self._tasks.start_soon(self._check, command)
            case _:
                assert_never(command)

    def _stop(self, command: StopRun) -> None:
        scope = self._scopes.get(command.run_id)
        if scope is not None:
            scope.cancel()

    def _start(self, command: _WithWorkflow) -> None:
        # Taken now and not by the task: a reload may come before it has its turn.
        workflow = self._shelf.take(command.settings)
        if isinstance(command, StartRun):
            self._scopes[command.request.run_id] = anyio.CancelScope()
        self._tasks.start_soon(self._carry_out, command, workflow)

    async def _carry_out(self, command: _WithWorkflow, workflow: EffectiveWorkflow) -> None:
        try:
            event = await self._answer(command, workflow)
        finally:
            await self._shelf.drop(command.settings)
        await self._mailbox.post(event)

    async def _answer(self, command: _WithWorkflow, workflow: EffectiveWorkflow) -> Event:
        tracker = workflow.tracker
        match command:
            case StartRun():
                return await self._run(command, workflow)
            case ReadIssues(purpose=purpose, ids=ids):
                answer = await self._reads.by_ids(tracker, ids)
                return IssuesRead(purpose=purpose, ids=ids, answer=answer)
            case ReadCandidates(tick=tick, settings=settings):
                answer = await self._read_candidates(tracker, settings)
                return CandidatesRead(tick=tick, answer=answer)
            case ReadTerminal():
                return TerminalRead(answer=await self._read_terminal(command, tracker))

    async def _read_candidates(self, tracker: Tracker, settings: Settings) -> Answer:
        wanted = self._candidates_to_read()
        if wanted is None:
            return await self._reads.by_states(tracker, settings.tracker.active_states)
        return await self._reads.by_ids(tracker, wanted)

    async def _run(self, command: StartRun, workflow: EffectiveWorkflow) -> RunEnded:
        run_id = command.request.run_id
        scope = self._scopes[run_id]
        outcome: RunOutcome = Stopped(reason=StopReason.SHUTDOWN)

        async def report(update: RunUpdate) -> None:
            await self._mailbox.post(RunReported(run_id=run_id, update=update))

        try:
            with scope:
                outcome = await self._worker.run(command.request, workflow, report)
        except Exception as error:
            # A defect of ours fails this run and no other; it is logged with its traceback.
            logger.exception("run_defect", extra={"fields": run_fields(command.request)})
            outcome = Failed(category="internal_error", message=f"{type(error).__name__}: {error}")
        finally:
            del self._scopes[run_id]
        return RunEnded(run_id=run_id, outcome=outcome)

    async def _read_terminal(self, command: ReadTerminal, tracker: Tracker) -> Answer:
        try:
            return await self._terminal_on_disk(command, tracker)
        except (OSError, RuntimeError) as error:  # RuntimeError: no thread to read it in
            return ReadFailure(category="tracker_request", message=f"workspace root: {error}")

    async def _terminal_on_disk(self, command: ReadTerminal, tracker: Tracker) -> Answer:
        """The issues that have a workspace, in whatever state: which of them are terminal is for
        the scheduler to judge. Nothing on disk: nothing to ask (`startup.cleanup.by_workspace`)."""
        settings = command.settings
        found = await self._cleaner.found_on_disk(settings)
        issues: dict[IssueId, Issue] = {}
        answers: list[Answer] = []
        if found.identifiers:
            names = sorted(found.identifiers)
            answers.append(await self._reads.by_identifiers(tracker, names))
        if found.has_others:
            states = settings.tracker.terminal_states
            answers.append(await self._reads.by_states(tracker, states))
        for answer in answers:
            if isinstance(answer, ReadFailure):
                return answer
            issues.update((issue.id, issue) for issue in answer)
        return await self._cleaner.on_disk(tuple(issues.values()), settings)

    async def _remove(self, command: RemoveWorkspace) -> None:
        issue = command.issue
        async with self._removals:
            if self._keeps_workspaces:
                await self._mailbox.post(WorkspaceRemoved(issue_id=issue.id, kept=True))
                return
            try:
                problem = await self._cleaner.remove(issue, command.path, command.settings)
            except Exception as error:
                logger.exception("workspace_removal_defect", extra={"fields": issue_fields(issue)})
                problem = f"{type(error).__name__}: {error}"
        await self._mailbox.post(WorkspaceRemoved(issue_id=issue.id, problem=problem))

    async def _check(self, command: CheckWorkflow) -> None:
        try:
            await self._check_workflow()
        except Exception:
            logger.exception("workflow_check_defect")
        await self._mailbox.post(WorkflowChecked(tick=command.tick))


def _log(command: Announce) -> None:
    fields: dict[str, str | int | float | bool | None] = {}
    if command.issue_id is not None:
        fields = {"issue_id": command.issue_id, "issue_identifier": command.identifier}
    level = _LEVELS[command.level]
    logger.log(level, command.name, extra={"fields": {**fields, **command.fields}})

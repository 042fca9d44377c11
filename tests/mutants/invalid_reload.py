"""Mutants of a workflow file that is wrong for a while."""

from __future__ import annotations

from dataclasses import replace as changed

from symphony.documents.front_matter import parse_document
from symphony.domain.json import as_array, as_object, as_text
from symphony.domain.problems import ProblemError
from symphony.runtime.configuration import Composed
from symphony.runtime.effective import WorkflowShelf
from symphony.runtime.reload import Reloader
from symphony.scheduler import retries, step, ticks
from symphony.scheduler.commands import Command
from symphony.scheduler.events import (
    Event,
    ForRetry,
    IssuesRead,
    WorkflowAccepted,
    WorkflowRejected,
)
from symphony.scheduler.moment import Moment
from symphony.scheduler.state import SchedulerState
from symphony.workflow import loader
from symphony.workflow.source import Rejected
from tests.mutants.patching import private, replace
from tests.mutants.registry import mutant


@mutant(
    "half_of_an_invalid_file_applies",
    kills=("reload.invalid.last_good",),
    about="Of a file with a mistake the terminal states apply all the same.",
)
def _() -> None:
    original = private(Reloader, "_reject")

    async def reject(self: Reloader, rejected: Rejected) -> None:
        shelf: WorkflowShelf = private(self, "_shelf")
        path: str = private(self, "_composer").path
        states = _terminal_states_in(path)
        before = shelf.current
        tracker = before.settings.tracker
        if states and states != tracker.terminal_states:
            tracker = changed(tracker, terminal_states=states)
            workflow = changed(before, settings=changed(before.settings, tracker=tracker))
            shelf.put(workflow)
            await private(self, "_mailbox").post(WorkflowAccepted(settings=workflow.settings))
        await original(self, rejected)

    replace(Reloader, "_reject", reject)


def _terminal_states_in(path: str) -> tuple[str, ...]:
    try:
        metadata = parse_document(loader.read_workflow(path), path=path).metadata
    except ProblemError:
        return ()
    written = (as_object(metadata.get("tracker")) or {}).get("terminal_states")
    return tuple(as_text(each) or "" for each in as_array(written) or ())


@mutant(
    "invalid_file_starts_work",
    kills=("reload.invalid.blocks_dispatch", "tick.validate.each"),
    about="Fresh issues are dispatched while the file is invalid.",
)
def _() -> None:
    original = step.step

    def forget(state: SchedulerState, event: Event, now: Moment) -> list[Command]:
        commands = original(state, event, now)
        if isinstance(event, WorkflowRejected):
            state.workflow_problem = None
        return commands

    replace(step, "step", forget)


@mutant(
    "invalid_file_stops_reconciliation",
    kills=("reload.invalid.reconcile",),
    about="Nothing is reconciled while the file is invalid.",
)
def _() -> None:
    original = private(ticks, "_begin")

    def begin(state: SchedulerState) -> list[Command]:
        return [] if state.workflow_problem is not None else list(original(state))

    replace(ticks, "_begin", begin)


@mutant(
    "invalid_file_loses_retries",
    kills=("reload.invalid.retry",),
    about="A retry that falls due while the file is invalid is dropped, and never taken up again.",
)
def _() -> None:
    original = retries.retry_read

    def read(
        state: SchedulerState, purpose: ForRetry, event: IssuesRead, now: Moment
    ) -> list[Command]:
        commands = original(state, purpose, event, now)
        queued = state.retrying.get(purpose.issue_id)
        if queued is not None and queued.waiting_for == "workflow":
            # A claim that nothing ends.
            queued.waiting_for = "time"
        return commands

    replace(retries, "retry_read", read)


@mutant(
    "invalid_file_is_told_each_tick",
    kills=("reload.invalid.reported_once",),
    about="The same mistake of the file is reported at every look.",
)
def _() -> None:
    original = private(Reloader, "_reject")

    async def reject(self: Reloader, rejected: Rejected) -> None:
        self._failure = None  # pyright: ignore[reportPrivateUsage]
        await original(self, rejected)

    replace(Reloader, "_reject", reject)


@mutant(
    "invalid_file_is_not_told",
    kills=("reload.invalid.reported", "reload.invalid.reported_once"),
    about="A mistake of the file blocks dispatch, and nobody is told.",
)
def _() -> None:
    async def reject(self: Reloader, rejected: Rejected) -> None:
        self._failure = rejected.key  # pyright: ignore[reportPrivateUsage]
        await private(self, "_mailbox").post(WorkflowRejected(reason=rejected.key))

    replace(Reloader, "_reject", reject)


@mutant(
    "valid_again_is_not_noticed",
    kills=("reload.invalid.recovers", "reload.invalid.reported_once"),
    about="Once the file was invalid, no later content takes effect.",
)
def _() -> None:
    original = private(Reloader, "_accept")

    async def accept(self: Reloader, composed: Composed) -> None:
        if private(self, "_failure") is None:
            await original(self, composed)

    replace(Reloader, "_accept", accept)

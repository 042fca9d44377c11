"""Mutants of live changes: what they apply to, and what a wrong one does."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace as changed
from typing import Any

from symphony.domain.json import JsonValue
from symphony.domain.run import StopReason
from symphony.domain.settings import Settings
from symphony.domain.tools import ToolResult
from symphony.runtime import sessions
from symphony.runtime.configuration import Composed, Look, WorkflowComposer
from symphony.runtime.effective import EffectiveWorkflow, WorkflowShelf
from symphony.scheduler import step, transitions
from symphony.scheduler.commands import Command
from symphony.scheduler.events import (
    Event,
    WorkflowAccepted,
)
from symphony.scheduler.moment import Moment
from symphony.scheduler.state import SchedulerState
from symphony.workflow import loader
from tests.mutants.patching import private, replace
from tests.mutants.registry import mutant


@mutant(
    "tools_follow_the_reload",
    kills=("tool.session.bound",),
    about="A reload gives a running session the tracker of the new settings.",
)
def _() -> None:
    original = WorkflowShelf.put
    execute = private(private(sessions, "_Session"), "_execute_tool")
    latest: list[EffectiveWorkflow] = []

    def put(self: WorkflowShelf, workflow: EffectiveWorkflow) -> None:
        latest[:] = [workflow]
        original(self, workflow)

    async def execute_tool(self: Any, name: str, arguments: JsonValue) -> ToolResult:
        if latest:
            self._workflow = changed(self._workflow, tracker=latest[0].tracker)
        result: ToolResult = await execute(self, name, arguments)
        return result

    replace(WorkflowShelf, "put", put)
    replace(private(sessions, "_Session"), "_execute_tool", execute_tool)


@mutant(
    "replaced_file_is_not_noticed",
    kills=(
        "reload.detect.change",
        "reload.detect.defensive",
        "reload.apply.prompt",
        "reload.apply.runs",
        "reload.apply.concurrency",
        "reload.apply.states",
        "reload.apply.poll_interval",
    ),
    about="The file that was opened at start is read again, whatever has taken its place since.",
)
def _() -> None:
    original = loader.read_workflow
    opened: dict[str, int] = {}

    def read_workflow(path: str) -> bytes:
        content = original(path)
        descriptor = opened.setdefault(path, os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        return os.pread(descriptor, len(content) + 1_000_000, 0)

    replace(loader, "read_workflow", read_workflow)


def _accepting(change: Callable[[EffectiveWorkflow, EffectiveWorkflow], EffectiveWorkflow]) -> None:
    """Put another workflow in force than the file says; `change` gets the one before, and it."""
    original = WorkflowComposer.look

    def look(self: WorkflowComposer, previous: EffectiveWorkflow) -> Look:
        found = original(self, previous)
        if isinstance(found, Composed):
            return changed(found, workflow=change(previous, found.workflow))
        return found

    replace(WorkflowComposer, "look", look)


def _keeping(kept: Callable[[Settings, Settings], Settings]) -> None:
    """Keep some of the settings that were in force before."""

    def change(before: EffectiveWorkflow, after: EffectiveWorkflow) -> EffectiveWorkflow:
        return changed(after, settings=kept(before.settings, after.settings))

    _accepting(change)


@mutant(
    "prompt_is_not_reloaded",
    kills=("reload.apply.prompt",),
    about="The prompt stays that of the start.",
)
def _() -> None:
    _accepting(lambda before, after: changed(after, template=before.template))


@mutant(
    "concurrency_is_not_reloaded",
    kills=("reload.apply.concurrency",),
    about="The limits of concurrency stay those of the start.",
)
def _() -> None:
    def kept(before: Settings, after: Settings) -> Settings:
        limits = before.agent
        agent = changed(
            after.agent,
            max_concurrent_agents=limits.max_concurrent_agents,
            max_concurrent_agents_by_state=limits.max_concurrent_agents_by_state,
        )
        return changed(after, agent=agent)

    _keeping(kept)


@mutant(
    "states_are_not_reloaded",
    kills=("reload.apply.states",),
    about="States and required labels stay those of the start.",
)
def _() -> None:
    def kept(before: Settings, after: Settings) -> Settings:
        old = before.tracker
        tracker = changed(
            after.tracker,
            active_states=old.active_states,
            terminal_states=old.terminal_states,
            required_labels=old.required_labels,
        )
        return changed(after, tracker=tracker)

    _keeping(kept)


@mutant(
    "interval_is_not_reloaded",
    kills=("reload.apply.poll_interval",),
    about="The poll interval stays that of the start.",
)
def _() -> None:
    _keeping(lambda before, after: changed(after, polling=before.polling))


@mutant(
    "hooks_are_not_reloaded",
    kills=("reload.apply.runs",),
    about="The hooks stay those of the start.",
)
def _() -> None:
    _keeping(lambda before, after: changed(after, hooks=before.hooks))


def _stepping(change: Callable[[SchedulerState, Event, Moment], Sequence[Command]]) -> None:
    """Do something more after each step of the scheduler."""
    original = step.step

    def further(state: SchedulerState, event: Event, now: Moment) -> list[Command]:
        return [*original(state, event, now), *change(state, event, now)]

    replace(step, "step", further)


@mutant(
    "lower_limit_ends_sessions",
    kills=("reload.limit.no_kill",),
    about="A lowered limit ends the sessions beyond it.",
)
def _() -> None:
    def end(state: SchedulerState, event: Event, now: Moment) -> Sequence[Command]:
        del now
        if not isinstance(event, WorkflowAccepted):
            return ()
        beyond = list(state.running.values())[state.settings.agent.max_concurrent_agents :]
        ended = [transitions.stop_run(each, StopReason.NOT_ROUTABLE) for each in beyond]
        return [command for commands in ended for command in commands]

    _stepping(end)

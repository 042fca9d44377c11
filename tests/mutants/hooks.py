"""Mutants of hooks: when they run, and what their failure means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symphony.domain.issue import Issue
from symphony.domain.run import Failed, RunOutcome
from symphony.runtime.worker import AgentWorker
from symphony.workspaces.hook_set import WorkspaceHooks
from symphony.workspaces.hooks import HookName, HookResult
from symphony.workspaces.keeper import Workspace, WorkspaceKeeper
from symphony.workspaces.problems import HOOK_FAILED, HOOK_TIMED_OUT, WorkspaceError
from symphony.workspaces.unfinished import forget_unfinished
from tests.mutants.patching import private, replace
from tests.mutants.registry import mutant


def _forgiving(name: HookName, *categories: str) -> None:
    """Take some failures of a hook for a success."""
    original = WorkspaceHooks.run_or_raise

    async def run(self: WorkspaceHooks, hook: HookName, issue: Issue, workspace: str) -> None:
        try:
            await original(self, hook, issue, workspace)
        except WorkspaceError as problem:
            if hook != name or problem.category not in categories:
                raise

    replace(WorkspaceHooks, "run_or_raise", run)


@mutant(
    "after_create_may_time_out",
    kills=("hook.after_create.fatal",),
    about="An agent is started although `after_create` timed out.",
)
def _() -> None:
    _forgiving("after_create", HOOK_TIMED_OUT)


@mutant(
    "before_run_may_fail",
    kills=("hook.before_run.fatal",),
    about="An agent is started although `before_run` failed.",
)
def _() -> None:
    _forgiving("before_run", HOOK_FAILED)


@mutant(
    "after_create_runs_each_time",
    kills=("hook.after_create.new_only",),
    about="`after_create` runs in a workspace that is reused, too.",
)
def _() -> None:
    original = WorkspaceKeeper.prepare

    async def prepare(self: WorkspaceKeeper, issue: Issue) -> Workspace:
        workspace = await original(self, issue)
        if not workspace.created_now:
            await private(self, "_hooks").run("after_create", issue, workspace.path)
        return workspace

    replace(WorkspaceKeeper, "prepare", prepare)


@mutant(
    "after_create_is_not_repeated",
    kills=("hook.after_create.again", "hook.after_create.fatal"),
    about="The directory of a failed `after_create` stays, and is taken for a workspace.",
)
def _() -> None:
    async def discard(self: WorkspaceKeeper, workspace: Workspace) -> None:
        root = private(self, "_root")
        forget_unfinished(root, workspace.key)

    replace(WorkspaceKeeper, "_discard", discard)


@mutant(
    "before_run_runs_once",
    kills=("hook.before_run.each",),
    about="`before_run` runs only in a new workspace.",
)
def _() -> None:
    original = WorkspaceKeeper.before_run

    async def before_run(self: WorkspaceKeeper, workspace: Workspace) -> None:
        if workspace.created_now:
            await original(self, workspace)

    replace(WorkspaceKeeper, "before_run", before_run)


def _no_after_run(left_out: Callable[[RunOutcome | None], bool]) -> None:
    """Leave `after_run` out after some ends; None stands for a cancellation."""
    in_workspace: Any = private(AgentWorker, "_in_workspace")
    original = WorkspaceKeeper.after_run
    ends: dict[int, RunOutcome | None] = {}

    async def run(self: AgentWorker, *arguments: Any) -> RunOutcome:
        workspace = next(each for each in arguments if isinstance(each, Workspace))
        ends[id(workspace)] = None
        outcome: RunOutcome = await in_workspace(self, *arguments)
        ends[id(workspace)] = outcome
        return outcome

    async def after_run(self: WorkspaceKeeper, workspace: Workspace) -> None:
        if not left_out(ends.pop(id(workspace), None)):
            await original(self, workspace)

    replace(AgentWorker, "_in_workspace", run)
    replace(WorkspaceKeeper, "after_run", after_run)


def _failed_by(*prefixes: str) -> Callable[[RunOutcome | None], bool]:
    return lambda end: isinstance(end, Failed) and end.category.startswith(prefixes)


@mutant(
    "after_run_not_on_timeout",
    kills=("hook.after_run.each",),
    about="`after_run` is left out after a run that timed out.",
)
def _() -> None:
    _no_after_run(_failed_by("turn_timeout", "response_timeout"))


@mutant(
    "after_run_not_on_failure",
    kills=("hook.after_run.each",),
    about="`after_run` is left out after a turn that failed.",
)
def _() -> None:
    _no_after_run(_failed_by("turn_failed"))


@mutant(
    "after_run_not_on_prompt_error",
    kills=("hook.after_run.prompt_error",),
    about="`after_run` is left out where the prompt could not be rendered.",
)
def _() -> None:
    _no_after_run(_failed_by("template_"))


@mutant(
    "after_run_not_on_cancellation",
    kills=("hook.after_run.cancelled",),
    about="`after_run` is left out after a run that was cancelled.",
)
def _() -> None:
    _no_after_run(lambda end: end is None)


@mutant(
    "after_run_decides",
    kills=("hook.after_run.ignored",),
    about="A run whose `after_run` fails has failed.",
)
def _() -> None:
    async def after_run(self: WorkspaceKeeper, workspace: Workspace) -> None:
        found = private(self, "_hooks")
        await found.run_or_raise("after_run", workspace.issue, workspace.path)

    replace(WorkspaceKeeper, "after_run", after_run)


def _removing(change: Callable[[HookResult | None, Issue], HookResult | None]) -> None:
    original = WorkspaceHooks.run

    async def run(
        self: WorkspaceHooks, name: HookName, issue: Issue, workspace: str
    ) -> HookResult | None:
        result = await original(self, name, issue, workspace)
        return change(result, issue) if name == "before_remove" else result

    replace(WorkspaceHooks, "run", run)


@mutant(
    "before_remove_decides",
    kills=("hook.before_remove.ignored",),
    about="A workspace whose `before_remove` fails stays.",
)
def _() -> None:
    def judge(result: HookResult | None, issue: Issue) -> HookResult | None:
        if result is not None and not result.ok:
            text = f"before_remove of {issue.identifier} failed"
            raise WorkspaceError(HOOK_FAILED, text, "", path="")
        return result

    _removing(judge)


@mutant(
    "before_remove_is_left_out",
    kills=("hook.before_remove.runs",),
    about="A workspace is removed without its `before_remove`.",
)
def _() -> None:
    original = WorkspaceHooks.run

    async def run(
        self: WorkspaceHooks, name: HookName, issue: Issue, workspace: str
    ) -> HookResult | None:
        return None if name == "before_remove" else await original(self, name, issue, workspace)

    replace(WorkspaceHooks, "run", run)

"""Variants of workspaces and hooks, and of what a workflow file may look like."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import replace as changed
from typing import Any

from symphony.domain.issue import Issue
from symphony.domain.problems import ProblemError
from symphony.domain.settings import DEFAULT_PROMPT
from symphony.processes.process import OwnedProcess
from symphony.workflow import template
from symphony.workflow.template import PromptTemplate
from symphony.workspaces import hook_set, hooks, key
from symphony.workspaces.hooks import Hook
from symphony.workspaces.keeper import Workspace, WorkspaceKeeper
from symphony.workspaces.key import WorkspaceKey, workspace_key
from symphony.workspaces.problems import NOT_A_DIRECTORY, WorkspaceError
from tests.mutants.patching import private, replace, replace_in
from tests.variants.registry import variant

SUFFIX_BITS = 64


@variant(
    "hooks_by_sh",
    permitted_by=("hook.script.shell",),
    plays=("hook",),
    about="Hooks are run by `sh -lc`, which on many systems is not bash.",
)
def _() -> None:
    def shell(script: str, environment: Mapping[str, str]) -> tuple[str, ...]:
        del environment
        return ("/bin/sh", "-lc", script)

    replace_in(hooks, "login_shell", shell)


@variant(
    "hooks_inherit_secrets",
    permitted_by=("hook.env.secrets",),
    plays=("hook", "security"),
    about="Hooks have the whole environment of the daemon.",
)
def _() -> None:
    environment: Any = hook_set.child_environment
    start: Any = private(hooks, "_start")

    def inherited(base: Mapping[str, str], **options: Any) -> dict[str, str]:
        kept: dict[str, str] = environment(base, **{**options, "keep_names": tuple(base)})
        return kept

    def start_with_all(hook: Hook) -> OwnedProcess:
        process: OwnedProcess = start(changed(hook, forget=()))
        return process

    replace_in(hook_set, "child_environment", inherited)
    replace(hooks, "_start", start_with_all)


@variant(
    "no_after_run_without_before_run",
    permitted_by=("hook.after_run.failed_before_run",),
    plays=("hook",),
    declares={'after_run_of_failed_before_run = "run"': 'after_run_of_failed_before_run = "skip"'},
    about="Where before_run failed, after_run does not run.",
)
def _() -> None:
    before, after = WorkspaceKeeper.before_run, WorkspaceKeeper.after_run
    unready: set[str] = set()

    async def before_run(self: WorkspaceKeeper, workspace: Workspace) -> None:
        try:
            await before(self, workspace)
        except WorkspaceError:
            unready.add(workspace.path)
            raise

    async def after_run(self: WorkspaceKeeper, workspace: Workspace) -> None:
        if workspace.path in unready:
            unready.discard(workspace.path)
            return
        await after(self, workspace)

    replace(WorkspaceKeeper, "before_run", before_run)
    replace(WorkspaceKeeper, "after_run", after_run)


@variant(
    "files_give_way_to_workspaces",
    permitted_by=("workspace.conflict.handled",),
    plays=("workspace",),
    declares={'non_directory = "refuse"': 'non_directory = "replace"'},
    about="What lies at the path of a workspace and is no directory is replaced.",
)
def _() -> None:
    original = WorkspaceKeeper.prepare

    async def prepare(self: WorkspaceKeeper, issue: Issue) -> Workspace:
        try:
            return await original(self, issue)
        except WorkspaceError as error:
            if error.category != NOT_A_DIRECTORY:
                raise
        os.unlink(os.path.join(private(self, "_root"), workspace_key(issue.identifier)))
        return await original(self, issue)

    replace(WorkspaceKeeper, "prepare", prepare)


@variant(
    "keys_end_otherwise",
    permitted_by=("workspace.key.sanitised",),
    plays=("workspace", "startup"),
    about="The suffix of a changed identifier follows a dot, and is a decimal number.",
)
def _() -> None:
    original = key.workspace_key

    def with_number(identifier: str) -> WorkspaceKey:
        usual = original(identifier)
        if usual == identifier:
            return usual
        readable, _, digest = usual.rpartition("-")
        return WorkspaceKey(f"{readable}.{int(digest, 16) % 2**SUFFIX_BITS:020d}")

    def identifier_of(name: str) -> str | None:
        digits = name.rpartition(".")[2]
        return None if len(digits) == len(str(2**SUFFIX_BITS)) and digits.isdigit() else name

    replace(key, "workspace_key", with_number)
    replace(key, "identifier_of", identifier_of)


@variant(
    "empty_bodies_are_refused",
    permitted_by=("template.body.fallback",),
    plays=("template", "workflow", "run.prompt"),
    about="A workflow file without a body has no default prompt: its attempts fail.",
)
def _() -> None:
    original = PromptTemplate.render

    def render(self: PromptTemplate, issue: Issue, attempt: int | None) -> str:
        if self.source == DEFAULT_PROMPT:
            failure: Any = private(self, "_failure")
            raise ProblemError(failure("the workflow file has no prompt", None))
        return original(self, issue, attempt)

    replace(PromptTemplate, "render", render)


@variant(
    "untaken_branches_are_not_checked",
    permitted_by=("template.variable.untaken_branch",),
    plays=("template",),
    about="What a template does not reach may name what does not exist.",
)
def _() -> None:
    def check(tree: object, environment: object, variables: Collection[str]) -> tuple[()]:
        del tree, environment, variables
        return ()

    replace_in(template, "check_template", check)

"""The hooks of one workflow: what each is called, what it may know, what its failure means."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from typing import Final, Protocol

from symphony.domain.issue import Issue
from symphony.domain.settings import HookSettings
from symphony.processes.environment import child_environment
from symphony.processes.owner import OwnerMark
from symphony.workspaces.hooks import Hook, HookName, HookResult, run_hook
from symphony.workspaces.problems import HOOK_FAILED, HOOK_TIMED_OUT, WorkspaceError

LONGEST_QUOTED_OUTPUT: Final = 200
"""Characters of a hook's last line in an error message."""


class TreeOwner(Protocol):
    """Who owns the process trees of hooks."""

    def mark(self, workspace_root: str, name: str, /) -> OwnerMark:
        """The mark of the tree with this name."""
        ...

    def started(self, group: int, /) -> None:
        """A process group was started."""
        ...

    def ended(self, group: int, /) -> None:
        """The group is confirmed gone."""
        ...


class WorkspaceHooks:
    """The hooks of one snapshot of the settings, for the workspaces of one root.

    `environment` is the daemon's; hooks inherit it without `secret_names` and `secret_values`,
    except for what `hooks.env` names (`hook.env.secrets`).
    """

    def __init__(
        self,
        root: str,
        settings: HookSettings,
        *,
        owner: TreeOwner,
        workflow_directory: str,
        environment: Mapping[str, str],
        secret_names: Collection[str],
        secret_values: Collection[str],
    ) -> None:
        self._root = root
        self._settings = settings
        self._owner = owner
        self._workflow_directory = workflow_directory
        self._environment = environment
        self._secret_names = secret_names
        self._secret_values = secret_values

    def script(self, name: HookName) -> str | None:
        """The text of a hook, None where the workflow has none."""
        scripts: dict[HookName, str | None] = {
            "after_create": self._settings.after_create,
            "before_run": self._settings.before_run,
            "after_run": self._settings.after_run,
            "before_remove": self._settings.before_remove,
        }
        return scripts[name]

    async def run(self, name: HookName, issue: Issue, workspace: str) -> HookResult | None:
        """Run a hook where there is one. Never raises for what it does."""
        script = self.script(name)
        if script is None:
            return None
        kept = frozenset(self._settings.env)
        hook = Hook(
            name=name,
            script=script,
            issue=issue,
            workspace=workspace,
            timeout_ms=self._settings.timeout_ms,
            environment=self._hook_environment(name, issue, workspace, kept),
            forget=frozenset(self._secret_names) - kept,
            secrets=self._secret_values,
            started=self._owner.started,
            ended=self._owner.ended,
        )
        return await run_hook(hook)

    async def run_or_raise(self, name: HookName, issue: Issue, workspace: str) -> None:
        """Run a hook where there is one. Raises `WorkspaceError` unless it succeeds."""
        result = await self.run(name, issue, workspace)
        if result is None or result.ok:
            return
        last_line = result.output.strip().rpartition("\n")[2][:LONGEST_QUOTED_OUTPUT]
        raise WorkspaceError(
            HOOK_TIMED_OUT if result.timed_out else HOOK_FAILED,
            f"{result.reason}: {last_line}" if last_line else result.reason,
            f"Run the script of hooks.{name} by hand in such a directory.",
            path=workspace,
        )

    def _hook_environment(
        self, name: HookName, issue: Issue, workspace: str, kept: Collection[str]
    ) -> dict[str, str]:
        # Unlike any other tree: what one hook leaves must not be ended together with another.
        tree = f"{name}-{issue.id}-{secrets.token_hex(4)}"
        environment = child_environment(
            self._environment,
            drop_names=self._secret_names,
            drop_values=self._secret_values,
            owner=self._owner.mark(self._root, tree),
            keep_names=kept,
        )
        return environment | {
            "SYMPHONY_ISSUE_ID": _environment_text(issue.id),
            "SYMPHONY_ISSUE_IDENTIFIER": _environment_text(issue.identifier),
            "SYMPHONY_WORKSPACE": workspace,
            "SYMPHONY_WORKFLOW_DIR": self._workflow_directory,
        }


def _environment_text(text: str) -> str:
    """Text that the environment can hold: without NUL and without broken characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()

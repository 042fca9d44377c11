"""Prepare, guard and remove the workspaces of one root.

A keeper is bound to one snapshot of the settings. The run that prepared a workspace with it also
removes it with it, by the path that was recorded then. Nobody else may use a workspace meanwhile;
that is what claims are for. A new workspace counts as made only when `after_create` has succeeded:
after a failure, a cancellation or the death of the daemon the next attempt starts with a new
directory (`hook.after_create.again`). The same holds for what is left of one whose removal was cut
off.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import anyio
import anyio.to_thread

from symphony.domain.issue import Issue
from symphony.domain.settings import HookSettings
from symphony.workspaces.containment import (
    key_of_recorded_path,
    real_root,
    resolve_workspace,
    workspace_exists,
)
from symphony.workspaces.hook_set import TreeOwner, WorkspaceHooks
from symphony.workspaces.key import LONGEST_KEY, WorkspaceKey, workspace_key
from symphony.workspaces.problems import MISSING, NOT_CREATED, WorkspaceError
from symphony.workspaces.removal import remove_tree
from symphony.workspaces.unfinished import forget_unfinished, is_unfinished, note_unfinished

REMOVALS_AT_ONCE: Final = 2
"""Deleting is the disk's work; more threads would only keep sessions from it."""
_PRIVATE: Final = 0o700
_KEY: Final = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST_KEY}}}", re.ASCII)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A directory that is ready for a run of `issue`. `path` is absolute and without links."""

    path: str
    key: WorkspaceKey
    created_now: bool
    issue: Issue


class WorkspaceKeeper:
    """The workspaces under `root`, with the hooks of one snapshot of the settings.

    `environment` is the daemon's; hooks inherit it without `secret_names` and `secret_values`,
    except for what `hooks.env` names. Keepers of one disk share `removals`.
    """

    def __init__(
        self,
        root: str,
        hooks: HookSettings,
        *,
        owner: TreeOwner,
        workflow_directory: str,
        environment: Mapping[str, str],
        secret_names: Collection[str] = (),
        secret_values: Collection[str] = (),
        removals: anyio.CapacityLimiter | None = None,
    ) -> None:
        self._root = root
        self._hooks = WorkspaceHooks(
            root,
            hooks,
            owner=owner,
            workflow_directory=workflow_directory,
            environment=environment,
            secret_names=secret_names,
            secret_values=secret_values,
        )
        self._removals = removals or removal_limiter()

    async def prepare(self, issue: Issue) -> Workspace:
        """Make or reuse the workspace of an issue; `after_create` runs in a new one.

        Raises `WorkspaceError` where it cannot be made or filled; a directory that was made by
        this call is removed again then, also on cancellation.
        """
        key = workspace_key(issue.identifier)
        path = resolve_workspace(self._root, key)
        if is_unfinished(real_root(self._root), key):
            await self._delete(key)
        created_now = self._make(path, key)
        workspace = Workspace(path=path, key=key, created_now=created_now, issue=issue)
        if created_now and self._hooks.script("after_create") is not None:
            await self._fill(workspace)
        return workspace

    async def before_run(self, workspace: Workspace) -> None:
        """Run `before_run`. Raises `WorkspaceError` where it fails or times out, or where the
        workspace is not what was prepared any more."""
        self.verify(workspace)
        await self._hooks.run_or_raise("before_run", workspace.issue, workspace.path)
        self.verify(workspace)

    async def after_run(self, workspace: Workspace) -> None:
        """Run `after_run`; what goes wrong is logged and ignored (`hook.after_run.ignored`)."""
        if self._hooks.script("after_run") is None:
            return
        try:
            self.verify(workspace)
        except WorkspaceError as problem:
            facts = {"hook": "after_run", "outcome": "skipped"}
            _warn("hook_failed", workspace.issue, problem, facts)
            return
        await self._hooks.run("after_run", workspace.issue, workspace.path)

    def verify(self, workspace: Workspace) -> None:
        """Raise `WorkspaceError` unless the workspace is still a directory of its own in the root.

        To be called before anything is launched in it.
        """
        key = key_of_recorded_path(self._root, workspace.path)
        if not workspace_exists(self._root, key):
            raise WorkspaceError(
                MISSING,
                f"the workspace {workspace.path!r} does not exist any more",
                "Somebody removed it during the run; the next attempt makes a new one.",
                path=workspace.path,
            )

    async def remove(self, issue: Issue, *, path: str | None = None) -> bool:
        """Remove the workspace of an issue, after `before_remove`; False where there is none.

        `path` is the one that was recorded when it was prepared, None for one that this daemon has
        not prepared. What `before_remove` does wrong is logged and ignored. Raises
        `WorkspaceError` where the path is outside of the root, is no directory, or stays.
        """
        if path is None:
            key = workspace_key(issue.identifier)
        else:
            key = key_of_recorded_path(self._root, path)
        if workspace_exists(self._root, key):
            await self._hooks.run("before_remove", issue, resolve_workspace(self._root, key))
            resolve_workspace(self._root, key)
        return await self._delete(key)

    async def existing_keys(self) -> frozenset[WorkspaceKey]:
        """The names of the directories in the root that may be workspaces; none without a root.

        Raises `OSError` where the root cannot be read.
        """
        return await anyio.to_thread.run_sync(_directories, real_root(self._root))

    def _make(self, path: str, key: WorkspaceKey) -> bool:
        """Make the directory; False where there is one."""
        if workspace_exists(self._root, key):
            return False
        root = real_root(self._root)
        try:
            os.makedirs(root, mode=_PRIVATE, exist_ok=True)
            if self._hooks.script("after_create") is not None:
                note_unfinished(root, key)
            os.mkdir(path)
        except OSError as problem:
            # Whatever lies there now is not a workspace that we left half-filled.
            with contextlib.suppress(WorkspaceError):
                forget_unfinished(root, key)
            raise WorkspaceError(
                NOT_CREATED,
                f"the workspace {path!r} cannot be created: {problem.strerror or problem}",
                "Check that the workspace root is a directory that the daemon can write to.",
                path=path,
            ) from problem
        return True

    async def _fill(self, workspace: Workspace) -> None:
        try:
            await self._hooks.run_or_raise("after_create", workspace.issue, workspace.path)
            self.verify(workspace)
            forget_unfinished(real_root(self._root), workspace.key)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._discard(workspace)
            raise

    async def _discard(self, workspace: Workspace) -> None:
        """Where this fails, the note stays, so that the next attempt tries again."""
        try:
            await self._delete(workspace.key)
        except WorkspaceError as problem:
            _warn("workspace_removal_failed", workspace.issue, problem, {"path": problem.path})

    async def _delete(self, key: WorkspaceKey) -> bool:
        root = real_root(self._root)
        return await anyio.to_thread.run_sync(_remove, root, key, limiter=self._removals)


def removal_limiter() -> anyio.CapacityLimiter:
    """What bounds the deletions of the keepers that share it."""
    return anyio.CapacityLimiter(REMOVALS_AT_ONCE)


def _remove(root: str, key: WorkspaceKey) -> bool:
    """Where this fails or is cut off, the note stays: half a workspace is not worked in."""
    # A full disk takes no note, and is what a removal helps against.
    with contextlib.suppress(OSError):
        if os.path.isdir(os.path.join(root, key)):
            note_unfinished(root, key)
    removed = remove_tree(root, key)
    forget_unfinished(root, key)
    return removed


def _directories(root: str) -> frozenset[WorkspaceKey]:
    try:
        with os.scandir(root) as entries:
            return frozenset(
                WorkspaceKey(entry.name)
                for entry in entries
                if _KEY.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
            )
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()


def _warn(event: str, issue: Issue, problem: WorkspaceError, facts: Mapping[str, str]) -> None:
    fields = {"issue_id": issue.id, "issue_identifier": issue.identifier, **facts}
    fields["reason"] = problem.message
    _logger.warning(event, extra={"fields": fields})

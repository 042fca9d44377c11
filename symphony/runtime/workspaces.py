"""Workspaces as the runtime uses them: a keeper for each snapshot of the settings, and clean-up."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anyio

from symphony.domain.ids import IssueIdentifier
from symphony.domain.issue import Issue
from symphony.domain.settings import Settings
from symphony.runtime.effective import WorkflowShelf
from symphony.runtime.identity import Identity
from symphony.runtime.ports import WorkspacesFound
from symphony.workspaces.keeper import WorkspaceKeeper, removal_limiter
from symphony.workspaces.key import identifier_of, workspace_key
from symphony.workspaces.problems import WorkspaceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Keepers:
    """Makes keepers. `environment` is the daemon's; `removals` bounds what all of them delete at
    the same time."""

    identity: Identity
    environment: Mapping[str, str]
    shelf: WorkflowShelf
    removals: anyio.CapacityLimiter = field(default_factory=removal_limiter)

    def keeper(self, settings: Settings) -> WorkspaceKeeper:
        """The keeper of these settings; hooks inherit the secrets of no tracker."""
        return WorkspaceKeeper(
            settings.workspace.root,
            settings.hooks,
            owner=self.identity,
            workflow_directory=os.path.dirname(settings.workflow_path),
            environment=self.environment,
            secret_names=self.shelf.secret_names,
            secret_values=self.shelf.secret_values,
            removals=self.removals,
        )


class Cleaner:
    """Removes workspaces that no run uses, by the settings that they were made with."""

    def __init__(self, keepers: Keepers) -> None:
        self._keepers = keepers

    async def remove(self, issue: Issue, path: str | None, settings: Settings) -> str | None:
        """None, or what kept the workspace from being removed."""
        try:
            await self._keepers.keeper(settings).remove(issue, path=path)
        except WorkspaceError as error:
            return error.message
        return None

    async def on_disk(self, issues: Sequence[Issue], settings: Settings) -> tuple[Issue, ...]:
        """Those of the issues that have a workspace directory."""
        keys = await self._keys(settings)
        return tuple(issue for issue in issues if workspace_key(issue.identifier) in keys)

    async def found_on_disk(self, settings: Settings) -> WorkspacesFound:
        """Whose workspaces there are. Raises `OSError` where the root cannot be read."""
        names = [identifier_of(key) for key in await self._keys(settings)]
        return WorkspacesFound(
            identifiers=frozenset(IssueIdentifier(name) for name in names if name is not None),
            has_others=None in names,
        )

    async def _keys(self, settings: Settings) -> frozenset[str]:
        return frozenset(await self._keepers.keeper(settings).existing_keys())

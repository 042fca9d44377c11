"""Mutants of workspaces: their names, where they lie, and what is left in them."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace as changed

from symphony.domain.issue import Issue
from symphony.processes import lock
from symphony.workspaces import containment, keeper, key
from symphony.workspaces.keeper import Workspace, WorkspaceKeeper
from symphony.workspaces.key import WorkspaceKey
from symphony.workspaces.problems import NOT_A_DIRECTORY, WorkspaceError
from tests.mutants.patching import replace, replace_in
from tests.mutants.registry import mutant

_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9._-]")


def _named(make: Callable[[str, str], str]) -> None:
    """Name the workspaces of identifiers that are not allowed as they are in another way; `make`
    gets the identifier and what it is without the characters that are not allowed."""
    original = key.workspace_key

    def workspace_key(identifier: str) -> WorkspaceKey:
        plain = _NOT_ALLOWED.sub("_", identifier)
        if plain == identifier:
            return original(identifier)
        return WorkspaceKey(make(identifier, plain))

    replace(key, "workspace_key", workspace_key)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[: key.SUFFIX_LENGTH]


@mutant(
    "key_changes_with_the_process",
    kills=("workspace.key.stable",),
    about="The suffix of a directory name is a hash with a salt of this process.",
)
def _() -> None:
    salt = secrets.token_hex(8)
    _named(lambda identifier, plain: f"{plain}-{_digest(salt + identifier)}")


@mutant(
    "key_without_suffix",
    kills=("workspace.key.sanitised", "workspace.key.distinct"),
    about="Characters that are not allowed become `_`, and that is all.",
)
def _() -> None:
    _named(lambda _, plain: plain)


@mutant(
    "key_of_the_sanitised_text",
    kills=("workspace.key.distinct",),
    about="The suffix is derived from the sanitised text, so that MT/1 and MT:1 share a directory.",
)
def _() -> None:
    _named(lambda _, plain: f"{plain}-{_digest(plain)}")


@mutant(
    "key_suffix_of_32_bits",
    kills=("workspace.key.sanitised",),
    about="The suffix has eight hexadecimal digits.",
)
def _() -> None:
    _named(lambda identifier, plain: f"{plain}-{_digest(identifier)[:8]}")


@mutant(
    "key_minds_the_full_stop",
    kills=("workspace.key.unchanged",),
    about="An identifier with a full stop or an underscore is changed although both are allowed.",
)
def _() -> None:
    original = key.workspace_key

    def workspace_key(identifier: str) -> WorkspaceKey:
        if set("._") & set(identifier) and _NOT_ALLOWED.sub("_", identifier) == identifier:
            plain = identifier.replace(".", "_")
            return WorkspaceKey(f"{plain}-{_digest(identifier)}")
        return original(identifier)

    replace(key, "workspace_key", workspace_key)


@mutant(
    "symlink_is_followed",
    kills=("workspace.contain.symlink",),
    about="A symbolic link at the workspace path is worked in, wherever it leads.",
)
def _() -> None:
    original = containment.resolve_workspace

    def resolve(root: str, name: WorkspaceKey) -> str:
        path = containment.workspace_path(containment.real_root(root), name)
        return path if os.path.islink(path) else original(root, name)

    replace(containment, "resolve_workspace", resolve)


@mutant(
    "conflict_moves_the_agent",
    kills=("workspace.conflict.handled",),
    about="Where a file lies at the workspace path, the agent runs in another directory.",
)
def _() -> None:
    original = WorkspaceKeeper.prepare

    async def prepare(self: WorkspaceKeeper, issue: Issue) -> Workspace:
        try:
            return await original(self, issue)
        except WorkspaceError as problem:
            if problem.category != NOT_A_DIRECTORY:
                raise
            name = type(issue.identifier)(f"{issue.identifier}-2")
            return await original(self, changed(issue, identifier=name))

    replace(WorkspaceKeeper, "prepare", prepare)


@mutant(
    "workspace_is_emptied_for_each_run",
    kills=("workspace.reuse.across_runs", "recovery.restart.redispatch"),
    about="A workspace that is there already loses its content before a run.",
)
def _() -> None:
    original = WorkspaceKeeper.prepare

    async def prepare(self: WorkspaceKeeper, issue: Issue) -> Workspace:
        workspace = await original(self, issue)
        if not workspace.created_now:
            for entry in os.scandir(workspace.path):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    os.unlink(entry.path)
        return workspace

    replace(WorkspaceKeeper, "prepare", prepare)


@mutant(
    "root_is_open_to_all",
    kills=("security.root.permissions",),
    about="A workspace root that the service makes can be read by other users.",
)
def _() -> None:
    replace_in(lock, "_PRIVATE", 0o755)
    replace_in(keeper, "_PRIVATE", 0o755)


@mutant(
    "root_is_not_locked",
    kills=("recovery.root.exclusive",),
    about="A second service on the same workspace root starts.",
)
def _() -> None:
    def open_only(root: str) -> int:
        return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    replace(lock, "_open_and_lock", open_only)

"""Keep every workspace directly under its root.

`workspace_path` judges text; `resolve_workspace` also looks at what lies there, and is to be called
before a workspace is prepared, launched in, or removed, because the answer holds only for now. A
symbolic link is refused wherever it leads: one inside of the root would share a workspace. The root
itself may be reached by a link; paths are built on the real root. Requirements:
`workspace.contain.*`, `workspace.conflict.handled`.
"""

from __future__ import annotations

import os
import stat

from symphony.workspaces.key import WorkspaceKey
from symphony.workspaces.problems import (
    NOT_A_DIRECTORY,
    NOT_READABLE,
    OUTSIDE_ROOT,
    WorkspaceError,
)


def is_inside(root: str, path: str) -> bool:
    """Whether normalised text leads below the root, and not to the root itself."""
    root, path = os.path.normpath(root), os.path.normpath(path)
    both_absolute = os.path.isabs(root) and os.path.isabs(path)
    return both_absolute and root != path and os.path.commonpath((root, path)) == root


def workspace_path(root: str, key: WorkspaceKey) -> str:
    """The path of a key on an absolute root. Raises `WorkspaceError` if it is not its child."""
    path = os.path.join(root, key)
    if not _is_name(key) or os.path.dirname(path) != root or not is_inside(root, path):
        raise WorkspaceError(
            OUTSIDE_ROOT,
            f"the workspace {path!r} is not a directory directly under the root {root!r}",
            "Nothing was run or removed there. Set workspace.root to an absolute path.",
            path=path,
        )
    return path


def resolve_workspace(root: str, key: WorkspaceKey) -> str:
    """The real absolute path of a workspace that exists or may be created.

    Raises `WorkspaceError` if that would leave the root, or if something other than a directory
    lies there (decision 20: it is refused, never replaced).
    """
    path = workspace_path(real_root(root), key)
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return path
    except OSError as problem:
        raise WorkspaceError(
            NOT_READABLE,
            f"the workspace {path!r} cannot be looked at: {problem.strerror}",
            "Check that the workspace root is a directory that the daemon can use.",
            path=path,
        ) from problem
    if not stat.S_ISDIR(mode):
        kind = "a symbolic link" if stat.S_ISLNK(mode) else "not a directory"
        raise WorkspaceError(
            NOT_A_DIRECTORY,
            f"{path!r} should be a workspace but is {kind}",
            "Look at it, and move it away; the next attempt then makes a directory.",
            path=path,
        )
    return path


def workspace_exists(root: str, key: WorkspaceKey) -> bool:
    """Whether there is a workspace. Raises as `resolve_workspace` does."""
    return os.path.isdir(resolve_workspace(root, key))


def key_of_recorded_path(root: str, path: str) -> WorkspaceKey:
    """The key in a path that was recorded when a workspace was prepared.

    Raises `WorkspaceError` if the path is not directly under the real root of today.
    """
    key = WorkspaceKey(os.path.basename(path))
    if workspace_path(real_root(root), key) == path:
        return key
    raise WorkspaceError(
        OUTSIDE_ROOT,
        f"the recorded workspace {path!r} is not directly under the root {root!r}",
        "It was left alone. The root may have been moved; remove the directory by hand.",
        path=path,
    )


def real_root(root: str) -> str:
    """The root without links. The path is made absolute first."""
    return os.path.realpath(root)


def _is_name(key: str) -> bool:
    return key not in {"", os.curdir, os.pardir} and "/" not in key and "\0" not in key

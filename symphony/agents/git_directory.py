"""Which git directory an agent must be able to write in order to commit.

Codex keeps `.git` of a workspace read-only, so that `git commit` fails in its sandbox. The
directories found here are made writable, and nothing else. The agent can write the workspace, and
so can whoever wrote the repository: a `.git` that leads elsewhere is believed only where the other
side confirms it, because otherwise a forged one would open any directory of the machine.

Known limits: whoever may write a repository may also write its hooks, which git runs for everybody
who uses it; and all worktrees of one repository share it.
"""

from __future__ import annotations

import os
import stat
from typing import Final

_MAX_POINTER_BYTES: Final = 8_192
"""Twice the longest path of Linux; a pointer file holds one path."""
_GITDIR_PREFIX: Final = "gitdir:"


def writable_git_directories(workspace: str) -> tuple[str, ...]:
    """The real paths to add to the writable roots; empty where there is no trustworthy one.

    A plain repository has one, `<workspace>/.git`. A worktree has two, the shared directory of the
    repository and its own under `worktrees/`: Codex protects the latter by itself.
    """
    marker = os.path.join(workspace, ".git")
    try:
        mode = os.lstat(marker).st_mode
        if stat.S_ISDIR(mode):
            return (os.path.join(os.path.realpath(workspace), ".git"),)
        if stat.S_ISREG(mode):
            return _worktree_directories(workspace, marker)
    except (OSError, ValueError):
        pass
    return ()


def _worktree_directories(workspace: str, marker: str) -> tuple[str, ...]:
    pointer = _read_path(marker)
    if not pointer.startswith(_GITDIR_PREFIX):
        return ()
    own = os.path.realpath(os.path.join(workspace, pointer.removeprefix(_GITDIR_PREFIX).strip()))
    shared = os.path.realpath(os.path.join(own, _read_path(os.path.join(own, "commondir"))))
    # realpath before comparing: no symbolic link may stand between the two.
    if own != os.path.join(shared, "worktrees", os.path.basename(own)):
        return ()
    back = os.path.join(own, _read_path(os.path.join(own, "gitdir")))
    if os.path.basename(back) != ".git":
        return ()
    if os.path.realpath(os.path.dirname(back)) != os.path.realpath(workspace):
        return ()
    return (shared, own)


def _read_path(file: str) -> str:
    """The path that a pointer file holds. Raises `OSError` or `ValueError` where it holds none."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as pointer:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError(f"{file} is no regular file")
        content = pointer.read(_MAX_POINTER_BYTES + 1)
    if len(content) > _MAX_POINTER_BYTES or b"\0" in content:
        raise ValueError(f"{file} is no pointer file")
    path = os.fsdecode(content).rstrip("\r\n")
    if not path or "\n" in path:
        raise ValueError(f"{file} holds no path")
    return path

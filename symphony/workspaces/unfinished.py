"""A note that a workspace is not whole: not filled yet, or not removed to the end.

It lies beside the workspace, because a hook such as `git clone URL .` needs an empty directory. It
is written before the directory is made or taken apart, and goes when `after_create` has succeeded
or the directory is gone. What has one is made anew before anybody works in it; one is left where
the daemon was killed in between, or where something in the directory could not be removed.
"""

from __future__ import annotations

import hashlib
import os

from symphony.workspaces.key import WorkspaceKey
from symphony.workspaces.problems import NOT_REMOVED, WorkspaceError


def note_unfinished(root: str, key: WorkspaceKey) -> None:
    """Raises `OSError` where the note cannot be written."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(_note(root, key), flags, 0o600)
    with os.fdopen(descriptor, "w") as note:
        note.write(f"{key}: not filled to the end, or not removed to the end\n")


def is_unfinished(root: str, key: WorkspaceKey) -> bool:
    """Whether filling or removing this workspace was cut off."""
    return os.path.lexists(_note(root, key))


def forget_unfinished(root: str, key: WorkspaceKey) -> None:
    """Take the note away where there is one.

    Raises `WorkspaceError` where that fails: a finished workspace must not carry one.
    """
    note = _note(root, key)
    try:
        os.unlink(note)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as problem:
        raise WorkspaceError(
            NOT_REMOVED,
            f"the note {note!r} cannot be removed: {problem.strerror}",
            "Check that the workspace root is a directory that the daemon can write to.",
            path=note,
        ) from problem


def _note(root: str, key: WorkspaceKey) -> str:
    # A key may be as long as a name can be, and `~` stands in no key.
    digest = hashlib.sha256(key.encode()).hexdigest()
    return os.path.join(root, f".{digest[:20]}~unfinished")

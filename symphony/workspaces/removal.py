"""Remove one directory tree, and nothing else.

Everything is done relative to descriptors of directories that were opened without following links,
so a link or a renamed directory cannot lead the removal elsewhere. Read-only directories are made
writable on the way, entries that vanish are fine, and entries that appear meanwhile are removed in
another pass. What is mounted inside is not touched. Blocks; asynchronous callers use a thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from symphony.workspaces.problems import NOT_REMOVED, WorkspaceError

REMOVAL_PASSES: Final = 20
"""How often a directory that fills up again is emptied. Its processes have been ended before, so
this only has to outlast what the system itself adds late."""
_BETWEEN_PASSES_S: Final = 0.05
_DEEPEST: Final = 64
"""Levels held open at once. What lies deeper is moved up first, so that no tree is too deep."""
_OPEN_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CHANGED_MEANWHILE: Final = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.EISDIR, errno.ENOTDIR})


def remove_tree(parent: str, name: str) -> bool:
    """Remove the directory `name` in `parent`; False where there was none.

    Raises `WorkspaceError` where it is not a directory or something in it cannot be removed.
    """
    try:
        descriptor = os.open(parent, _OPEN_DIRECTORY)
        try:
            return _remove_in_passes(descriptor, name)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return False
    except OSError as problem:
        path = os.path.join(parent, name)
        raise WorkspaceError(
            NOT_REMOVED,
            f"the workspace {path!r} cannot be removed: {problem.strerror}: {problem.filename!r}",
            "See what holds it (a mount, another user's file), and remove it by hand.",
            path=path,
        ) from problem


def _remove_in_passes(parent: int, name: str) -> bool:
    existed = False
    for _ in range(REMOVAL_PASSES):
        try:
            with _opened(parent, name) as top:
                existed = True
                while _empty(top, top, 0):
                    pass
            os.rmdir(name, dir_fd=parent)
        except FileNotFoundError:
            return existed
        except OSError as problem:
            if problem.errno not in _CHANGED_MEANWHILE:
                raise
            if problem.errno == errno.ENOTDIR and not existed:
                raise
        else:
            return True
        time.sleep(_BETWEEN_PASSES_S)
    raise OSError(errno.ENOTEMPTY, "it fills up again while it is being emptied", name)


def _empty(directory: int, top: int, depth: int) -> bool:
    """Remove what is in the directory; True where something was moved up to `top` instead."""
    with os.scandir(directory) as entries:
        listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    moved = False
    for name, is_directory in listed:
        with contextlib.suppress(FileNotFoundError):
            if is_directory:
                moved |= _remove_directory(directory, name, top, depth + 1)
            else:
                os.unlink(name, dir_fd=directory)
    return moved


def _remove_directory(parent: int, name: str, top: int, depth: int) -> bool:
    with _opened(parent, name) as directory:
        if os.fstat(directory).st_dev != os.fstat(top).st_dev:
            raise OSError(errno.EXDEV, "another file system is mounted there", name)
        if depth >= _DEEPEST:
            os.rename(name, secrets.token_hex(16), src_dir_fd=parent, dst_dir_fd=top)
            return True
        moved = _empty(directory, top, depth)
    os.rmdir(name, dir_fd=parent)
    return moved


@contextmanager
def _opened(parent: int, name: str) -> Generator[int]:
    """A directory, opened without following a link, that its owner may read and change."""
    try:
        descriptor = os.open(name, _OPEN_DIRECTORY, dir_fd=parent)
    except PermissionError:
        _make_accessible(parent, name)
        descriptor = os.open(name, _OPEN_DIRECTORY, dir_fd=parent)
    try:
        if os.fstat(descriptor).st_mode & stat.S_IRWXU != stat.S_IRWXU:
            os.fchmod(descriptor, stat.S_IRWXU)
        yield descriptor
    finally:
        os.close(descriptor)


def _make_accessible(parent: int, name: str) -> None:
    """Give the owner all rights on a directory that cannot even be opened."""
    if os.chmod in os.supports_follow_symlinks:
        os.chmod(name, stat.S_IRWXU, dir_fd=parent, follow_symlinks=False)
        return
    # Linux changes modes without following links only by way of a descriptor that opens nothing.
    descriptor = os.open(name, os.O_PATH | _OPEN_DIRECTORY, dir_fd=parent)
    try:
        os.chmod(f"/proc/self/fd/{descriptor}", stat.S_IRWXU)
    finally:
        os.close(descriptor)

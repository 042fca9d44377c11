"""One daemon per workspace root.

The lock is a `flock` on the root directory itself: nothing is left behind, the kernel releases it
when the daemon dies in whatever way, and no child inherits it. A root that is replaced by another
directory of the same name is another root; `is_current` tells.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import Final

from symphony.domain.problems import Problem, ProblemError
from symphony.processes.table import command_line

_ATTEMPTS: Final = 3
"""How often a root may be replaced between opening and locking it before that is a problem."""
_PRIVATE: Final = 0o700
"""A root that we create is readable by the daemon's user only."""


class RootLock:
    """The lock on one workspace root, held until `release` or the end of the process."""

    def __init__(self, root: str, descriptor: int) -> None:
        self.root = root
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, root: str) -> RootLock:
        """Create the root where it is missing, and lock it.

        Raises `ProblemError`: `workspace_root_in_use` names who holds it,
        `workspace_root_unusable` says why the directory cannot be created, opened or locked.
        """
        try:
            os.makedirs(root, mode=_PRIVATE, exist_ok=True)
            for _ in range(_ATTEMPTS):
                lock = cls(root, _open_and_lock(root))
                if lock.is_current():
                    return lock
                lock.release()
        except BlockingIOError:
            raise ProblemError(_in_use(root)) from None
        except OSError as problem:
            raise ProblemError(_unusable(root, problem.strerror or str(problem))) from problem
        raise ProblemError(_unusable(root, "it keeps being replaced by another directory"))

    def is_current(self) -> bool:
        """Whether the root's path still leads to the directory that is locked."""
        return self.holds(self.root)

    def holds(self, path: str) -> bool:
        """Whether the path leads to the directory that is locked, by whatever way."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(path))
        except OSError:
            return False

    def release(self) -> None:
        """Idempotent."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            # Unlocked by hand, because a child between fork and exec may still hold a copy.
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def _open_and_lock(root: str) -> int:
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def find_holders(root: str) -> tuple[int, ...]:
    """The pids that hold a lock on the directory; empty where the system does not tell."""
    held: dict[tuple[str, str], list[int]] = {}
    with contextlib.suppress(OSError), open("/proc/locks") as locks:
        for line in locks:
            fields = line.split()
            if len(fields) >= 6 and fields[1] == "FLOCK":
                device, _, inode = fields[5].rpartition(":")
                held.setdefault((device, inode), []).append(int(fields[4]))
    try:
        status = os.stat(root)
    except OSError:
        return ()
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
    return tuple(held.get((device, str(status.st_ino)), ()))


def _in_use(root: str) -> Problem:
    holders = [pid for pid in find_holders(root) if pid > 0]
    names = [
        f"process {pid} ({command_line(pid) or 'command line not readable'})" for pid in holders
    ]
    holder = " and ".join(names) or "another process"
    return Problem(
        code="workspace_root_in_use",
        message=f"the workspace root {root} is in use by {holder}",
        remedy="Stop that daemon, or set workspace.root to another directory: two daemons on one "
        "root would run two agents on one issue.",
        key="workspace.root",
    )


def _unusable(root: str, reason: str) -> Problem:
    return Problem(
        code="workspace_root_unusable",
        message=f"the workspace root {root} cannot be used: {reason}",
        remedy="Set workspace.root to a directory on a local disk that the daemon can write to.",
        key="workspace.root",
    )

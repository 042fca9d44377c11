"""The workspace roots that this daemon holds.

A root is locked before anything runs in it and swept of what a dead daemon left there. A reload may
bring another root; earlier ones stay held, because sessions may still work in them.
"""

from __future__ import annotations

import logging

import anyio.to_thread

from symphony.domain.problems import Problem, ProblemError
from symphony.processes.lock import RootLock
from symphony.processes.owner import root_fingerprint
from symphony.processes.sweep import sweep_leftovers

logger = logging.getLogger(__name__)


class WorkspaceRoots:
    """Locks by path."""

    def __init__(self, daemon_id: str) -> None:
        self._daemon_id = daemon_id
        self._locks: dict[str, RootLock] = {}

    async def take(self, root: str) -> None:
        """Hold this root, under whatever name it is held already.

        Raises `ProblemError` where another daemon has it, or where what a dead one left there
        cannot be looked for; nothing is held then that was not held before.
        """
        if await anyio.to_thread.run_sync(self._holds, root):
            return
        lock = await anyio.to_thread.run_sync(RootLock.acquire, root)
        try:
            await self._sweep(root)
        except BaseException as error:
            lock.release()
            if isinstance(error, OSError | RuntimeError):
                raise ProblemError(_not_swept(root, error)) from error
            raise
        before = self._locks.get(root)
        self._locks[root] = lock
        if before is not None:
            before.release()
            logger.warning("workspace_root_replaced", extra={"fields": {"path": root}})

    def _holds(self, root: str) -> bool:
        return any(lock.holds(root) for lock in tuple(self._locks.values()))

    def release_all(self) -> None:
        """Give every root back. Idempotent."""
        for lock in self._locks.values():
            lock.release()
        self._locks.clear()

    async def _sweep(self, root: str) -> None:
        report = await anyio.to_thread.run_sync(
            sweep_leftovers, root_fingerprint(root), self._daemon_id
        )
        for process in report.ended:
            fields = {"pid": process.pid, "command": process.command}
            logger.warning("leftover_process_ended", extra={"fields": fields})
        if report.survivors:
            pids = " ".join(str(pid) for pid in report.survivors)
            logger.error("leftover_processes_survived", extra={"fields": {"pids": pids}})


def _not_swept(root: str, error: OSError | RuntimeError) -> Problem:
    return Problem(
        code="workspace_root_not_swept",
        message=f"what an earlier daemon may have left in {root} cannot be looked for: {error}",
        remedy="The daemon is short of descriptors, threads or memory: raise its limits, or let it "
        "run fewer agents. It looks again at the next tick.",
        key="workspace.root",
    )

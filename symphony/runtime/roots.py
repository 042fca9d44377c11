"""The workspace roots that this daemon holds.

A root is locked before anything runs in it and swept of what a dead daemon left there. A reload may
bring another root; earlier ones stay held, because sessions may still work in them.
"""

from __future__ import annotations

import logging

import anyio
import anyio.to_thread

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
        """Hold this root. Raises `ProblemError` where another daemon does."""
        held = self._locks.get(root)
        if held is not None and held.is_current():
            return
        self._locks[root] = await anyio.to_thread.run_sync(RootLock.acquire, root)
        if held is not None:
            held.release()
        await self._sweep(root)

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

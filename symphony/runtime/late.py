"""What is imported only while the first answer of the tracker is on its way.

An agent can start no sooner than the tracker has named an issue; the code that runs agents is made
ready in that time instead of before it. Nothing is skipped: whoever needs it earlier waits for it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import anyio
import anyio.to_thread

from symphony.domain.run import RunOutcome, RunRequest
from symphony.runtime.effective import EffectiveWorkflow
from symphony.runtime.ports import Report, RunWorker

PATIENCE_S = 1.0
"""How long everything that can wait does so where no read is begun."""


class LateWorker:
    """A worker that `make` makes, once: in a thread, or without one where there is none."""

    def __init__(self, make: Callable[[], RunWorker]) -> None:
        self._make = make
        self._made: RunWorker | None = None
        self._lock = threading.Lock()

    async def prepare(self) -> None:
        """Make it now."""
        await self._made_now()

    async def run(
        self, request: RunRequest, workflow: EffectiveWorkflow, report: Report
    ) -> RunOutcome:
        worker = self._made or await self._made_now()
        return await worker.run(request, workflow, report)

    async def _made_now(self) -> RunWorker:
        # Out of threads is no reason to end a daemon that has started.
        with contextlib.suppress(RuntimeError):
            return await anyio.to_thread.run_sync(self._get)
        return self._get()

    def _get(self) -> RunWorker:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

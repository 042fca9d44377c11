"""Twins in memory for whoever embeds or tests the runtime.

They hold to the same contracts as the real ones and need no files, processes, network or waiting.
A `VirtualClock` must never run beside real processes, threads or files: it jumps ahead of them.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import anyio
import anyio.lowlevel

from symphony.domain.ids import IssueIdentifier
from symphony.domain.issue import Issue
from symphony.domain.run import RunOutcome, RunRequest, RunUpdate
from symphony.domain.settings import Settings
from symphony.runtime.effective import EffectiveWorkflow
from symphony.runtime.ports import Report, WorkspacesFound
from symphony.scheduler.moment import Moment
from symphony.workspaces.key import workspace_key

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

# Chains of tasks that hand something on are shorter than this.
_TURNS_TO_SETTLE = 40


async def settle() -> None:
    """Return when every task waits for something outside of the event loop."""
    for _ in range(_TURNS_TO_SETTLE):
        await anyio.lowlevel.checkpoint()
    # Exact, but it sleeps for a tenth of a second whenever it has to look twice.
    await anyio.wait_all_tasks_blocked()


class VirtualClock:
    """Stands still until `advance` moves it; then every sleeper wakes in the order of its time."""

    def __init__(self) -> None:
        self._now_ms = 1_000_000
        self._sleepers: list[tuple[int, int, anyio.Event]] = []
        self._order = itertools.count()

    def now(self) -> Moment:
        utc = _EPOCH + timedelta(milliseconds=self._now_ms)
        return Moment(monotonic_ms=self._now_ms, utc=utc)

    async def sleep_until(self, monotonic_ms: int) -> None:
        if monotonic_ms <= self._now_ms:
            return
        woken = anyio.Event()
        heapq.heappush(self._sleepers, (monotonic_ms, next(self._order), woken))
        await woken.wait()

    async def advance(self, milliseconds: int) -> None:
        """Move on, stopping at each sleeper's time until everybody has done what follows."""
        await settle()
        end = self._now_ms + milliseconds
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, woken = heapq.heappop(self._sleepers)
            self._now_ms = max(self._now_ms, due)
            woken.set()
            await settle()
        self._now_ms = end
        await settle()


@dataclass(slots=True)
class ScriptedRun:
    """One run in the hands of a test: report what the agent did, then end it."""

    request: RunRequest
    workflow: EffectiveWorkflow
    _report: Report
    _ended: anyio.Event = field(default_factory=anyio.Event)
    _outcome: RunOutcome | None = None
    cancelled: bool = False

    async def report(self, update: RunUpdate) -> None:
        await self._report(update)
        await settle()

    async def end(self, outcome: RunOutcome) -> None:
        self._outcome = outcome
        self._ended.set()
        await settle()

    async def wait(self) -> RunOutcome:
        try:
            await self._ended.wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled = True
            raise
        assert self._outcome is not None  # noqa: S101  # set before the event
        return self._outcome


class ScriptedWorker:
    """Runs that do nothing by themselves."""

    def __init__(self) -> None:
        self.runs: list[ScriptedRun] = []

    async def run(
        self, request: RunRequest, workflow: EffectiveWorkflow, report: Report
    ) -> RunOutcome:
        run = ScriptedRun(request, workflow, report)
        self.runs.append(run)
        return await run.wait()

    def latest(self, identifier: str) -> ScriptedRun:
        """The newest run of this issue; KeyError where there was none."""
        for run in reversed(self.runs):
            if run.request.identifier == identifier:
                return run
        raise KeyError(identifier)

    def started(self) -> list[IssueIdentifier]:
        """The identifiers in the order in which runs were started."""
        return [run.request.identifier for run in self.runs]


class MemoryWorkspaces:
    """Workspaces that are only names."""

    def __init__(self) -> None:
        self.present: set[IssueIdentifier] = set()
        self.removed: list[tuple[IssueIdentifier, str | None]] = []

    async def remove(self, issue: Issue, path: str | None, settings: Settings) -> str | None:
        del settings
        self.present.discard(issue.identifier)
        self.removed.append((issue.identifier, path))
        return None

    async def on_disk(self, issues: Sequence[Issue], settings: Settings) -> tuple[Issue, ...]:
        del settings
        return tuple(issue for issue in issues if issue.identifier in self.present)

    async def found_on_disk(self, settings: Settings) -> WorkspacesFound:
        del settings
        # As with real ones: what is no plain name of a directory does not tell whose it is.
        plain = {each for each in self.present if workspace_key(each) == each}
        return WorkspacesFound(
            identifiers=frozenset(plain), has_others=len(plain) < len(self.present)
        )

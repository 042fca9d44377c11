"""A small company on virtual time: issues come in, agents work on them, people look after both.

Its agents are tasks on the clock of the daemon, so a week takes as long as its events take.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace

import anyio

from symphony.domain.ids import IssueId, ThreadId, TurnId
from symphony.domain.run import (
    AgentActivity,
    Failed,
    NeedsPerson,
    RateLimitsReported,
    RunOutcome,
    RunRequest,
    Succeeded,
    TokenUsage,
    TurnStarted,
    UsageReported,
    WorkspacePrepared,
)
from symphony.runtime.effective import EffectiveWorkflow
from symphony.runtime.ports import Report
from symphony.scheduler.events import PollRequested
from symphony.testing import VirtualClock
from symphony.trackers.errors import TrackerError
from symphony.trackers.memory import MemoryTracker
from tests.support.virtual_daemon import VirtualDaemon, make_issue, make_settings

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
# A day has four shifts. New work comes in the first half of each, the rest is enough to finish it.
SHIFT_HOURS = 6
INTAKE_MINUTES = 180


@dataclass(slots=True)
class OfficeAgents:
    """Runs that take minutes, and end well for the most part."""

    clock: VirtualClock
    board: MemoryTracker
    rng: random.Random
    ended: Counter[str] = field(default_factory=Counter[str])

    async def run(
        self, request: RunRequest, workflow: EffectiveWorkflow, report: Report
    ) -> RunOutcome:
        del workflow
        path = f"/workspaces/{request.identifier}"
        await report(WorkspacePrepared(path=path, created_now=request.attempt is None))
        thread = ThreadId(f"thread-{request.run_id}")
        await report(TurnStarted(thread_id=thread, turn_id=TurnId("1"), number=1))
        for minute in range(1, self.rng.randrange(3, 10)):
            await self._rest(MINUTE_MS)
            await report(AgentActivity(event="notification", message=f"minute {minute}"))
            used = TokenUsage(input_tokens=900 * minute, total_tokens=1_000 * minute)
            await report(UsageReported(thread_id=thread, total=used))
        await report(RateLimitsReported(limits={"primary": {"usedPercent": request.run_id % 100}}))
        return await self._end(request)

    async def _end(self, request: RunRequest) -> RunOutcome:
        chance = self.rng.random()
        if chance < 0.05:
            self.ended["went silent"] += 1
            await anyio.sleep_forever()
        if chance < 0.15:
            self.ended["failed"] += 1
            return Failed(category="port_exit", message="the agent ended with code 1")
        if chance < 0.20:
            self.ended["asked"] += 1
            return NeedsPerson(request="user_input", question="Which of the two?")
        self.ended["succeeded"] += 1
        self.board.set_state(request.issue.id, "Done")
        return Succeeded()

    async def _rest(self, milliseconds: int) -> None:
        await self.clock.sleep_until(self.clock.now().monotonic_ms + milliseconds)


@dataclass(slots=True)
class Office:
    """What people do around the daemon."""

    daemon: VirtualDaemon
    rng: random.Random
    born: int = 0
    open: list[IssueId] = field(default_factory=list[IssueId])

    async def shift(self, issues: int) -> None:
        """Six hours, in which so many issues come in and all get done."""
        for _ in range(issues):
            self._somebody_writes_an_issue()
            await self.daemon.clock.advance(INTAKE_MINUTES * MINUTE_MS // issues)
            await self._something_else_happens()
        quarter_ms = (SHIFT_HOURS * 60 - INTAKE_MINUTES) * MINUTE_MS // 12
        for _ in range(12):
            self._people_answer()
            await self.daemon.clock.advance(quarter_ms)
        self._archive()

    async def idle_shift(self) -> None:
        """Six hours in which nothing happens."""
        await self.daemon.clock.advance(SHIFT_HOURS * HOUR_MS)

    def _somebody_writes_an_issue(self) -> None:
        self.born += 1
        issue = make_issue(f"A-{self.born}", priority=self.rng.choice((None, 1, 2, 3)))
        self.daemon.tracker.put(issue)
        self.open.append(issue.id)

    async def _something_else_happens(self) -> None:
        match self.rng.randrange(4):
            case 0:
                rest = self.rng.choice((None, 120_000))
                error = TrackerError("tracker_status", "status 503", retry_after_ms=rest)
                self.daemon.tracker.fail_next(error, times=2)
            case 1:
                slots = self.rng.choice((2, 5, 10))
                await self.daemon.reload(make_settings(f"{self.born}", slots=slots))
            case 2:
                await self.daemon.post(PollRequested())
            case _:
                self._people_answer()

    def _people_answer(self) -> None:
        board = self.daemon.tracker
        for row in self.daemon.snapshot().blocked:
            known = board.current(row.issue.id)
            board.put(replace(known, description=f"{known.description or ''}."))

    def _archive(self) -> None:
        """What is done leaves the board, as it leaves the view of a real one."""
        for issue_id in list(self.open):
            if self.daemon.tracker.current(issue_id).state == "Done":
                self.daemon.tracker.remove(issue_id)
                self.open.remove(issue_id)

    def forget_the_past(self) -> None:
        """The twins write down what they were asked; that is no memory of the daemon."""
        self.daemon.tracker.requests.clear()
        self.daemon.workspaces.removed.clear()
        self.daemon.checks.clear()

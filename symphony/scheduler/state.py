"""Everything the scheduler knows. Only `step` and the functions it calls change it.

An issue is claimed exactly if it is running, waiting for a retry, parked, or having its workspace
removed. The claim is derived from those four maps and not kept beside them, so it cannot leak.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias

from symphony.domain.ids import (
    IssueId,
    IssueIdentifier,
    RunId,
    SessionId,
    ThreadId,
    TurnId,
    session_id,
)
from symphony.domain.issue import Issue, state_key, state_keys
from symphony.domain.json import JsonObject
from symphony.domain.run import OperatorAnswer, RunPhase, StopReason, TokenUsage
from symphony.domain.settings import Settings
from symphony.scheduler.moment import Moment
from symphony.scheduler.usage import RunUsage

# What a person may want to see of a run; older events are in the session log.
RECENT_EVENTS = 20

STOPPED_BY_OPERATOR: Final = "stopped"
"""The request of a parked issue that an operator stopped; its agent asked nothing."""

RetryKind: TypeAlias = Literal["continuation", "failure", "answer"]
WaitingFor: TypeAlias = Literal["time", "slot", "workflow", "refresh"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentEvent:
    at: datetime
    event: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The workspace that a run used, with the settings that it was made with: those in force may
    name another root by the time it is removed (`reconcile.cleanup.recorded_path`). `name` is the
    identifier that the directory was named after; the issue may be called otherwise by now."""

    path: str
    name: IssueIdentifier
    settings: Settings


@dataclass(slots=True, kw_only=True)
class Running:
    """A run that was started and has not ended, stopping ones included. `name` is what its issue
    was called then, and its workspace with it."""

    run_id: RunId
    name: IssueIdentifier
    issue: Issue
    attempt: int | None
    failures: int
    started: Moment
    settings: Settings
    answer: OperatorAnswer | None = None
    phase: RunPhase = RunPhase.PREPARING_WORKSPACE
    workspace_path: str | None = None
    pid: int | None = None
    thread_id: ThreadId | None = None
    turn_id: TurnId | None = None
    turn_count: int = 0
    last_event: str | None = None
    last_message: str = ""
    last_event_at: datetime | None = None
    last_progress_ms: int | None = None
    usage: RunUsage = field(default_factory=RunUsage)
    stopping: StopReason | None = None
    recent: deque[RecentEvent] = field(
        default_factory=lambda: deque[RecentEvent](maxlen=RECENT_EVENTS)
    )

    @property
    def place(self) -> Place | None:
        """None until the workspace was prepared."""
        if self.workspace_path is None:
            return None
        return Place(path=self.workspace_path, name=self.name, settings=self.settings)

    @property
    def session_id(self) -> SessionId | None:
        """None until the first turn started."""
        if self.thread_id is None or self.turn_id is None:
            return None
        return session_id(self.thread_id, self.turn_id)


@dataclass(slots=True, kw_only=True)
class Retry:
    """A queued retry. `epoch` tells its timer and its read from those of earlier retries.

    `failures` counts failed runs in a row; a continuation has none. `attempt` is what the next run
    is told, with the `answer` of an operator. `place` is where the last run worked.
    """

    issue: Issue
    attempt: int
    failures: int
    kind: RetryKind
    due: Moment
    epoch: int
    error: str | None = None
    waiting_for: WaitingFor = "time"
    place: Place | None = None
    answer: OperatorAnswer | None = None


@dataclass(slots=True, kw_only=True)
class Parked:
    """An issue that waits for a person: its agent asked what only a person can answer, or an
    operator stopped it. `epoch` is the number of the question. `thread_id` is where the agent
    asked. `baseline` is the issue as the agent left it, None until it was read; `asked` tells with
    what it is being read for that."""

    issue: Issue
    request: str
    question: str
    since: Moment
    epoch: int
    attempt: int | None
    place: Place | None
    thread_id: ThreadId | None = None
    baseline: Issue | None = None
    asked: Settings | None = None


@dataclass(slots=True, kw_only=True)
class Cleaning:
    """An issue whose workspace is being removed."""

    issue: Issue
    since: Moment
    place: Place | None


TickPhase: TypeAlias = Literal["reconciling", "checking", "fetching"]


@dataclass(slots=True, kw_only=True)
class Tick:
    """`settings` tells with what the tick asked last, `asked` when it asked for candidates."""

    epoch: int
    phase: TickPhase
    asked: int = 0
    settings: Settings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A candidate of the last poll that was not started, with the code that says why."""

    issue: Issue
    code: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Refill:
    """The read that fills freed slots. `armed` and `reading` coalesce many freed slots into one.

    `epoch` is that of the timer while it is armed, and that of the read while it is under way.
    """

    epoch: int = 0
    armed: bool = False
    reading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPoll:
    """How the last completed candidate read went."""

    at: datetime
    candidates: int
    problem: str | None = None


@dataclass(slots=True, kw_only=True)
class SchedulerState:
    settings: Settings
    running: dict[IssueId, Running] = field(default_factory=dict[IssueId, Running])
    retrying: dict[IssueId, Retry] = field(default_factory=dict[IssueId, Retry])
    parked: dict[IssueId, Parked] = field(default_factory=dict[IssueId, Parked])
    cleaning: dict[IssueId, Cleaning] = field(default_factory=dict[IssueId, Cleaning])
    waiting: dict[IssueId, Waiting] = field(default_factory=dict[IssueId, Waiting])
    backlog: list[Issue] = field(default_factory=list[Issue])
    workflow_problem: str | None = None
    tick: Tick | None = None
    tick_epoch: int = 0
    last_tick_ms: int | None = None
    poll_again: bool = False
    hold_reads_until_ms: int | None = None
    refill: Refill = field(default_factory=Refill)
    last_poll: LastPoll | None = None
    starting: bool = False
    judged_candidates: bool = False
    """Whether any list of candidates was judged since the start."""
    started_with: Settings | None = None
    draining: bool = False
    completed_runs: int = 0
    ended_seconds: float = 0.0
    totals: TokenUsage = field(default_factory=TokenUsage)
    rate_limits: JsonObject | None = None
    settled: dict[IssueId, int] = field(default_factory=dict[IssueId, int])
    run_counter: int = 0
    epoch_counter: int = 0

    def next_run_id(self) -> RunId:
        self.run_counter += 1
        return RunId(self.run_counter)

    def next_epoch(self) -> int:
        self.epoch_counter += 1
        return self.epoch_counter

    def settle(self, issue_id: IssueId) -> None:
        """Note that something was decided about an unclaimed issue now.

        A slow read that was asked for before may still show the issue as it was, and must not
        start it (`claim.release.redispatch` holds for what is read later).
        """
        self.settled[issue_id] = self.next_epoch()

    def is_outdated(self, issue_id: IssueId, asked: int) -> bool:
        """Whether a read that was asked for at this epoch may be behind what is known."""
        return self.settled.get(issue_id, 0) > asked

    def running_by_run(self, run_id: RunId) -> Running | None:
        """The entry of this run, or None where the run is not current any more."""
        for entry in self.running.values():
            if entry.run_id == run_id:
                return entry
        return None

    def claim_of(self, issue_id: IssueId) -> str | None:
        """Why the issue is claimed: `running`, `retrying`, `parked`, `cleaning`, or None."""
        if issue_id in self.running:
            return "running"
        if issue_id in self.retrying:
            return "retrying"
        if issue_id in self.parked:
            return "parked"
        return "cleaning" if issue_id in self.cleaning else None

    def identifiers_in_use(self) -> dict[IssueIdentifier, IssueId]:
        """Whose claim holds the workspace directory of an identifier.

        A retry and a parked issue hold theirs too: their work lies in it, and it may be removed on
        their behalf at any time. An issue that was renamed holds both names.
        """
        claims = (self.retrying, self.parked, self.cleaning, self.running)
        held = [(key, entry) for claim in claims for key, entry in claim.items()]
        used = {entry.issue.identifier: key for key, entry in held}
        used |= {entry.place.name: key for key, entry in held if entry.place is not None}
        return used | {entry.name: key for key, entry in self.running.items()}

    def is_terminal(self, issue: Issue) -> bool:
        """A state in both lists is terminal (`eligibility.state.terminal_wins`)."""
        return state_key(issue.state) in state_keys(self.settings.tracker.terminal_states)

    def is_active(self, issue: Issue) -> bool:
        active = state_keys(self.settings.tracker.active_states)
        return state_key(issue.state) in active and not self.is_terminal(issue)

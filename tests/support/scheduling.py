"""Builders and a driver for tests of the scheduler, so that these read like sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from symphony.domain.ids import IssueId, IssueIdentifier, RunId
from symphony.domain.issue import Issue, state_key
from symphony.domain.run import (
    Failed,
    NeedsPerson,
    RunOutcome,
    RunUpdate,
    Stopped,
    StopReason,
    Succeeded,
    WorkspacePrepared,
)
from symphony.domain.settings import (
    AgentSettings,
    CodexSettings,
    PollingSettings,
    Settings,
    TrackerSettings,
    WorkspaceSettings,
)
from symphony.scheduler.commands import (
    Announce,
    ArmTimer,
    CheckWorkflow,
    Command,
    ReadCandidates,
    ReadIssues,
    ReadTerminal,
    RefillTimer,
    RemoveWorkspace,
    RetryTimer,
    StartRun,
    StopRun,
    TickTimer,
    Timer,
)
from symphony.scheduler.events import (
    Answer,
    CandidatesRead,
    DaemonStarted,
    Event,
    IssuesRead,
    ReadFailure,
    RefillDue,
    RetryDue,
    RunEnded,
    RunReported,
    TerminalRead,
    TickDue,
    WorkflowAccepted,
    WorkflowChecked,
    WorkspaceRemoved,
)
from symphony.scheduler.moment import Moment
from symphony.scheduler.snapshot import RetryRow, Snapshot, take_snapshot
from symphony.scheduler.state import Running, SchedulerState
from symphony.scheduler.step import step

START = datetime(2026, 1, 1, tzinfo=UTC)
C = TypeVar("C")
Question = ReadIssues | ReadCandidates | ReadTerminal | CheckWorkflow | RemoveWorkspace


def issue(
    name: str,
    *,
    state: str = "Todo",
    priority: int | None = None,
    labels: tuple[str, ...] = (),
    created: int | None = 0,
    dispatchable: bool = True,
    description: str | None = None,
    identifier: str | None = None,
    title: str = "a title",
) -> Issue:
    """An eligible issue unless told otherwise. `created` counts minutes. Its id is not its name."""
    return Issue(
        id=id_of(name),
        identifier=IssueIdentifier(name if identifier is None else identifier),
        title=title,
        state=state,
        dispatchable=dispatchable,
        description=description,
        priority=priority,
        labels=labels,
        created_at=None if created is None else START + timedelta(minutes=created),
    )


def id_of(name: str) -> IssueId:
    """The id that `issue(name)` has."""
    return IssueId(f"id-{name}")


def settings(
    *,
    slots: int = 10,
    by_state: Mapping[str, int] | None = None,
    interval_ms: int = 30_000,
    stall_ms: int = 300_000,
    backoff_cap_ms: int = 300_000,
    labels: tuple[str, ...] = (),
    active: tuple[str, ...] = ("Todo", "In Progress", "Rework"),
    terminal: tuple[str, ...] = ("Done", "Cancelled"),
    root: str = "/workspaces",
    revision: str = "1",
) -> Settings:
    """Settings as the loader makes them: the keys of `by_state` are normalised."""
    return Settings(
        workflow_path="/repository/WORKFLOW.md",
        revision=revision,
        tracker=TrackerSettings(
            kind="memory", required_labels=labels, active_states=active, terminal_states=terminal
        ),
        workspace=WorkspaceSettings(root=root),
        polling=PollingSettings(interval_ms=interval_ms),
        agent=AgentSettings(
            max_concurrent_agents=slots,
            max_retry_backoff_ms=backoff_cap_ms,
            max_concurrent_agents_by_state={
                state_key(name): limit for name, limit in (by_state or {}).items()
            },
        ),
        codex=CodexSettings(stall_timeout_ms=stall_ms),
    )


def moment(milliseconds: int) -> Moment:
    """So long after the start of time."""
    utc = START + timedelta(milliseconds=milliseconds)
    return Moment(monotonic_ms=milliseconds, utc=utc)


def timer_event(timer: Timer) -> Event:
    """What the runtime sends when this timer is due."""
    match timer:
        case TickTimer(epoch=epoch):
            return TickDue(epoch=epoch)
        case RetryTimer(issue_id=issue_id, epoch=epoch):
            return RetryDue(issue_id=issue_id, epoch=epoch)
        case RefillTimer(epoch=epoch):
            return RefillDue(epoch=epoch)


def timer_slot(timer: Timer) -> tuple[str, str]:
    """Timers with the same slot replace each other."""
    return type(timer).__name__, timer.issue_id if isinstance(timer, RetryTimer) else ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question without an answer yet, and the tracker as it was when it was asked."""

    question: Question
    seen: tuple[Issue, ...]


class Driver:
    """A scheduler with a tracker in memory, timers and obedient hands.

    Questions are answered at once, except those of a kind in `withheld`: these wait in `asked`
    until `answer` is called. Runs go on until a test ends them.
    """

    def __init__(self, *issues: Issue, settings: Settings) -> None:
        self.state = SchedulerState(settings=settings)
        self.tracker = {known.id: known for known in issues}
        self.now_ms = 1_000_000
        self.timers: dict[tuple[str, str], ArmTimer] = {}
        self.asked: list[Asked] = []
        self.withheld: set[type[Question]] = set()
        self.read_failure: ReadFailure | None = None
        self.removal_problem: str | None = None
        self.commands: list[Command] = []

    # What happens.

    def begin(self) -> Driver:
        """Start, clean up, and do the opening tick."""
        self.send(DaemonStarted())
        self.advance(0)
        return self

    def send(self, event: Event) -> list[Command]:
        """One event, and whatever is answered at once. Returns the commands of the event itself."""
        commands = self.decide(event)
        for command in commands:
            self.commands.append(command)
            if isinstance(command, ArmTimer):
                self.timers[timer_slot(command.timer)] = command
            elif isinstance(command, Question):
                self.asked.append(Asked(command, tuple(self.tracker.values())))
        self.answer_what_is_not_withheld()
        return commands

    def decide(self, event: Event) -> list[Command]:
        """The step itself."""
        return step(self.state, event, self.now)

    def advance(self, seconds: float) -> None:
        """Let time pass; timers fire at their time, in order."""
        end = self.now_ms + round(seconds * 1000)
        while armed := self._next_timer(end):
            self.now_ms = max(self.now_ms, armed.due_ms)
            del self.timers[timer_slot(armed.timer)]
            self.send(timer_event(armed.timer))
        self.now_ms = end

    def tick(self) -> None:
        """Let time pass until the next tick is over."""
        due_ms = self.timers["TickTimer", ""].due_ms
        self.advance((due_ms - self.now_ms) / 1000)

    def _next_timer(self, end: int) -> ArmTimer | None:
        due = [armed for armed in self.timers.values() if armed.due_ms <= end]
        return min(due, key=lambda armed: armed.due_ms, default=None)

    # The tracker.

    def put(self, *issues: Issue) -> None:
        """Add issues, or replace them."""
        self.tracker |= {known.id: known for known in issues}

    def move(self, name: str, state: str) -> None:
        self.put(replace(self.tracker[id_of(name)], state=state))

    def vanish(self, name: str) -> None:
        del self.tracker[id_of(name)]

    def withhold(self, *kinds: type[Question]) -> None:
        """Questions of these kinds stay open from now on."""
        self.withheld |= set(kinds)

    def answer_what_is_not_withheld(self) -> None:
        for asked in list(self.asked):
            if asked in self.asked and type(asked.question) not in self.withheld:
                self.answer(asked)

    def answer(self, asked: Asked | None = None, *, as_asked: bool = False) -> list[Command]:
        """Answer a question, by default the oldest; `as_asked`: as things were at that time."""
        asked = asked or self.asked[0]
        self.asked.remove(asked)
        issues = asked.seen if as_asked else tuple(self.tracker.values())
        return self.send(self._answer_to(asked.question, issues))

    def offer(self, *issues: Issue) -> list[Command]:
        """Answer the open question for candidates with exactly these."""
        asked = next(one for one in self.asked if isinstance(one.question, ReadCandidates))
        self.asked.remove(asked)
        tick = self.state.tick
        assert tick is not None
        return self.send(CandidatesRead(tick=tick.epoch, answer=issues))

    def _answer_to(self, question: Question, issues: tuple[Issue, ...]) -> Event:
        match question:
            case ReadIssues(purpose=purpose, ids=ids):
                wanted = set(ids)
                found = tuple(known for known in issues if known.id in wanted)
                return IssuesRead(purpose=purpose, ids=ids, answer=self._or_failure(found))
            case ReadCandidates(tick=tick, settings=bound):
                found = in_states(issues, bound.tracker.active_states)
                return CandidatesRead(tick=tick, answer=self._or_failure(found))
            case ReadTerminal(settings=bound):
                found = in_states(issues, bound.tracker.terminal_states)
                return TerminalRead(answer=self._or_failure(found))
            case CheckWorkflow(tick=tick):
                return WorkflowChecked(tick=tick)
            case RemoveWorkspace(issue=removed):
                return WorkspaceRemoved(issue_id=removed.id, problem=self.removal_problem)

    def _or_failure(self, found: tuple[Issue, ...]) -> Answer:
        return found if self.read_failure is None else self.read_failure

    # Runs.

    def entry(self, name: str) -> Running:
        return self.state.running[id_of(name)]

    def run_id(self, name: str) -> RunId:
        return self.entry(name).run_id

    def report(self, name: str, *updates: RunUpdate) -> None:
        for update in updates:
            self.send(RunReported(run_id=self.run_id(name), update=update))

    def prepare(self, name: str, path: str | None = None) -> None:
        """The run has its workspace."""
        place = f"/workspaces/{name}" if path is None else path
        self.report(name, WorkspacePrepared(path=place, created_now=True))

    def end(self, name: str, outcome: RunOutcome) -> list[Command]:
        return self.send(RunEnded(run_id=self.run_id(name), outcome=outcome))

    def succeed(self, name: str) -> list[Command]:
        return self.end(name, Succeeded())

    def fail(self, name: str, category: str = "turn_failed") -> list[Command]:
        return self.end(name, Failed(category=category, message="it broke"))

    def ask(self, name: str, question: str = "Which one?") -> list[Command]:
        return self.end(name, NeedsPerson(request="user_input", question=question))

    def gone(self, name: str) -> list[Command]:
        """The processes of a run that was asked to stop are gone."""
        return self.end(name, Stopped(reason=self.entry(name).stopping or StopReason.SHUTDOWN))

    def reload(self, settings: Settings) -> list[Command]:
        return self.send(WorkflowAccepted(settings=settings))

    # What is seen.

    @property
    def now(self) -> Moment:
        return moment(self.now_ms)

    @property
    def snapshot(self) -> Snapshot:
        return take_snapshot(self.state, self.now)

    @property
    def running(self) -> list[str]:
        """Who runs, in the order of the starts."""
        return [row.issue.identifier for row in self.snapshot.running]

    @property
    def starts(self) -> list[tuple[str, int | None]]:
        """Every start so far: who, and as which attempt."""
        started = self.of(StartRun)
        return [(one.request.identifier, one.request.attempt) for one in started]

    @property
    def stops(self) -> list[tuple[str, StopReason]]:
        """Every stop so far: who, and why."""
        names = {one.request.run_id: one.request.identifier for one in self.of(StartRun)}
        return [(names[stop.run_id], stop.reason) for stop in self.of(StopRun)]

    @property
    def removals(self) -> list[tuple[str, str | None]]:
        """Every removal so far: whose workspace, at which recorded path."""
        return [(one.issue.identifier, one.path) for one in self.of(RemoveWorkspace)]

    def retry(self, name: str) -> RetryRow | None:
        return next((row for row in self.snapshot.retrying if row.issue.id == id_of(name)), None)

    def queued(self, name: str) -> RetryRow:
        """The retry of an issue that must have one."""
        row = self.retry(name)
        assert row is not None, f"{name} has no queued retry"
        return row

    def blocked(self) -> list[str]:
        return [row.issue.identifier for row in self.snapshot.blocked]

    def skipped(self) -> dict[str, str]:
        """Why candidates were not started, by name."""
        return {row.issue.identifier: row.code for row in self.snapshot.skipped}

    def claim(self, name: str) -> str | None:
        return self.state.claim_of(id_of(name))

    def of(self, kind: type[C]) -> list[C]:
        """Every command of a kind so far."""
        return [command for command in self.commands if isinstance(command, kind)]

    def announced(self, name: str) -> list[Announce]:
        return [line for line in self.of(Announce) if line.name == name]


def in_states(issues: tuple[Issue, ...], states: tuple[str, ...]) -> tuple[Issue, ...]:
    """What a tracker finds in these states."""
    keys = {state_key(name) for name in states}
    return tuple(known for known in issues if state_key(known.state) in keys)

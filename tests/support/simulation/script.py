"""What happened to a scheduler as a short script, which can be played again and cut shorter.

A step names what it is about by its place ("the latest timer for this issue") and not by number, so
that it keeps its meaning when other steps are left out. A step without a meaning left is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeAlias, TypeVar

from symphony.domain.ids import IssueId, RunId
from symphony.domain.run import RunOutcome, RunUpdate
from symphony.domain.settings import Settings
from symphony.scheduler.commands import (
    ArmTimer,
    CheckWorkflow,
    Command,
    ReadCandidates,
    ReadIssues,
    ReadTerminal,
    RemoveWorkspace,
    StartRun,
)
from symphony.scheduler.events import (
    Answer,
    CandidatesRead,
    Event,
    ForParking,
    ForRetry,
    IssuesRead,
    RefillDue,
    RetryDue,
    RunEnded,
    RunReported,
    TerminalRead,
    TickDue,
    WorkflowChecked,
    WorkspaceRemoved,
)
from symphony.scheduler.moment import Moment
from symphony.scheduler.step import step
from tests.support.scheduling import moment, timer_event, timer_slot
from tests.support.simulation.bench import Bench, Step

T = TypeVar("T")
Question: TypeAlias = ReadIssues | ReadCandidates | ReadTerminal | CheckWorkflow | RemoveWorkspace


@dataclass(frozen=True, slots=True)
class Fires:
    """A timer; `back` counts from the one that was armed last."""

    kind: str
    issue: str = ""
    back: int = 0


@dataclass(frozen=True, slots=True)
class Answers:
    """A question of this kind (and issue) is answered; `back` counts from the newest open one."""

    kind: str
    answer: Answer | None
    issue: str = ""
    back: int = 0


@dataclass(frozen=True, slots=True)
class Reports:
    """A run of the issue reports; `back` counts from its latest run."""

    issue: str
    update: RunUpdate
    back: int = 0


@dataclass(frozen=True, slots=True)
class Ends:
    """A run of the issue ends; `back` counts from its latest run."""

    issue: str
    outcome: RunOutcome
    back: int = 0


@dataclass(frozen=True, slots=True)
class Removes:
    """The removal of the workspace of the issue ends."""

    issue: str
    problem: str | None = None
    kept: bool = False


Line: TypeAlias = Fires | Answers | Reports | Ends | Removes | Event


@dataclass(frozen=True, slots=True)
class At:
    """A line, and the time in milliseconds at which it happens, unless its timer is due later.
    `wall_ms` is how far the clock on the wall is off then."""

    ms: int
    line: Line
    wall_ms: int = 0


class Ledger:
    """What a scheduler armed, asked and started so far."""

    def __init__(self) -> None:
        self._timers: dict[tuple[str, str], list[ArmTimer]] = {}
        self._open: dict[tuple[str, str], list[Question]] = {}
        self._runs: dict[IssueId, list[RunId]] = {}
        self._issues: dict[RunId, IssueId] = {}

    def note(self, commands: Iterable[Command]) -> None:
        for command in commands:
            match command:
                case ArmTimer(timer=timer):
                    self._timers.setdefault(timer_slot(timer), []).append(command)
                case StartRun(request=request):
                    self._runs.setdefault(request.issue.id, []).append(request.run_id)
                    self._issues[request.run_id] = request.issue.id
                case (
                    ReadIssues()
                    | ReadCandidates()
                    | ReadTerminal()
                    | CheckWorkflow()
                    | RemoveWorkspace()
                ):
                    self._open.setdefault(_about(command), []).append(command)
                case _:
                    pass

    # From an event to a line; an answer closes its question.

    def line(self, event: Event) -> Line:
        match event:
            case TickDue() | RetryDue() | RefillDue():
                return self._fired(event)
            case RunReported(run_id=run_id, update=update):
                issue = self._issues[run_id]
                return Reports(issue, update, _back(self._runs[issue], run_id))
            case RunEnded(run_id=run_id, outcome=outcome):
                issue = self._issues[run_id]
                return Ends(issue, outcome, _back(self._runs[issue], run_id))
            case WorkspaceRemoved(issue_id=issue, problem=problem, kept=kept):
                self._open["removal", issue].pop()
                return Removes(issue, problem, kept)
            case IssuesRead() | CandidatesRead() | TerminalRead() | WorkflowChecked():
                return self._answered(event)
            case _:
                return event

    def _fired(self, event: TickDue | RetryDue | RefillDue) -> Fires:
        kind = type(event).__name__.replace("Due", "Timer")
        issue = event.issue_id if isinstance(event, RetryDue) else ""
        epochs = [one.timer.epoch for one in self._timers[kind, issue]]
        return Fires(kind, issue, _back(epochs, event.epoch))

    def _answered(
        self, event: IssuesRead | CandidatesRead | TerminalRead | WorkflowChecked
    ) -> Answers:
        for about, questions in self._open.items():
            for question in questions:
                if _is_answer(event, question):
                    back = _back(questions, question)
                    questions.remove(question)
                    answer = None if isinstance(event, WorkflowChecked) else event.answer
                    return Answers(about[0], answer, about[1], back)
        raise LookupError(f"nobody asked for {event}")

    # From a line to an event; None: there is no such timer, question or run any more.

    def armed(self, line: Fires) -> ArmTimer | None:
        return _from_back(self._timers.get((line.kind, line.issue), []), line.back)

    def event(self, line: Line) -> Event | None:
        match line:
            case Fires():
                armed = self.armed(line)
                return None if armed is None else timer_event(armed.timer)
            case Answers(kind=kind, issue=issue, back=back):
                questions = self._open.get((kind, issue), [])
                question = _from_back(questions, back)
                if question is None:
                    return None
                questions.remove(question)
                return _answer(question, line.answer)
            case Reports(issue=issue, update=update, back=back):
                run_id = self.run(issue, back)
                return None if run_id is None else RunReported(run_id=run_id, update=update)
            case Ends(issue=issue, outcome=outcome, back=back):
                run_id = self.run(issue, back)
                return None if run_id is None else RunEnded(run_id=run_id, outcome=outcome)
            case Removes(issue=issue, problem=problem, kept=kept):
                if not self._open.get(("removal", issue)):
                    return None
                self._open["removal", issue].pop()
                return WorkspaceRemoved(issue_id=IssueId(issue), problem=problem, kept=kept)
            case _:
                return line

    def run(self, issue: str, back: int) -> RunId | None:
        return _from_back(self._runs.get(IssueId(issue), []), back)


class Recorder:
    """Writes the script of a world while it lives."""

    def __init__(self) -> None:
        self.script: list[At] = []
        self._ledger = Ledger()

    def before(self, event: Event, now: Moment) -> None:
        wall_ms = (now.utc - moment(now.monotonic_ms).utc) // timedelta(milliseconds=1)
        self.script.append(At(now.monotonic_ms, self._ledger.line(event), wall_ms))

    def after(self, commands: list[Command]) -> None:
        self._ledger.note(commands)


def replay(bound: Settings, *script: At, decide: Step = step) -> Bench:
    """Play the script to a new scheduler with every rule watched. Raises where one is broken."""
    bench, ledger, now_ms = Bench(bound, decide), Ledger(), 0
    for at in script:
        now_ms = max(now_ms, at.ms)
        is_replaced = False
        if isinstance(at.line, Fires):
            armed = ledger.armed(at.line)
            if armed is None:
                continue
            now_ms = max(now_ms, armed.due_ms)
            is_replaced = bench.is_replaced(armed.timer)
            if bench.timers.get(timer_slot(armed.timer)) is armed:
                del bench.timers[timer_slot(armed.timer)]
            elif not is_replaced:
                continue
        event = ledger.event(at.line)
        if event is not None:
            now = replace(moment(now_ms), utc=moment(now_ms + at.wall_ms).utc)
            ledger.note(bench.deliver(event, now, is_past=is_replaced))
    return bench


def _about(question: Question) -> tuple[str, str]:
    """The kind of a question, and the issue where there may be one for each."""
    match question:
        case ReadIssues(purpose=ForRetry(issue_id=issue) | ForParking(issue_id=issue)):
            return type(question.purpose).__name__, issue
        case ReadIssues(purpose=purpose):
            return type(purpose).__name__, ""
        case RemoveWorkspace(issue=issue):
            return "removal", issue.id
        case _:
            return type(question).__name__, ""


def _is_answer(event: Event, question: Question) -> bool:
    match question:
        case ReadIssues(purpose=purpose):
            return isinstance(event, IssuesRead) and event.purpose == purpose
        case ReadCandidates(tick=tick):
            return isinstance(event, CandidatesRead) and event.tick == tick
        case CheckWorkflow(tick=tick):
            return isinstance(event, WorkflowChecked) and event.tick == tick
        case ReadTerminal():
            return isinstance(event, TerminalRead)
        case _:
            return False


def _answer(question: Question, answer: Answer | None) -> Event:
    found: Answer = () if answer is None else answer
    match question:
        case ReadIssues(purpose=purpose, ids=ids):
            return IssuesRead(purpose=purpose, ids=ids, answer=found)
        case ReadCandidates(tick=tick):
            return CandidatesRead(tick=tick, answer=found)
        case CheckWorkflow(tick=tick):
            return WorkflowChecked(tick=tick)
        case ReadTerminal():
            return TerminalRead(answer=found)
        case RemoveWorkspace(issue=issue):
            return WorkspaceRemoved(issue_id=issue.id)


def _back(items: list[T], item: T) -> int:
    """The place of an item, counted from the end; the last of equal ones."""
    return next(back for back, one in enumerate(reversed(items)) if one == item)


def _from_back(items: list[T], back: int) -> T | None:
    return items[-1 - back] if back < len(items) else None

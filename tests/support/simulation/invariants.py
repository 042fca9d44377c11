"""What must hold after every event, judged from outside the scheduler as far as possible."""

from __future__ import annotations

from collections import Counter

from symphony.domain.ids import RunId
from symphony.domain.run import PhaseEntered, RunPhase, Succeeded, UsageReported, WorkspacePrepared
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
    StopRun,
)
from symphony.scheduler.events import (
    CandidatesRead,
    Event,
    ForReconciliation,
    IssuesRead,
    OperatorAnswered,
    RunEnded,
    RunReported,
    ShutdownRequested,
    TerminalRead,
    TickDue,
    WorkflowAccepted,
    WorkflowChecked,
    WorkflowRejected,
    WorkspaceRemoved,
)
from symphony.scheduler.snapshot import Snapshot
from symphony.scheduler.state import SchedulerState
from tests.support.simulation.backoff import judge_read, judge_retries
from tests.support.simulation.before import Before, claims, is_progress
from tests.support.simulation.facts import Asked, Facts, Happening
from tests.support.simulation.runs import SimulatedRun
from tests.support.simulation.starts import (
    judge_rest_of_poll,
    judge_slots,
    judge_start,
    note_refusals,
)
from tests.support.simulation.stops import judge_end, judge_removal, judge_silence, judge_stop
from tests.support.simulation.waits import is_past_answer, judge_claims, judge_waits

READS = StartRun | ReadIssues | ReadCandidates | ReadTerminal | CheckWorkflow


class Watch:
    """Follows the commands and events of one world, and raises where one breaks a rule."""

    def __init__(self, state: SchedulerState, timers: dict[tuple[str, str], ArmTimer]) -> None:
        self.facts = Facts(state=state, runs={}, timers=timers)
        self.facts.rest.note(WorkflowAccepted(settings=state.settings), None, None, 0)

    @property
    def count(self) -> int:
        """How many events were judged."""
        return self.facts.count

    @property
    def runs(self) -> dict[RunId, SimulatedRun]:
        return self.facts.runs

    @property
    def happened(self) -> Counter[str]:
        return self.facts.happened

    def is_past(self, event: Event) -> bool:
        """Whether nobody waits for this answer any more; asked before the step."""
        state = self.facts.state
        match event:
            case IssuesRead(purpose=purpose):
                return state.draining or is_past_answer(state, purpose)
            case CandidatesRead(tick=tick) | WorkflowChecked(tick=tick):
                return state.draining or state.tick is None or state.tick.epoch != tick
            case RunReported(run_id=run_id) | RunEnded(run_id=run_id):
                return run_id not in self.facts.runs
            case _:
                return False

    def after(
        self,
        before: Before,
        event: Event,
        commands: list[Command],
        now_ms: int,
        *,
        is_past: bool = False,
    ) -> None:
        """Judge one step, before its commands are carried out."""
        facts = self.facts
        facts.count += 1
        asked, ended = self._asked(event), self._note_event(event, now_ms)
        step = Happening(
            before=before,
            event=event,
            commands=commands,
            now_ms=now_ms,
            asked=asked,
            ended=ended,
            is_past=is_past,
        )
        facts.rest.note(event, None if is_past else self._bound(step), ended, now_ms)
        self._note_silent_stops()
        for command in commands:
            self._note_command(step, command)
        self._note_releases(step)
        self._note_answers(step)
        note_refusals(facts, step)
        self._judge(step)

    def unchanged(self, before: Before, after: Snapshot, shown: Snapshot, event: Event) -> None:
        """An event that belongs to the past changed nothing."""
        state = self.facts.state
        assert after == shown, f"{event} changed what is shown"
        assert claims(state) == before.claims, f"{event} changed a claim"
        counters = (state.run_counter, state.epoch_counter)
        assert counters == before.counters, f"{event} began something"

    def _judge(self, step: Happening) -> None:
        facts = self.facts
        if step.ended is not None:
            judge_end(facts, step, step.ended)
        if isinstance(step.event, TickDue) and step.commands:
            judge_silence(facts, step.now_ms)
        judge_slots(facts, step)
        judge_rest_of_poll(facts, step)
        judge_retries(facts, step)
        judge_claims(facts.state)
        facts.tokens.compare(facts.state, step.now_ms)
        if not facts.stopping:
            judge_waits(facts, step.commands)

    # What happened.

    def _note_event(self, event: Event, now_ms: int) -> SimulatedRun | None:
        """Follow the event; the run that it ended, if it did."""
        facts = self.facts
        match event:
            case RunReported(run_id=run_id):
                if run_id in facts.runs:
                    self._note_report(facts.runs[run_id], event, now_ms)
            case RunEnded(run_id=run_id):
                return facts.runs.pop(run_id, None)
            case WorkflowAccepted():
                facts.broken = False
            case WorkflowRejected():
                facts.broken = True
            case ShutdownRequested():
                facts.stopping = True
            case WorkspaceRemoved(issue_id=issue_id):
                del facts.removing[issue_id]
            case IssuesRead(purpose=ForReconciliation(tick=tick)):
                facts.reconciled.add(tick)
            case _:
                pass
        return None

    def _note_report(self, run: SimulatedRun, event: RunReported, now_ms: int) -> None:
        update = event.update
        if is_progress(update):
            run.heard_ms = now_ms
        if isinstance(update, UsageReported):
            self.facts.tokens.take(run, update)
        if isinstance(update, WorkspacePrepared):
            run.path = update.path
        if isinstance(update, PhaseEntered):
            run.is_finishing = update.phase is RunPhase.FINISHING

    def _note_silent_stops(self) -> None:
        """A run that finishes already is not told to stop; what it is stopped for counts."""
        for run in self.facts.runs.values():
            if run.is_finishing and run.stop is None:
                entry = self.facts.state.running.get(run.issue_id)
                run.stop = None if entry is None else entry.stopping

    def _asked(self, event: Event) -> Asked | None:
        """When and with what the answer `event` was asked for."""
        facts = self.facts
        match event:
            case IssuesRead(purpose=purpose):
                return facts.reads.pop(purpose)
            case CandidatesRead(tick=tick):
                return facts.polls.pop(tick)
            case TerminalRead():
                return facts.terminal
            case _:
                return None

    def _bound(self, step: Happening) -> Settings | None:
        """What the event speaks of when it names the wish of a tracker."""
        if step.asked is not None:
            return step.asked.settings
        return None if step.ended is None else step.ended.settings

    # What was asked for.

    def _note_command(self, step: Happening, command: Command) -> None:
        facts = self.facts
        kind = type(command).__name__
        assert not (facts.stopping and isinstance(command, READS)), f"{kind} while stopping"
        match command:
            case StartRun():
                judge_start(facts, step, command)
            case StopRun():
                judge_stop(facts, step, command)
            case ReadIssues():
                judge_read(facts, step, command)
            case ReadCandidates():
                self._note_poll(step, command)
            case ReadTerminal():
                facts.terminal = Asked(facts.count, facts.state.settings)
            case CheckWorkflow():
                self._note_check(step, command)
            case RemoveWorkspace():
                judge_removal(facts, command)
            case _:
                pass

    def _note_poll(self, step: Happening, command: ReadCandidates) -> None:
        facts = self.facts
        assert command.tick in facts.reconciled, "candidates are read before reconciliation"
        assert not facts.broken, "candidates are read while the workflow is broken"
        facts.rest.judge_read(step.now_ms)
        facts.polls[command.tick] = Asked(facts.count, facts.state.settings)

    def _note_check(self, step: Happening, command: CheckWorkflow) -> None:
        facts = self.facts
        if isinstance(step.event, TickDue):
            watched = [one for one in facts.runs.values() if one.stop is None]
            assert not watched, "a tick does not reconcile its runs"
            assert not facts.state.parked, "a tick does not look after parked issues"
            facts.reconciled.add(command.tick)
        facts.checks.add(command.tick)

    def _note_releases(self, step: Happening) -> None:
        """With the end of a claim something is decided. A parked issue is left to people."""
        facts, before, claimed = self.facts, step.before, claims(self.facts.state)
        for issue_id in before.claims.keys() - claimed.keys():
            facts.decided[issue_id] = facts.count
            facts.happened[f"end of claim: {before.claims[issue_id]}"] += 1
        for issue_id in before.questions.keys() - facts.state.parked.keys():
            event = step.event
            looked = isinstance(event, IssuesRead) and isinstance(event.purpose, ForReconciliation)
            said = isinstance(event, OperatorAnswered) and event.issue_id == issue_id
            assert looked or said, f"{issue_id} goes on although nobody answered"
        for issue_id, claim in claimed.items():
            if before.claims.get(issue_id) != claim:
                facts.happened[f"claim: {claim}"] += 1

    def _note_answers(self, step: Happening) -> None:
        """An answer is for the question that was open, and is kept until a run ends well with it,
        or until the issue is let go, cleaned up, or parked again."""
        facts, event, ended = self.facts, step.event, step.ended
        if isinstance(event, OperatorAnswered) and not facts.stopping:
            self._note_answer(step, event)
        if isinstance(event, RunEnded) and isinstance(event.outcome, Succeeded) and ended:
            facts.answers.pop(ended.issue_id, None)
        for issue_id in list(facts.answers):
            if facts.state.claim_of(issue_id) not in {"running", "retrying"}:
                del facts.answers[issue_id]

    def _note_answer(self, step: Happening, event: OperatorAnswered) -> None:
        if step.before.questions.get(event.issue_id) == event.question:
            self.facts.answers[event.issue_id] = event.text
            claim = self.facts.state.claim_of(event.issue_id)
            assert claim == "retrying", f"{event.issue_id} is {claim} after an answer"

"""What must hold after every event, judged from outside the scheduler as far as possible."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from symphony.domain.ids import IssueId, RunId
from symphony.domain.issue import Issue
from symphony.domain.run import (
    Failed,
    Stopped,
    StopReason,
    Succeeded,
)
from symphony.domain.settings import Settings
from symphony.scheduler.commands import (
    ArmTimer,
    CheckWorkflow,
    Command,
    ReadCandidates,
    ReadIssues,
    ReadTerminal,
    RemoveWorkspace,
    RetryTimer,
    StartRun,
    StopRun,
)
from symphony.scheduler.events import (
    CandidatesRead,
    Event,
    ForReconciliation,
    ForRefill,
    ForRetry,
    IssuesRead,
    ReadFailure,
    ReadPurpose,
    RetryDue,
    RunEnded,
    RunReported,
    ShutdownRequested,
    TickDue,
    WorkflowAccepted,
    WorkflowRejected,
    WorkspaceRemoved,
)
from symphony.scheduler.retry import NO_SLOTS
from symphony.scheduler.snapshot import Snapshot, take_snapshot
from symphony.scheduler.state import SchedulerState
from tests.support.scheduling import moment, timer_slot
from tests.support.simulation.before import Before, asked_for, claims, eligible, is_progress
from tests.support.simulation.runs import SimulatedRun


@dataclass(slots=True, kw_only=True)
class Watch:
    """Follows the commands and events of one world, and raises where one breaks a rule."""

    state: SchedulerState
    runs: dict[RunId, SimulatedRun]
    timers: dict[tuple[str, str], ArmTimer]
    count: int = 0
    broken: bool = False
    stopping: bool = False
    # Question -> the number of the event that asked it, and the settings that it asked with.
    reads: dict[ReadPurpose, tuple[int, Settings]] = field(
        default_factory=dict[ReadPurpose, tuple[int, Settings]]
    )
    polls: dict[int, tuple[int, Settings]] = field(default_factory=dict[int, tuple[int, Settings]])
    checks: set[int] = field(default_factory=set[int])
    reconciled: set[int] = field(default_factory=set[int])
    decided: dict[IssueId, int] = field(default_factory=dict[IssueId, int])
    failures: dict[IssueId, int] = field(default_factory=dict[IssueId, int])
    removing: dict[IssueId, str] = field(default_factory=dict[IssueId, str])
    seconds: float = 0.0
    happened: Counter[str] = field(default_factory=Counter[str])

    def after(self, before: Before, event: Event, commands: list[Command], now_ms: int) -> Snapshot:
        """Judge one step. `runs` is as it was before its commands are carried out."""
        self.count += 1
        ended = self._note_event(event, now_ms)
        claimed = claims(self.state)
        asked = self._asked(event)
        for command in commands:
            self._note_command(before, event, command, asked, now_ms)
        self._note_releases(before, claimed)
        self._note_refusals(event, asked)
        if ended is not None:
            self._followed(ended, commands)
        if isinstance(event, TickDue) and commands:
            self._stalled_are_stopped(now_ms)
        self._slots(commands)
        self._retries(before, event, now_ms)
        self._nothing_leaks(commands)
        return self._shown(before, now_ms)

    def unchanged(self, before: Before, after: Snapshot, shown: Snapshot, event: Event) -> None:
        """An event that belongs to the past changed nothing."""
        assert after == shown, f"{event} changed what is shown"
        assert claims(self.state) == before.claims
        assert (self.state.run_counter, self.state.epoch_counter) == before.counters

    # What happened.

    def _note_event(self, event: Event, now_ms: int) -> SimulatedRun | None:
        """Follow the event; the run that it ended, if it did."""
        match event:
            case RunReported(run_id=run_id, update=update) if is_progress(update):
                if run_id in self.runs:
                    self.runs[run_id].heard_ms = now_ms
            case WorkflowAccepted():
                self.broken = False
            case WorkflowRejected():
                self.broken = True
            case ShutdownRequested():
                self.stopping = True
            case RunEnded(run_id=run_id):
                return self.runs.pop(run_id, None)
            case WorkspaceRemoved(issue_id=issue_id):
                del self.removing[issue_id]
            case IssuesRead(purpose=ForReconciliation(tick=tick)):
                self.reconciled.add(tick)
            case _:
                pass
        return None

    def _asked(self, event: Event) -> tuple[int, Settings] | None:
        """When and with what the answer `event` was asked for."""
        if isinstance(event, IssuesRead):
            return self.reads.pop(event.purpose)
        if isinstance(event, CandidatesRead):
            return self.polls.pop(event.tick)
        return None

    # What was asked for.

    def _note_command(
        self,
        before: Before,
        event: Event,
        command: Command,
        asked: tuple[int, Settings] | None,
        now_ms: int,
    ) -> None:
        if self.stopping:
            assert not isinstance(
                command, StartRun | ReadIssues | ReadCandidates | ReadTerminal | CheckWorkflow
            ), f"{type(command).__name__} while stopping"
        match command:
            case StartRun():
                self._start(before, event, command, asked, now_ms)
            case StopRun(run_id=run_id, reason=reason):
                self._stop(event, self.runs[run_id], reason, now_ms)
            case ReadIssues():
                self._read(before, event, command, now_ms)
            case ReadCandidates(tick=tick):
                assert tick in self.reconciled, "candidates are read before reconciliation"
                assert not self.broken, "candidates are read while the workflow is broken"
                self._not_held(now_ms)
                self.polls[tick] = (self.count, self.state.settings)
            case CheckWorkflow(tick=tick):
                if isinstance(event, TickDue):
                    watched = [one for one in self.runs.values() if one.stop is None]
                    assert not watched, "a tick does not reconcile its runs"
                    assert not self.state.parked, "a tick does not look after parked issues"
                    self.reconciled.add(tick)
                self.checks.add(tick)
            case RemoveWorkspace(issue=issue):
                self._remove(issue, command.path)
            case _:
                pass

    def _start(
        self,
        before: Before,
        event: Event,
        command: StartRun,
        asked: tuple[int, Settings] | None,
        now_ms: int,
    ) -> None:
        issue = command.request.issue
        assert isinstance(event, CandidatesRead | IssuesRead), f"{type(event).__name__} started one"
        assert asked is not None
        assert not isinstance(event.answer, ReadFailure)
        assert issue in event.answer, "what was started is not what was read"
        assert eligible(issue, self.state.settings), f"{issue} is not eligible"
        assert not self.broken, "a start while the workflow is broken"
        number, bound = asked
        assert bound is self.state.settings, "started by an answer to older settings"
        assert number >= self.decided.get(issue.id, 0), "started by an answer from the past"
        for run in self.runs.values():
            assert run.issue_id != issue.id, f"a second run of {issue.id}"
            assert run.identifier != issue.identifier, f"{run.issue_id} uses that workspace"
        assert issue.identifier not in self.removing.values(), "a run in a vanishing workspace"
        is_retry = isinstance(event, IssuesRead) and isinstance(event.purpose, ForRetry)
        assert before.claims.get(issue.id) == ("retrying" if is_retry else None)
        attempt = before.queued[issue.id].attempt if is_retry else None
        assert command.request.attempt == attempt
        if not is_retry:
            self.failures[issue.id] = 0
        self.happened[f"start after {type(asked_for(event)).__name__}"] += 1
        self.runs[command.request.run_id] = SimulatedRun(
            run_id=command.request.run_id,
            issue_id=issue.id,
            identifier=issue.identifier,
            attempt=attempt,
            heard_ms=now_ms,
        )

    def _stop(self, event: Event, run: SimulatedRun, reason: StopReason, now_ms: int) -> None:
        assert run.stop is None, "a run is stopped twice"
        run.stop = reason
        self.happened[f"stop: {reason.value}"] += 1
        limit = self.state.settings.codex.stall_timeout_ms
        if reason is StopReason.STALLED:
            assert limit > 0
            assert now_ms - run.heard_ms > limit, "stalled too early"
        elif isinstance(event, IssuesRead):
            assert isinstance(event.purpose, ForReconciliation)
            assert (run.issue_id, run.run_id) in event.purpose.runs, "judged by an old question"

    def _followed(self, run: SimulatedRun, commands: list[Command]) -> None:
        """What follows the end of a run that was asked to stop."""
        removals = [one for one in commands if isinstance(one, RemoveWorkspace)]
        if self.stopping:
            assert removals == [], "a removal is begun while stopping"
        elif run.stop is StopReason.TERMINAL and run.path is not None:
            assert [one.path for one in removals] == [run.path]
        elif run.stop is not StopReason.TERMINAL:
            assert removals == []
        if run.stop in {StopReason.NOT_ACTIVE, StopReason.NOT_ROUTABLE, StopReason.NOT_VISIBLE}:
            assert self.state.claim_of(run.issue_id) is None
        elif run.stop is not StopReason.TERMINAL and not self.stopping:
            assert self.state.claim_of(run.issue_id) in {"retrying", "parked"}

    def _stalled_are_stopped(self, now_ms: int) -> None:
        limit = self.state.settings.codex.stall_timeout_ms
        for run in self.runs.values():
            silent = now_ms - run.heard_ms
            assert limit <= 0 or run.stop or silent <= limit, f"{run} is not seen to be stalled"

    def _read(self, before: Before, event: Event, command: ReadIssues, now_ms: int) -> None:
        assert command.ids, "a read of nothing"
        self._not_held(now_ms)
        purpose = command.purpose
        assert purpose not in self.reads, "the same read twice"
        self.reads[purpose] = (self.count, self.state.settings)
        if isinstance(purpose, ForReconciliation):
            watched = {one.issue_id for one in self.runs.values() if one.stop is None}
            assert set(command.ids) == watched | set(self.state.parked)
        if isinstance(purpose, ForRetry):
            queued = before.queued[purpose.issue_id]
            early = now_ms < queued.due_ms
            assert not early or queued.waiting_for == "slot", f"a retry before its time: {event}"
            if isinstance(event, RetryDue):
                assert event.epoch == queued.epoch
        if isinstance(purpose, ForRefill):
            assert len(command.ids) <= 50
            assert not any(key in self.state.running for key in command.ids)

    def _not_held(self, now_ms: int) -> None:
        held = self.state.hold_reads_until_ms
        assert held is None or now_ms >= held, "a read although the provider wants none"

    def _remove(self, issue: Issue, path: str | None) -> None:
        assert issue.id not in self.removing
        name = issue.identifier if path is None else path.rsplit("/", maxsplit=1)[-1]
        for run in self.runs.values():
            assert run.issue_id != issue.id, "a removal under a run"
            assert run.identifier != name, f"a removal under {run.issue_id}"
        self.removing[issue.id] = name

    # What follows from it.

    def _note_releases(self, before: Before, claimed: dict[IssueId, str]) -> None:
        for issue_id in before.claims.keys() - claimed.keys():
            self.decided[issue_id] = self.count
            self.happened[f"end of claim: {before.claims[issue_id]}"] += 1
        for issue_id, claim in claimed.items():
            if before.claims.get(issue_id) != claim:
                self.happened[f"claim: {claim}"] += 1

    def _note_refusals(self, event: Event, asked: tuple[int, Settings] | None) -> None:
        """What a refill found ineligible is known; what old settings found is not."""
        if not isinstance(event, IssuesRead) or not isinstance(event.purpose, ForRefill):
            return
        if isinstance(event.answer, ReadFailure) or asked is None:
            return
        if asked[1] is not self.state.settings:
            return
        fresh = {issue.id: issue for issue in event.answer}
        for issue_id in event.ids:
            issue = fresh.get(issue_id)
            if issue is None or not eligible(issue, self.state.settings):
                self.decided[issue_id] = max(self.decided.get(issue_id, 0), asked[0])

    def _slots(self, commands: list[Command]) -> None:
        assert {key: one.issue_id for key, one in self.runs.items()} == {
            one.run_id: key for key, one in self.state.running.items()
        }, "the scheduler and the world do not agree on who runs"
        started = [one.request.issue for one in commands if isinstance(one, StartRun)]
        if not started:
            return
        agent = self.state.settings.agent
        assert len(self.runs) <= agent.max_concurrent_agents
        used = Counter(one.issue.state.strip().lower() for one in self.state.running.values())
        for issue in started:
            key = issue.state.strip().lower()
            limit = agent.max_concurrent_agents_by_state.get(key)
            assert limit is None or used[key] <= limit, f"{used[key]} runs in {key}"

    def _retries(self, before: Before, event: Event, now_ms: int) -> None:
        for key, retry in self.state.retrying.items():
            old = before.queued.get(key)
            if old is None or old.waiting_for != retry.waiting_for:
                self.happened[f"retry waits for {retry.waiting_for}"] += 1
            if old is not None and old.epoch == retry.epoch:
                continue
            delay = retry.due.monotonic_ms - now_ms
            match event:
                case RunEnded(outcome=Succeeded()):
                    self.failures[key] = 0
                    assert (delay, retry.attempt, retry.error) == (1_000, 1, None)
                case RunEnded(outcome=Failed() | Stopped()):
                    self._failed_again(key, delay)
                    assert retry.attempt == self.failures[key]
                case IssuesRead(answer=ReadFailure()):
                    self._failed_again(key, delay)
                case IssuesRead():
                    assert old is not None
                    assert (retry.error, retry.attempt) == (NO_SLOTS, old.attempt)
                    # It may have been woken at once: the slot that it lacked was its own name.
                    woken = retry.waiting_for == "refresh"
                    assert woken or delay == self._backoff(retry.attempt)
                case WorkflowAccepted():
                    assert old is not None
                    assert old.waiting_for in {"workflow", "refresh"}
                    assert retry.due.monotonic_ms == old.due_ms
                case _:
                    raise AssertionError(f"{type(event).__name__} queued a retry")

    def _failed_again(self, key: IssueId, delay: int) -> None:
        self.failures[key] += 1
        assert delay == self._backoff(self.failures[key]), f"{delay} for {self.failures[key]}"

    def _backoff(self, failures: int) -> int:
        cap = self.state.settings.agent.max_retry_backoff_ms
        return int(min(10_000 * 2 ** min(failures - 1, 40), cap))

    def _nothing_leaks(self, commands: list[Command]) -> None:
        """Whatever waits, waits for something that comes."""
        state = self.state
        if self.stopping:
            return
        armed = dict(self.timers)
        armed |= {timer_slot(one.timer): one for one in commands if isinstance(one, ArmTimer)}
        for key, retry in state.retrying.items():
            match retry.waiting_for:
                case "time" | "slot":
                    timer = armed["RetryTimer", key].timer
                    assert isinstance(timer, RetryTimer)
                    assert timer.epoch == retry.epoch, f"{key} waits for a timer of the past"
                case "workflow":
                    assert self.broken, f"{key} waits for a workflow that is valid"
                case "refresh":
                    assert ForRetry(issue_id=key, epoch=retry.epoch) in self.reads
        assert state.cleaning.keys() == self.removing.keys()
        if state.refill.reading:
            assert ForRefill(epoch=state.refill.epoch) in self.reads
        assert not state.refill.armed or ("RefillTimer", "") in armed
        assert state.starting or ("TickTimer", "") in armed, "no tick will come"
        if state.tick is not None:
            self._tick_is_answered(state.tick.epoch, state.tick.phase)

    def _tick_is_answered(self, tick: int, phase: str) -> None:
        match phase:
            case "reconciling":
                assert any(
                    isinstance(one, ForReconciliation) and one.tick == tick for one in self.reads
                )
            case "checking":
                assert tick in self.checks
            case _:
                assert tick in self.polls

    def _shown(self, before: Before, now_ms: int) -> Snapshot:
        shown = take_snapshot(self.state, moment(now_ms))
        assert shown.totals.total_tokens >= before.tokens, "totals shrank"
        assert shown.seconds_running >= self.seconds - 1e-6, "running time shrank"
        self.seconds = shown.seconds_running
        return shown

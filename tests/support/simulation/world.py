"""A world in virtual time around one scheduler: it does what the scheduler asks, badly."""

from __future__ import annotations

from collections import Counter

from symphony.scheduler.commands import (
    ArmTimer,
    CheckWorkflow,
    Command,
    KeepWorkspaces,
    ReadCandidates,
    ReadIssues,
    ReadTerminal,
    RemoveWorkspace,
    StartRun,
    StopRun,
)
from symphony.scheduler.events import (
    CandidatesRead,
    DaemonStarted,
    ForRetry,
    IssuesRead,
    ReadFailure,
    ShutdownRequested,
    TerminalRead,
    WorkflowAccepted,
    WorkflowChecked,
    WorkspaceRemoved,
)
from tests.support.scheduling import timer_event, timer_slot
from tests.support.simulation.before import eligible
from tests.support.simulation.faults import Faults
from tests.support.simulation.people import People
from tests.support.simulation.settings import well_settings
from tests.support.simulation.tracker import View

# Far beyond the longest chain of a rest, a capped backoff, a stalled run and a queue of 30 issues.
LIVENESS_BOUND_MS = 1_200_000
LATEST_TIMER_MS = 5_000
SLOW_READ_MS = 5_000
# When the runtime gives up a read.
READ_LIMIT_MS = 120_000
HUNG_REMOVAL_MS = 60_000
USUAL_REMOVAL_MS = 100
EVENTS_BETWEEN_LOOKS = 20
LONGEST_WAIT_FOR_WORK = 200


class World(People):
    """One daemon, its tracker, its runs, and the time."""

    is_keeping_workspaces = False

    @property
    def happened(self) -> Counter[str]:
        """How often what happened; a simulation in which little happens proves little."""
        return self.bench.watch.happened

    def begin(self) -> None:
        self.deliver(DaemonStarted())
        self.begin_to_live()

    def run(self, events: int) -> None:
        """Until so many events were delivered."""
        end = self.events + events
        while self.events < end:
            self.next()

    # What the runtime does.

    def carry_out(self, command: Command) -> None:
        match command:
            case ArmTimer():
                self._arm(command)
            case ReadIssues() | ReadCandidates() | ReadTerminal():
                self._ask(command)
            case CheckWorkflow(tick=tick):
                self.within(50, lambda: self._check_workflow(tick))
            case StartRun():
                self._start(command)
            case StopRun(run_id=run_id, reason=reason):
                self.stop(run_id, reason)
            case RemoveWorkspace():
                self._remove(command)
            case KeepWorkspaces():
                self.is_keeping_workspaces = True
            case _:
                pass

    def _start(self, command: StartRun) -> None:
        issue = command.request.issue
        truth = self.tracker.issues.get(issue.id)
        moved = truth is None or truth.state != issue.state
        self.met["moved: between the read and the start"] += moved
        self.start(self.bench.watch.runs[command.request.run_id])

    def _arm(self, armed: ArmTimer) -> None:
        late = 0
        if self.chance(self.faults.timer_is_late):
            self.met["timer: late"] += 1
            late = self.rng.randrange(LATEST_TIMER_MS)
        self.later(max(armed.due_ms - self.now_ms, 0) + late, lambda: self._fire(armed))

    def _fire(self, armed: ArmTimer) -> None:
        """A timer that was replaced may have been on its way already."""
        slot, is_replaced = timer_slot(armed.timer), self.bench.is_replaced(armed.timer)
        if self.bench.timers.get(slot) is armed:
            del self.bench.timers[slot]
            self.deliver(timer_event(armed.timer), is_past=is_replaced)
        elif is_replaced and self.chance(self.faults.run_is_late):
            self.met["timer: fired though it was replaced"] += 1
            self.deliver(timer_event(armed.timer), is_past=True)

    def _ask(self, question: ReadIssues | ReadCandidates | ReadTerminal) -> None:
        asked = self.tracker.view()
        if isinstance(question, ReadIssues) and isinstance(question.purpose, ForRetry):
            self._move_at_worst(question.purpose)
        if self.chance(self.faults.gives_up):
            self.met["read: given up"] += 1
            failure = ReadFailure(category="tracker_request", message="no answer within 120 s")
            self.later(READ_LIMIT_MS, lambda: self._answer(question, failure))
            return
        latency = self.rng.randrange(self.faults.slowest_read_ms + 1)
        self.met["read: slow"] += latency > SLOW_READ_MS
        self.later(latency, lambda: self._answer(question, asked))

    def _move_at_worst(self, purpose: ForRetry) -> None:
        if self.chance(self.faults.worst_moment):
            self.met["moved: while a retry was due"] += 1
            self.tracker.move(purpose.issue_id)

    def _answer(
        self, question: ReadIssues | ReadCandidates | ReadTerminal, asked: View | ReadFailure
    ) -> None:
        tracker, faults = self.tracker, self.faults
        self.met["reload: between question and answer"] += question.settings is not self.settings
        view = asked
        if not isinstance(asked, ReadFailure):
            view = tracker.seen(faults, asked, self.now_ms)
        match question:
            case ReadIssues(purpose=purpose, ids=ids):
                found = tracker.by_ids(view, ids, faults)
                self.deliver(IssuesRead(purpose=purpose, ids=ids, answer=found))
            case ReadCandidates(tick=tick, settings=bound):
                found = tracker.by_states(view, bound.tracker.active_states, faults)
                self.deliver(CandidatesRead(tick=tick, answer=found))
            case ReadTerminal(settings=bound):
                found = tracker.by_states(view, bound.tracker.terminal_states, faults)
                self.deliver(TerminalRead(answer=found))

    def _check_workflow(self, tick: int) -> None:
        if self.faults.reload_every_ms and self.rng.random() < 0.05:
            self.reload()
        self.deliver(WorkflowChecked(tick=tick))

    def _remove(self, command: RemoveWorkspace) -> None:
        """The hook before it may hang or fail, and the issue may move meanwhile."""
        issue_id, faults = command.issue.id, self.faults
        fails = self.chance(faults.removal_fails)
        hangs = self.chance(faults.removal_hangs)
        self.met["removal: failed"] += fails
        self.met["removal: hung"] += hangs
        if self.chance(faults.worst_moment):
            self.met["moved: during the removal"] += 1
            self.tracker.move(issue_id)
        removed = WorkspaceRemoved(issue_id=issue_id, problem="denied" if fails else None)
        kept = WorkspaceRemoved(issue_id=issue_id, kept=True)
        self.within(
            HUNG_REMOVAL_MS if hangs else USUAL_REMOVAL_MS,
            lambda: self.deliver(kept if self.is_keeping_workspaces else removed),
        )

    # Ends.

    def heal(self) -> None:
        """No more faults, usable settings, and every open issue eligible."""
        self.faults = Faults()
        self.tracker.make_well()
        self.deliver(WorkflowAccepted(settings=well_settings(self.rng)))
        self._people_answer()

    def _people_answer(self) -> None:
        for issue_id in self.state.parked:
            self.tracker.answer(issue_id, self.now_ms)
        self.later(30_000, self._people_answer)

    def prove_that_everything_gets_done(self) -> None:
        """Liveness: every eligible issue runs, and no claim stays behind."""
        self.heal()
        deadline = self.now_ms + LIVENESS_BOUND_MS
        while not self._is_done():
            assert self.now_ms < deadline, f"never done: {self._undone()}, {self.state}"
            for _ in range(EVENTS_BETWEEN_LOOKS):
                self.next()

    def _is_done(self) -> bool:
        state = self.state
        claims = state.running or state.retrying or state.cleaning or state.parked
        return not (claims or self._undone())

    def _undone(self) -> list[str]:
        return [one.id for one in self.tracker.view() if eligible(one, self.settings)]

    def prove_that_it_stops(self) -> None:
        """An orderly stop in the middle of work: every run and removal ends, nothing begins."""
        for number in range(2 * LONGEST_WAIT_FOR_WORK):
            if number == LONGEST_WAIT_FOR_WORK:
                self.heal()
            if self.state.running:
                break
            self.next()
        self.met["stop: asked for while something ran"] += bool(self.state.running)
        self.deliver(ShutdownRequested())
        deadline = self.now_ms + LIVENESS_BOUND_MS
        while not self.is_empty and (self.state.running or self.state.cleaning):
            assert self.now_ms < deadline, "it does not stop"
            self.next()
        assert not self.state.running, "a run outlives the stop"
        assert not self.state.cleaning, "a removal outlives the stop"

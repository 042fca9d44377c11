"""A world in virtual time around one scheduler. The seed decides everything that happens in it."""

from __future__ import annotations

import heapq
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace

from symphony.domain.run import Succeeded, WorkspacePrepared
from symphony.domain.settings import Settings
from symphony.scheduler.commands import (
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
    CandidatesRead,
    DaemonStarted,
    Event,
    IssuesRead,
    PollRequested,
    RunEnded,
    RunReported,
    ShutdownRequested,
    TerminalRead,
    WorkflowAccepted,
    WorkflowChecked,
    WorkflowRejected,
    WorkspaceRemoved,
)
from symphony.scheduler.snapshot import take_snapshot
from symphony.scheduler.state import SchedulerState
from symphony.scheduler.step import step
from tests.support.scheduling import moment, settings, timer_event, timer_slot
from tests.support.simulation.before import Before, eligible
from tests.support.simulation.invariants import Watch
from tests.support.simulation.runs import (
    LONGEST_RUN_MS,
    LONGEST_STOP_MS,
    SimulatedRun,
    an_outcome,
    an_update,
    end_of_stop,
)
from tests.support.simulation.tracker import ACTIVE, TERMINAL, Faults, SimulatedTracker

LAST_EVENTS = 30
# Far beyond the longest chain of a hold, a capped backoff, a stalled run and a queue of 30 issues.
LIVENESS_BOUND_MS = 1_200_000


class World:
    """One daemon, its tracker, its runs, and the time."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.rng = random.Random(seed)  # noqa: S311
        self.faults = Faults.some(self.rng)
        self.tracker = SimulatedTracker(self.rng, self.rng.randrange(1, 25))
        self.now_ms = 0
        self.revision = 0
        self.state = SchedulerState(settings=self.some_settings())
        self.runs: dict[int, SimulatedRun] = {}
        self.timers: dict[tuple[str, str], ArmTimer] = {}
        self.last: deque[tuple[int, Event]] = deque(maxlen=LAST_EVENTS)
        self.started: set[str] = set()
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._order = 0
        self._watch = Watch(state=self.state, runs={}, timers=self.timers)

    @property
    def events(self) -> int:
        return self._watch.count

    @property
    def happened(self) -> Counter[str]:
        """How often what happened; a simulation in which little happens proves little."""
        return self._watch.happened

    # Time.

    def begin(self) -> None:
        self.deliver(DaemonStarted())
        self.later(0, self._tracker_changes)
        self.later(1_000, self._workflow_changes)
        self.later(5_000, self._somebody_asks_for_a_poll)

    def run(self, events: int) -> None:
        """Until so many events were delivered."""
        end = self.events + events
        while self.events < end:
            self.next()

    def next(self) -> None:
        due, _, action = heapq.heappop(self._queue)
        self.now_ms = max(self.now_ms, due)
        action()

    def later(self, delay_ms: int, action: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._queue, (self.now_ms + delay_ms, self._order, action))

    def within(self, longest_ms: int, action: Callable[[], None]) -> None:
        self.later(self.rng.randrange(longest_ms + 1), action)

    def deliver(self, event: Event, *, is_past: bool = False) -> None:
        """One event into the scheduler, its commands into the world, and everything judged."""
        self.last.append((self.now_ms, event))
        before = Before.of(self.state)
        shown = take_snapshot(self.state, moment(self.now_ms)) if is_past else None
        commands = step(self.state, event, moment(self.now_ms))
        after = self._watch.after(before, event, commands, self.now_ms)
        if shown is not None:
            assert commands == [], f"{event} of the past led to {commands}"
            self._watch.unchanged(before, after, shown, event)
        for command in commands:
            self._carry_out(command)

    # What the runtime does.

    def _carry_out(self, command: Command) -> None:
        match command:
            case ArmTimer():
                self._arm(command)
            case ReadIssues() | ReadCandidates() | ReadTerminal():
                self._ask(command)
            case CheckWorkflow(tick=tick):
                self.within(50, lambda: self._check_workflow(tick))
            case StartRun():
                self._start(self._watch.runs[command.request.run_id])
            case StopRun(run_id=run_id, reason=reason):
                outcome = end_of_stop(self.rng, reason)
                self.within(
                    LONGEST_STOP_MS,
                    lambda: self._end(RunEnded(run_id=run_id, outcome=outcome)),
                )
            case RemoveWorkspace(issue=issue):
                problem = "denied" if self.rng.random() < self.faults.removal_fails else None
                removed = WorkspaceRemoved(issue_id=issue.id, problem=problem)
                self.within(self.faults.slowest_removal_ms, lambda: self.deliver(removed))
            case _:
                pass

    def _arm(self, armed: ArmTimer) -> None:
        self.timers[timer_slot(armed.timer)] = armed
        self.later(max(armed.due_ms - self.now_ms, 0), lambda: self._fire(armed))

    def _fire(self, armed: ArmTimer) -> None:
        """A timer that was replaced may have been on its way already."""
        slot = timer_slot(armed.timer)
        if self.timers.get(slot) is armed:
            del self.timers[slot]
            self.deliver(timer_event(armed.timer))
        elif self._is_past(armed.timer) and self.rng.random() < self.faults.run_is_late:
            self.deliver(timer_event(armed.timer), is_past=True)

    def _is_past(self, timer: Timer) -> bool:
        match timer:
            case TickTimer(epoch=epoch):
                return epoch != self.state.tick_epoch
            case RefillTimer(epoch=epoch):
                return not self.state.refill.armed or epoch != self.state.refill.epoch
            case RetryTimer(issue_id=issue_id, epoch=epoch):
                retry = self.state.retrying.get(issue_id)
                return retry is None or retry.epoch != epoch

    def _ask(self, question: ReadIssues | ReadCandidates | ReadTerminal) -> None:
        asked = self.tracker.view()
        faults = self.faults

        def answer() -> None:
            view = self.tracker.seen(faults, asked)
            match question:
                case ReadIssues(purpose=purpose, ids=ids):
                    found = self.tracker.by_ids(view, ids)
                    self.deliver(IssuesRead(purpose=purpose, ids=ids, answer=found))
                case ReadCandidates(tick=tick, settings=bound):
                    states = bound.tracker.active_states
                    found = self.tracker.by_states(view, states, faults)
                    self.deliver(CandidatesRead(tick=tick, answer=found))
                case ReadTerminal(settings=bound):
                    states = bound.tracker.terminal_states
                    found = self.tracker.by_states(view, states, faults)
                    self.deliver(TerminalRead(answer=found))

        self.within(faults.slowest_read_ms, answer)

    def _check_workflow(self, tick: int) -> None:
        if self.rng.random() < 0.05 and self.faults.reload_every_ms:
            self._reload()
        self.deliver(WorkflowChecked(tick=tick))

    # Runs.

    def _start(self, run: SimulatedRun) -> None:
        self.started.add(run.issue_id)
        if self.rng.random() < 0.9:
            self.within(1_000, lambda: self._prepare(run))
        length = self.rng.randrange(1, LONGEST_RUN_MS)
        for _ in range(self.rng.randrange(4)):
            self.within(length, lambda: self._report(run))
        outcome = an_outcome(self.rng, self.faults)
        if outcome is not None:
            self.later(
                length, lambda: self._finish(run, RunEnded(run_id=run.run_id, outcome=outcome))
            )

    def _is_over(self, run: SimulatedRun) -> bool:
        return self._watch.runs.get(run.run_id) is not run

    def _prepare(self, run: SimulatedRun) -> None:
        if not self._is_over(run):
            run.path = f"/workspaces/{run.identifier}"
            update = WorkspacePrepared(path=run.path, created_now=True)
            self.deliver(RunReported(run_id=run.run_id, update=update))

    def _report(self, run: SimulatedRun) -> None:
        """Also after its end, if reports are late in this world."""
        is_over = self._is_over(run)
        if is_over and self.rng.random() >= self.faults.run_is_late:
            return
        update = an_update(self.rng, run, self.tracker.issues.get(run.issue_id))
        self.deliver(RunReported(run_id=run.run_id, update=update), is_past=is_over)

    def _finish(self, run: SimulatedRun, ended: RunEnded) -> None:
        """A run that ends well has moved its issue, most of the time."""
        if isinstance(ended.outcome, Succeeded) and not self._is_over(run):
            states = ("Done", "Done", "Done", "Review", "In Progress")
            settled = self.faults.change_every_ms == 0
            self.tracker.set_state(run.issue_id, "Done" if settled else self.rng.choice(states))
        self._end(ended)

    def _end(self, ended: RunEnded) -> None:
        """A run may end twice, as by itself and because it was stopped."""
        is_over = ended.run_id not in self._watch.runs
        if not is_over or self.rng.random() < self.faults.run_is_late:
            self.deliver(ended, is_past=is_over)

    # What people do.

    def _tracker_changes(self) -> None:
        if self.faults.change_every_ms:
            self.tracker.change_something()
            self.within(2 * self.faults.change_every_ms, self._tracker_changes)

    def _somebody_asks_for_a_poll(self) -> None:
        self.deliver(PollRequested())
        self.within(120_000, self._somebody_asks_for_a_poll)

    def _workflow_changes(self) -> None:
        if self.faults.reload_every_ms:
            self._reload()
            self.within(2 * self.faults.reload_every_ms, self._workflow_changes)

    def _reload(self) -> None:
        if self.rng.random() < self.faults.broken_reload:
            self.deliver(WorkflowRejected(reason="WORKFLOW.md:1: no"))
        else:
            self.deliver(WorkflowAccepted(settings=self.some_settings()))

    def some_settings(self) -> Settings:
        rng = self.rng
        self.revision += 1
        usual = settings(
            slots=rng.choice((0, 1, 1, 2, 3, 6)),
            by_state=rng.choice((None, None, {"Todo": 1}, {"in progress": 1, "Rework": 2})),
            interval_ms=rng.choice((1_000, 5_000, 30_000)),
            stall_ms=rng.choice((0, 3_000, 20_000, 60_000)),
            backoff_cap_ms=rng.choice((5_000, 30_000, 120_000)),
            labels=rng.choice(((), (), ("agent",), (" Agent ",))),
            active=rng.choice((ACTIVE, ACTIVE, ("todo", "Done"))),
            terminal=rng.choice((TERMINAL, TERMINAL, ("Done", "Rework"))),
            root=rng.choice(("/workspaces", "/elsewhere")),
            revision=str(self.revision),
        )
        project = rng.choice(("one", "one", "two"))
        return replace(usual, tracker=replace(usual.tracker, provider={"project": project}))

    # Ends.

    def heal(self) -> None:
        """No more faults, usable settings, and every open issue eligible."""
        self.faults = Faults()
        self.tracker.past.clear()
        self.tracker.make_well()
        well = settings(
            slots=self.rng.choice((1, 3)),
            by_state=self.rng.choice((None, {"Todo": 1})),
            interval_ms=self.rng.choice((1_000, 30_000)),
            stall_ms=60_000,
            backoff_cap_ms=60_000,
            labels=("agent",),
            revision="well",
        )
        self.deliver(WorkflowAccepted(settings=well))
        self._people_answer()

    def _people_answer(self) -> None:
        for issue_id in self.state.parked:
            self.tracker.answer(issue_id, self.now_ms)
        self.later(30_000, self._people_answer)

    def prove_that_everything_gets_done(self) -> None:
        """Liveness: every eligible issue runs, and no claim stays behind."""
        self.heal()
        deadline = self.now_ms + LIVENESS_BOUND_MS
        while self._undone() or self.state.running or self.state.retrying or self.state.cleaning:
            assert self.now_ms < deadline, f"never done: {self._undone()}, {self.state}"
            self.next()
        assert not self.state.parked

    def _undone(self) -> list[str]:
        bound = self.state.settings
        return [known.id for known in self.tracker.view() if eligible(known, bound)]

    def prove_that_it_stops(self) -> None:
        """An orderly stop: every run and removal ends, nothing begins."""
        self.deliver(ShutdownRequested())
        deadline = self.now_ms + LIVENESS_BOUND_MS
        while self._queue and (self.state.running or self.state.cleaning):
            assert self.now_ms < deadline, "it does not stop"
            self.next()
        assert not self.state.running
        assert not self.state.cleaning

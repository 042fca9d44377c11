"""The runs of a simulated world: begun, reported on, hung, stopped and ended, also twice."""

from __future__ import annotations

from symphony.domain.ids import RunId
from symphony.domain.run import (
    AgentActivity,
    Failed,
    PhaseEntered,
    RunOutcome,
    RunPhase,
    StopReason,
    Succeeded,
    WorkspacePrepared,
)
from symphony.scheduler.events import RunEnded, RunReported
from tests.support.simulation.runs import (
    FLOOD,
    LONGEST_HOOK_MS,
    LONGEST_RUN_MS,
    LONGEST_STOP_MS,
    SimulatedRun,
    an_outcome,
    an_update,
    end_of_stop,
)
from tests.support.simulation.scene import Scene

MOST_REPORTS = 6


class Agents(Scene):
    """Whoever works on issues."""

    def start(self, run: SimulatedRun) -> None:
        """Begin a run whose course is decided now."""
        faults = self.faults
        if self.chance(faults.worst_moment):
            self.met["moved: as its run began"] += 1
            self.tracker.move(run.issue_id)
        if self.chance(faults.hook_hangs):
            self.met["hook: hung before the run"] += 1
            timed_out = Failed(category="hook_timeout", message="after_create: 60000 ms")
            self.later(LONGEST_HOOK_MS, lambda: self._finish(run, timed_out))
            return
        if self.rng.random() < 0.9:
            self.within(1_000, lambda: self._prepare(run))
        length = self.rng.randrange(1, LONGEST_RUN_MS)
        for _ in range(self.rng.randrange(MOST_REPORTS)):
            self.within(length, lambda: self._report(run))
        if self.chance(faults.run_floods):
            self.within(length, lambda: self._flood(run))
        outcome = an_outcome(self.rng, faults, self.met)
        if outcome is not None:
            self.later(length, lambda: self._finish(run, outcome))

    def stop(self, run_id: RunId, reason: StopReason) -> None:
        """A run was asked to end; its processes take their time."""
        run = self.bench.watch.runs[run_id]
        if self.chance(self.faults.worst_moment):
            self.met["moved: as its run was stopped"] += 1
            self.tracker.move(run.issue_id)
        outcome = end_of_stop(self.rng, reason, self.met)
        ended = RunEnded(run_id=run_id, outcome=outcome)
        self.within(LONGEST_STOP_MS, lambda: self._end(ended))

    def _is_over(self, run: SimulatedRun) -> bool:
        return self.bench.watch.runs.get(run.run_id) is not run

    def _prepare(self, run: SimulatedRun) -> None:
        if not self._is_over(run):
            path = f"/workspaces/{run.identifier}"
            update = WorkspacePrepared(path=path, created_now=True)
            self.deliver(RunReported(run_id=run.run_id, update=update))

    def _report(self, run: SimulatedRun) -> None:
        """Also after its end, if reports are late in this world."""
        is_over = self._is_over(run)
        if is_over and not self.chance(self.faults.run_is_late):
            return
        self.met["agent: spoke after its end"] += is_over
        issue = self.tracker.issues.get(run.issue_id)
        update = an_update(self.rng, run, issue, self.faults, self.met)
        self.deliver(RunReported(run_id=run.run_id, update=update))

    def _flood(self, run: SimulatedRun) -> None:
        if not self._is_over(run):
            self.met["agent: flooded"] += 1
            for number in range(FLOOD):
                update = AgentActivity(event="notification", message=f"line {number}")
                self.deliver(RunReported(run_id=run.run_id, update=update))

    def _finish(self, run: SimulatedRun, outcome: RunOutcome) -> None:
        """A run that ends well has moved its issue, most of the time. The hook after it may hang,
        until it is given up."""
        ended = RunEnded(run_id=run.run_id, outcome=outcome)
        if self._is_over(run):
            self._end(ended)
            return
        if isinstance(outcome, Succeeded):
            self._move_on(run)
        if self.chance(self.faults.hook_hangs):
            self.met["hook: hung after the run"] += 1
            phase = PhaseEntered(phase=RunPhase.FINISHING)
            self.deliver(RunReported(run_id=run.run_id, update=phase))
            self.within(LONGEST_HOOK_MS, lambda: self._end(ended))
        else:
            self._end(ended)

    def _move_on(self, run: SimulatedRun) -> None:
        is_calm = self.faults.change_every_ms == 0
        states = ("Done", "Done", "Done", "Review", "In Progress")
        state = "Done" if is_calm else self.rng.choice(states)
        self.met["agent: done without having moved its issue"] += state == "In Progress"
        self.tracker.set_state(run.issue_id, state)

    def _end(self, ended: RunEnded) -> None:
        """A run may end twice, as by itself and because it was stopped."""
        is_over = ended.run_id not in self.bench.watch.runs
        if not is_over or self.chance(self.faults.run_is_late):
            self.met["agent: ended twice"] += is_over
            self.deliver(ended)

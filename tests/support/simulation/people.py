"""What people and machines around the daemon do: edits, reloads, polls, outages, clocks."""

from __future__ import annotations

from symphony.domain.ids import IssueId
from symphony.scheduler.events import (
    Event,
    OperatorAnswered,
    OperatorStopped,
    PollRequested,
    WorkflowAccepted,
    WorkflowRejected,
)
from tests.support.simulation.agents import Agents
from tests.support.simulation.settings import changes, some_settings
from tests.support.simulation.tracker import LONGEST_OUTAGE_MS

# As far as a clock is set by hand, or by a time server that was lost for a month.
WALL_JUMPS_MS = (-2_592_000_000, -3_600_000, -1_000, 1_000, 3_600_000, 2_592_000_000)
MANY_POLLS = 5
NOBODY = IssueId("id-nobody")


class People(Agents):
    """Everything that happens without the daemon's doing."""

    def begin_to_live(self) -> None:
        """Set everything going that goes by itself."""
        self.later(0, self._tracker_changes)
        self.later(1_000, self._workflow_changes)
        self.later(5_000, self._somebody_asks_for_a_poll)
        self.later(3_000, self._clock_jumps)
        self.later(2_000, self._operator_acts)
        self.later(10_000, self._tracker_goes_down)

    def after(self, event: Event) -> None:
        if self.chance(self.faults.reload_at_once) and not isinstance(event, WorkflowRejected):
            self.later(0, self._reload_at_once)

    def _reload_at_once(self) -> None:
        if self.faults.reload_at_once:
            self.met["reload: in the moment of another event"] += 1
            self.reload()

    def reload(self) -> None:
        """WORKFLOW.md was edited, to good or bad."""
        if self.chance(self.faults.broken_reload):
            self.met["reload: bad"] += 1
            self.deliver(WorkflowRejected(reason="WORKFLOW.md:1: no"))
            return
        self.revision += 1
        bound = some_settings(self.rng, self.revision)
        self.met["reload: good"] += 1
        self.met["reload: during a removal"] += bool(self.state.cleaning)
        self.met.update(changes(self.settings, bound, len(self.state.running)))
        self.deliver(WorkflowAccepted(settings=bound))

    def _tracker_changes(self) -> None:
        if self.faults.change_every_ms:
            self.tracker.change_something()
            self.within(2 * self.faults.change_every_ms, self._tracker_changes)

    def _workflow_changes(self) -> None:
        if self.faults.reload_every_ms:
            self.reload()
            self.within(2 * self.faults.reload_every_ms, self._workflow_changes)

    def _somebody_asks_for_a_poll(self) -> None:
        if not self.faults.polls_every_ms:
            return
        count = MANY_POLLS if self.rng.random() < 0.1 else 1
        self.met["poll: asked for many times"] += count > 1
        for _ in range(count):
            self.met["poll: asked for"] += 1
            self.met["poll: asked for during a tick"] += self.state.tick is not None
            self.deliver(PollRequested())
        self.within(2 * self.faults.polls_every_ms, self._somebody_asks_for_a_poll)

    def _operator_acts(self) -> None:
        if self.faults.operator_every_ms:
            if self.state.parked and self.chance(0.5):
                self._operator_answers()
            else:
                self._operator_stops()
            self.within(2 * self.faults.operator_every_ms, self._operator_acts)

    def _operator_answers(self) -> None:
        """What the page shows may be over by the time that somebody has written an answer."""
        issue_id, parked = self.rng.choice(list(self.state.parked.items()))
        late = self.chance(0.3)
        self.met[f"operator: answered{' what is not asked any more' if late else ''}"] += 1
        question = parked.epoch - 1 if late else parked.epoch
        text = f"answer {self.rng.randrange(1_000)}"
        self.deliver(OperatorAnswered(issue_id=issue_id, question=question, text=text))

    def _operator_stops(self) -> None:
        state = self.state
        shown = (*state.running, *state.retrying, *state.waiting, NOBODY)
        issue_id = self.rng.choice(shown)
        entry = state.running.get(issue_id)
        if entry is not None:
            ends = entry.stopping is not None
            self.met[f"operator: stopped a run{' that ends already' if ends else ''}"] += 1
        elif issue_id in state.retrying:
            self.met["operator: stopped a retry"] += 1
        elif issue_id in state.waiting:
            self.met["operator: stopped what waited"] += 1
        else:
            self.met["operator: stopped what is not there"] += 1
        self.deliver(OperatorStopped(issue_id=issue_id))

    def _clock_jumps(self) -> None:
        """The clock on the wall only; the other one never jumps."""
        if self.faults.clock_jumps_every_ms:
            jump = self.rng.choice(WALL_JUMPS_MS)
            self.met["clock: wall set ahead" if jump > 0 else "clock: wall set back"] += 1
            # Back to about the right time, so that a long life stays within the calendar.
            self.wall_ms = jump if self.wall_ms == 0 else 0
            self.within(2 * self.faults.clock_jumps_every_ms, self._clock_jumps)

    def _tracker_goes_down(self) -> None:
        if self.faults.outage_every_ms:
            length = self.rng.randrange(LONGEST_OUTAGE_MS)
            self.tracker.down_until_ms = self.now_ms + length
            self.within(2 * self.faults.outage_every_ms, self._tracker_goes_down)

"""One scheduler under watch: every event goes in here, and every rule is judged after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from symphony.domain.settings import Settings
from symphony.scheduler.commands import ArmTimer, Command, RefillTimer, RetryTimer, TickTimer, Timer
from symphony.scheduler.events import Event
from symphony.scheduler.moment import Moment
from symphony.scheduler.snapshot import take_snapshot
from symphony.scheduler.state import SchedulerState
from symphony.scheduler.step import step
from tests.support.scheduling import timer_slot
from tests.support.simulation.before import Before
from tests.support.simulation.invariants import Watch

Step: TypeAlias = Callable[[SchedulerState, Event, Moment], list[Command]]
# People look now and then; each look has to work, and costs a few events' time.
EVENTS_PER_LOOK = 50


class Bench:
    """`decide` is the scheduler's step, or one with a defect."""

    def __init__(self, bound: Settings, decide: Step = step) -> None:
        self.state = SchedulerState(settings=bound)
        self.timers: dict[tuple[str, str], ArmTimer] = {}
        self.watch = Watch(self.state, self.timers)
        self._decide = decide

    def deliver(self, event: Event, now: Moment, *, is_past: bool = False) -> list[Command]:
        """One event, and what follows from it. Raises AssertionError where a rule is broken.

        `is_past` says what the timers know: that it fired though another one took its place.
        """
        is_past = is_past or self.watch.is_past(event)
        before = Before.of(self.state)
        shown = take_snapshot(self.state, now) if is_past else None
        commands = self._decide(self.state, event, now)
        self.watch.after(before, event, commands, now.monotonic_ms, is_past=is_past)
        if shown is not None:
            assert commands == [], f"{event} of the past led to {commands}"
            self.watch.unchanged(before, take_snapshot(self.state, now), shown, event)
        elif self.watch.count % EVENTS_PER_LOOK == 0:
            take_snapshot(self.state, now)
        for command in commands:
            if isinstance(command, ArmTimer):
                self.timers[timer_slot(command.timer)] = command
        return commands

    def is_replaced(self, timer: Timer) -> bool:
        """Whether nobody waits for this timer any more."""
        state = self.state
        match timer:
            case TickTimer(epoch=epoch):
                return epoch != state.tick_epoch
            case RefillTimer(epoch=epoch):
                return not state.refill.armed or epoch != state.refill.epoch
            case RetryTimer(issue_id=issue_id, epoch=epoch):
                retry = state.retrying.get(issue_id)
                return retry is None or retry.epoch != epoch

"""The loop: one event at a time into `step`, its commands into the interpreter.

It alone changes the scheduler's state. An exception here is a defect of the scheduler; it ends the
daemon, which ends all it owns, because state that was half changed must not go on deciding.
"""

from __future__ import annotations

from collections.abc import Callable

from symphony.runtime.clock import Clock
from symphony.runtime.interpreter import Interpreter
from symphony.runtime.mailbox import Mailbox
from symphony.runtime.ports import Governor
from symphony.scheduler.events import Event
from symphony.scheduler.snapshot import Snapshot, take_snapshot
from symphony.scheduler.state import SchedulerState
from symphony.scheduler.step import step

Observer = Callable[[Event], None]


class Loop:
    """Feeds the scheduler until it has drained."""

    def __init__(
        self,
        *,
        state: SchedulerState,
        mailbox: Mailbox,
        clock: Clock,
        interpreter: Interpreter,
        observers: tuple[Observer, ...] = (),
        governor: Governor | None = None,
    ) -> None:
        self._state = state
        self._mailbox = mailbox
        self._clock = clock
        self._interpreter = interpreter
        self._observers = observers
        self._governor = governor

    def snapshot(self) -> Snapshot:
        """The state between two events."""
        return take_snapshot(self._state, self._clock.now())

    async def run(self) -> None:
        """Return when a shutdown was asked for and nothing runs any more."""
        async for event in self._mailbox.events():
            self._take(event)
            for observe in self._observers:
                observe(event)
            if self._drained():
                self._mailbox.close()
                return

    def _take(self, event: Event) -> None:
        now, governor = self._clock.now(), self._governor
        if governor is not None and not governor.admits(self._state, event, now):
            governor.observe(self._state, event, now)
            return
        for command in step(self._state, event, now):
            self._interpreter.execute(command)
        if governor is not None:
            governor.observe(self._state, event, now)

    def _drained(self) -> bool:
        state = self._state
        return state.draining and not state.running and not state.cleaning

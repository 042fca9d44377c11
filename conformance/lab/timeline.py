"""Everything that was observed, on one clock, in one order.

Guarantees: events carry monotonic times and never change order; appending is safe from any thread
and wakes whoever waits. At most `LARGEST` events are kept; what comes later is counted, not kept,
and says so. Must not: interpret anything.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from conformance.fakes.json_values import JsonObject, JsonValue

Tap: TypeAlias = Literal["tracker", "agent", "files", "output", "api", "target", "scenario"]
"""Where it was seen. `target` is the process of the implementation; `scenario` is what the scenario
itself did or noted."""

LARGEST = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`at` is in seconds of the monotonic clock. `subject` is what it is about: an identifier, a
    workspace, a path; empty where it is about nothing in particular. `text` is one line for people.
    """

    number: int
    at: float
    tap: Tap
    kind: str
    subject: str
    text: str
    data: JsonObject = field(default_factory=dict[str, JsonValue])


class Timeline:
    """The events of one scenario. Numbers begin at 1; `started` is when it began."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.dropped = 0
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._listeners: list[Callable[[], None]] = []

    def add(self, tap: Tap, kind: str, text: str, *, subject: str = "", **data: JsonValue) -> Event:
        """Something was seen just now."""
        with self._lock:
            event = Event(
                number=len(self._events) + self.dropped + 1,
                at=time.monotonic(),
                tap=tap,
                kind=kind,
                subject=subject,
                text=text,
                data=data,
            )
            if len(self._events) < LARGEST:
                self._events.append(event)
            else:
                self.dropped += 1
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()
        return event

    def events(
        self,
        tap: Tap | None = None,
        kind: str | None = None,
        *,
        subject: str | None = None,
        after: int = 0,
    ) -> Sequence[Event]:
        """Those with numbers above `after` that are of this tap, kind and subject."""
        with self._lock:
            found = list(self._events)
        return [
            event
            for event in found
            if event.number > after
            and tap in (None, event.tap)
            and kind in (None, event.kind)
            and subject in (None, event.subject)
        ]

    @property
    def last(self) -> int:
        """The number of the newest event; 0 when there is none."""
        with self._lock:
            return len(self._events) + self.dropped

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every new event, on the thread that added it; gives the function
        that ends it."""
        with self._lock:
            self._listeners.append(listener)

        def forget() -> None:
            with self._lock:
                self._listeners.remove(listener)

        return forget

    def shown(self, count: int) -> tuple[str, ...]:
        """The last `count` events, a line each: seconds since the beginning, tap, text."""
        with self._lock:
            found = self._events[-count:]
        return tuple(self._line(event) for event in found)

    def _line(self, event: Event) -> str:
        about = f" {event.subject}:" if event.subject else ""
        return f"{event.at - self.started:8.3f} {event.tap:<8}{about} {event.text}"

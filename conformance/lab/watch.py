"""Requests to the tracker as events on the timeline, and how many polls they make.

Guarantees: an event is there before the request is answered; polls are numbered in the order of
their events. Must not: change an answer.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from conformance.fakes.recording import Request
from conformance.lab.reads import Read, Reader, ReadKind
from conformance.lab.timeline import Timeline

FURTHER_PAGE = "_further"
"""A fault with `only="candidates_further"` leaves out the opening page of each read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One read of the candidates, however many requests it takes. `event` is the number of the
    event of its earliest request, `at` its time on the monotonic clock."""

    number: int
    event: int
    at: float


class Watch:
    """Puts requests on the timeline and counts polls. Called on the threads of the fake."""

    def __init__(self, timeline: Timeline, reader: Reader) -> None:
        self._timeline = timeline
        self._reader = reader
        self._lock = threading.Lock()
        self._polls: list[Poll] = []
        self._asked_in_poll: set[frozenset[str]] = set()
        self._is_starting = True

    def life_began(self) -> None:
        with self._lock:
            self._is_starting = True
            self._asked_in_poll.clear()

    def polls(self) -> list[Poll]:
        with self._lock:
            return list(self._polls)

    def understood(self, request: Request) -> tuple[str, ...]:
        read = self._reader.read(request)
        # One at a time, so that the numbers of polls grow with those of their events.
        with self._lock:
            kind = self._kind(read)
            begins = kind == "candidates" and self._begins_poll(read)
            number = len(self._polls) + begins
            event = self._timeline.add(
                "tracker",
                kind,
                _line(request, kind, read),
                number=request.number,
                states=sorted(read.states),
                ids=sorted(read.ids),
                is_opening=read.is_opening,
                poll=number if kind == "candidates" else 0,
            )
            if begins:
                self._polls.append(Poll(number=number, event=event.number, at=event.at))
        return (kind,) if read.is_opening else (kind, f"{kind}{FURTHER_PAGE}")

    def answered(self, request: Request) -> None:
        self._timeline.add(
            "tracker",
            "answered",
            f"request {request.number} is answered {request.status}",
            number=request.number,
            status=request.status,
            fault=request.fault,
        )

    def spoilt(self, request: Request) -> None:
        self._timeline.add(
            "tracker",
            "fault",
            f"request {request.number} meets the fault {request.fault}",
            number=request.number,
            fault=request.fault,
        )

    def _kind(self, read: Read) -> ReadKind:
        if read.kind == "candidates":
            self._is_starting = False
        return "terminal" if self._is_starting and read.kind == "by_id" else read.kind

    def _begins_poll(self, read: Read) -> bool:
        """A poll may take a request for each state: it ends where one of them comes again."""
        if not read.is_opening:
            return False
        if self._asked_in_poll and read.states not in self._asked_in_poll:
            self._asked_in_poll.add(read.states)
            return False
        self._asked_in_poll = {read.states}
        return True


def _line(request: Request, kind: ReadKind, read: Read) -> str:
    what = {
        "candidates": f"reads candidates in {', '.join(sorted(read.states)) or 'any state'}",
        "terminal": f"reads for the cleanup: {', '.join(sorted(read.states | read.ids)) or 'all'}",
        "by_id": f"reads by id: {', '.join(sorted(read.ids)) or '(by number)'}",
        "mutation": f"changes something: {', '.join(request.root_fields) or request.path}",
        "other": f"asks for {', '.join(request.root_fields) or request.path}",
    }[kind]
    page = "" if read.is_opening else ", further page"
    refusal = f", refused: {request.refusal}" if request.refusal else ""
    return f"request {request.number} {what}{page}{refusal}"

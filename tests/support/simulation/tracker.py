"""A tracker that changes at the worst moment, and answers late, from the past, or not at all."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, replace

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue, state_key
from symphony.scheduler.events import Answer, ReadFailure
from tests.support.scheduling import in_states, issue

ACTIVE = ("Todo", "In Progress", "Rework")
TERMINAL = ("Done", "Cancelled")
STATES = (*ACTIVE, *ACTIVE, *TERMINAL, "Backlog", "Review", "todo ", "DONE")
LABELS = ((), ("agent",), ("agent", "bug"))
LONGEST_HOLD_MS = 60_000

View = tuple[Issue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How bad the world is: probabilities, and times in milliseconds."""

    read_fails: float = 0.0
    asks_for_rest: float = 0.0
    stale: float = 0.0
    careless: float = 0.0
    slowest_read_ms: int = 50
    change_every_ms: int = 0
    run_fails: float = 0.0
    run_hangs: float = 0.0
    run_asks: float = 0.0
    run_is_late: float = 0.0
    removal_fails: float = 0.0
    slowest_removal_ms: int = 100
    reload_every_ms: int = 0
    broken_reload: float = 0.0

    @staticmethod
    def some(rng: random.Random) -> Faults:
        """A mixture; every kind is absent in some worlds."""

        def chance(highest: float) -> float:
            return rng.choice((0.0, highest / 4, highest))

        return Faults(
            read_fails=chance(0.4),
            asks_for_rest=chance(0.3),
            stale=chance(0.3),
            careless=chance(0.5),
            slowest_read_ms=rng.choice((50, 2_000, 40_000)),
            change_every_ms=rng.choice((500, 3_000, 30_000)),
            run_fails=chance(0.6),
            run_hangs=chance(0.3),
            run_asks=chance(0.3),
            run_is_late=chance(0.4),
            removal_fails=chance(0.5),
            slowest_removal_ms=rng.choice((100, 30_000)),
            reload_every_ms=rng.choice((0, 5_000, 60_000)),
            broken_reload=chance(0.6),
        )


class SimulatedTracker:
    """The truth about the issues, and how it looks to who reads."""

    def __init__(self, rng: random.Random, count: int) -> None:
        self._rng = rng
        self.issues: dict[IssueId, Issue] = {}
        self.past: deque[View] = deque(maxlen=5)
        self._born = 0
        for _ in range(count):
            self.add()

    def add(self) -> None:
        """A new issue; now and then one with the name of another."""
        rng = self._rng
        self._born += 1
        name = f"A-{self._born}"
        namesake = rng.random() < 0.1 and self.issues
        born = issue(
            name,
            identifier=rng.choice(list(self.issues.values())).identifier if namesake else None,
            state=rng.choice(STATES) if rng.random() < 0.3 else rng.choice(ACTIVE),
            priority=rng.choice((None, 0, 1, 2, 3, 4, 5)),
            labels=rng.choice(LABELS),
            created=rng.choice((None, rng.randrange(100))),
            dispatchable=rng.random() < 0.9,
        )
        self.issues[born.id] = born

    def view(self) -> View:
        return tuple(self.issues.values())

    def set_state(self, issue_id: IssueId, state: str) -> None:
        known = self.issues.get(issue_id)
        if known is not None:
            self.issues[issue_id] = replace(known, state=state)

    def change_something(self) -> None:
        """Somebody works in the tracker."""
        rng = self._rng
        self.past.append(self.view())
        if not self.issues or (len(self.issues) < 30 and rng.random() < 0.1):
            self.add()
            return
        known = rng.choice(list(self.issues.values()))
        match rng.randrange(10):
            case 0:
                self.issues[known.id] = replace(known, labels=rng.choice(LABELS))
            case 1:
                self.issues[known.id] = replace(known, dispatchable=not known.dispatchable)
            case 2:
                self.issues[known.id] = replace(known, description=f"text {rng.random()}")
            case 3:
                if rng.random() < 0.3:
                    del self.issues[known.id]
            case 4:
                name = rng.choice(list(self.issues.values())).identifier
                self.issues[known.id] = replace(known, identifier=name)
            case _:
                self.issues[known.id] = replace(known, state=rng.choice(STATES))

    def answer(self, issue_id: IssueId, number: int) -> None:
        """A person answers the question of an agent."""
        known = self.issues.get(issue_id)
        if known is not None:
            self.issues[issue_id] = replace(known, description=f"answer {number}")

    def make_well(self) -> None:
        """Every issue that is open becomes eligible, and has its own name."""
        for known in self.view():
            state = known.state if state_key(known.state) in {"done", "cancelled"} else "Todo"
            self.issues[known.id] = replace(
                known,
                state=state,
                identifier=IssueIdentifier(known.id.removeprefix("id-")),
                dispatchable=True,
                labels=("agent",),
            )

    def seen(self, faults: Faults, asked: View) -> View | ReadFailure:
        """What a read gives that was asked when the tracker looked like `asked`."""
        rng = self._rng
        if rng.random() < faults.read_fails:
            rest = (
                rng.randrange(1, LONGEST_HOLD_MS) if rng.random() < faults.asks_for_rest else None
            )
            return ReadFailure(category="tracker_request", message="no", retry_after_ms=rest)
        if self.past and rng.random() < faults.stale:
            return rng.choice(self.past)
        return asked if rng.random() < 0.3 else self.view()

    def by_states(
        self, view: View | ReadFailure, states: tuple[str, ...], faults: Faults
    ) -> Answer:
        """A careless tracker hands over what nobody asked for, and twice, and half of it."""
        if isinstance(view, ReadFailure):
            return view
        found = in_states(view, states)
        if found and self._rng.random() < faults.careless:
            extra = self._rng.choice(view)
            found = (extra, *found, found[0], replace(extra, id=IssueId("id-B"), title=" "))
        return found

    @staticmethod
    def by_ids(view: View | ReadFailure, ids: tuple[IssueId, ...]) -> Answer:
        if isinstance(view, ReadFailure):
            return view
        wanted = set(ids)
        return tuple(known for known in view if known.id in wanted)

"""A tracker that changes at the worst moment, and answers late, from the past, or not at all."""

from __future__ import annotations

import random
from collections import Counter, deque
from dataclasses import replace

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue, state_key, state_keys
from symphony.scheduler.events import Answer, ReadFailure
from tests.support.scheduling import in_states, issue
from tests.support.simulation.faults import Faults

ACTIVE = ("Todo", "In Progress", "Rework")
TERMINAL = ("Done", "Cancelled")
STATES = (*ACTIVE, *ACTIVE, *TERMINAL, "Backlog", "Review", "todo ", "DONE")
LABELS = ((), ("agent",), ("agent", "bug"))
LONGEST_HOLD_MS = 60_000
LONGEST_OUTAGE_MS = 90_000
# A view is remembered for as long as a cache of a provider may be behind.
REMEMBERED_VIEWS = 5

View = tuple[Issue, ...]


class SimulatedTracker:
    """The truth about the issues, and how it looks to who reads."""

    def __init__(self, rng: random.Random, count: int, met: Counter[str]) -> None:
        self._rng = rng
        self._met = met
        self.issues: dict[IssueId, Issue] = {}
        self.past: deque[View] = deque(maxlen=REMEMBERED_VIEWS)
        self.down_until_ms = 0
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

    def move(self, issue_id: IssueId) -> None:
        """Somebody moves the issue, right now."""
        self.past.append(self.view())
        self.set_state(issue_id, self._rng.choice(STATES))

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
                    self._met["issue: vanished"] += 1
                    del self.issues[known.id]
            case 4:
                name = rng.choice(list(self.issues.values())).identifier
                self._met["issue: took the name of another"] += name != known.identifier
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
        self.past.clear()
        self.down_until_ms = 0
        for known in self.view():
            state = known.state if state_key(known.state) in state_keys(TERMINAL) else "Todo"
            self.issues[known.id] = replace(
                known,
                state=state,
                identifier=IssueIdentifier(known.id.removeprefix("id-")),
                dispatchable=True,
                labels=("agent",),
            )

    # How it looks.

    def seen(self, faults: Faults, asked: View, now_ms: int) -> View | ReadFailure:
        """What a read gives now that was asked when the tracker looked like `asked`."""
        rng = self._rng
        if now_ms < self.down_until_ms:
            self._met["read: failed in an outage"] += 1
            return ReadFailure(category="tracker_request", message="nobody listens")
        if rng.random() < faults.read_fails:
            return self._failure(faults)
        if self.past and rng.random() < faults.stale:
            self._met["read: from the past"] += 1
            return rng.choice(self.past)
        return asked if rng.random() < 0.3 else self.view()

    def _failure(self, faults: Faults) -> ReadFailure:
        rest = None
        if self._rng.random() < faults.asks_for_rest:
            self._met["read: wants a rest"] += 1
            rest = self._rng.randrange(1, LONGEST_HOLD_MS)
        self._met["read: failed"] += 1
        return ReadFailure(category="tracker_status", message="no", retry_after_ms=rest)

    def by_states(
        self, view: View | ReadFailure, states: tuple[str, ...], faults: Faults
    ) -> Answer:
        """The issues in these states, as a careless tracker pages them."""
        if isinstance(view, ReadFailure):
            return view
        return self._handed_over(in_states(view, states), view, faults)

    def by_ids(self, view: View | ReadFailure, ids: tuple[IssueId, ...], faults: Faults) -> Answer:
        """The issues with these ids, as a careless tracker finds them."""
        if isinstance(view, ReadFailure):
            return view
        wanted = set(ids)
        return self._handed_over(tuple(one for one in view if one.id in wanted), view, faults)

    def _handed_over(self, found: View, view: View, faults: Faults) -> View:
        """Half of it, twice, out of order, and what nobody asked for."""
        rng, met = self._rng, self._met
        if found and rng.random() < faults.leaves_out:
            missing = rng.choice(found)
            found = tuple(one for one in found if one is not missing)
            met["answer: an issue left out"] += 1
        if not found or rng.random() >= faults.careless:
            return found
        extra, again = rng.choice(view), rng.choice(found)
        met["answer: an issue nobody asked for"] += extra not in found
        met["answer: an issue twice"] += 1
        met["answer: an issue without a title"] += 1
        moved = replace(again, state=rng.choice(STATES))
        met["answer: an issue in two states"] += state_key(moved.state) != state_key(again.state)
        nameless = replace(extra, id=IssueId("id-B"), title=" ")
        return (extra, *found, again, moved, nameless)

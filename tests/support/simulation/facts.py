"""What is known of one world from outside the scheduler, and what one step did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from symphony.domain.ids import IssueId, RunId
from symphony.domain.settings import Settings
from symphony.scheduler.commands import ArmTimer, Command
from symphony.scheduler.events import Event, ReadPurpose
from symphony.scheduler.state import SchedulerState
from tests.support.simulation.accounts import Rest, Tokens
from tests.support.simulation.before import Before
from tests.support.simulation.runs import SimulatedRun


@dataclass(frozen=True, slots=True)
class Asked:
    """The number of the event that asked a question, and the settings that it asked with."""

    number: int
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One step of the scheduler. `asked` is None where the event answers nothing; `ended` is the
    run that it ended; `is_past`: nobody waits for what the event says."""

    before: Before
    event: Event
    commands: list[Command]
    now_ms: int
    asked: Asked | None
    ended: SimulatedRun | None
    is_past: bool


@dataclass(slots=True, kw_only=True)
class Facts:
    """`runs` are those whose end was not delivered yet; `decided` says with which event something
    was decided of an issue last; `failures` counts those in a row; `answers` are what operators
    said that no run has used yet."""

    state: SchedulerState
    runs: dict[RunId, SimulatedRun]
    timers: dict[tuple[str, str], ArmTimer]
    count: int = 0
    broken: bool = False
    stopping: bool = False
    reads: dict[ReadPurpose, Asked] = field(default_factory=dict[ReadPurpose, Asked])
    polls: dict[int, Asked] = field(default_factory=dict[int, Asked])
    terminal: Asked | None = None
    checks: set[int] = field(default_factory=set[int])
    reconciled: set[int] = field(default_factory=set[int])
    decided: dict[IssueId, int] = field(default_factory=dict[IssueId, int])
    failures: dict[IssueId, int] = field(default_factory=dict[IssueId, int])
    removing: dict[IssueId, str] = field(default_factory=dict[IssueId, str])
    answers: dict[IssueId, str] = field(default_factory=dict[IssueId, str])
    tokens: Tokens = field(default_factory=Tokens)
    rest: Rest = field(default_factory=Rest)
    happened: Counter[str] = field(default_factory=Counter[str])

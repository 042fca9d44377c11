"""What can go wrong in a simulated world: how often, and the names under which it is counted.

A world counts each fault where it does its harm and not where it was planned, so that a count of
zero means that nobody has met it. `KINDS` is what a simulation of some length has to have met.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

KINDS: Final = frozenset(
    {
        # The tracker.
        "read: slow",
        "read: from the past",
        "read: failed",
        "read: failed in an outage",
        "read: given up",
        "read: wants a rest",
        "answer: an issue nobody asked for",
        "answer: an issue twice",
        "answer: an issue in two states",
        "answer: an issue without a title",
        "answer: an issue left out",
        "moved: between the read and the start",
        "moved: as its run began",
        "moved: as its run was stopped",
        "moved: during the removal",
        "moved: while a retry was due",
        "issue: took the name of another",
        "issue: vanished",
        # The agent.
        "agent: crashed",
        "agent: failed",
        "agent: went silent",
        "agent: asked",
        "agent: flooded",
        "agent: total shrank",
        "agent: spoke of a foreign thread",
        "agent: spoke of a foreign issue",
        "agent: done without having moved its issue",
        "agent: ended twice",
        "agent: spoke after its end",
        "agent: ended otherwise than it was told",
        "agent: wants the tracker to rest",
        # Hooks and removals.
        "hook: failed",
        "hook: hung before the run",
        "hook: hung after the run",
        "removal: failed",
        "removal: hung",
        # WORKFLOW.md.
        "reload: good",
        "reload: bad",
        "reload: in the moment of another event",
        "reload: lowered a limit below what runs",
        "reload: other states",
        "reload: other labels",
        "reload: other interval",
        "reload: other root",
        "reload: other tracker",
        "reload: between question and answer",
        "reload: during a removal",
        # Time.
        "clock: wall set back",
        "clock: wall set ahead",
        "timer: late",
        "timer: fired though it was replaced",
        # People.
        "poll: asked for",
        "poll: asked for during a tick",
        "poll: asked for many times",
        "operator: answered",
        "operator: answered what is not asked any more",
        "operator: stopped a run",
        "operator: stopped a run that ends already",
        "operator: stopped a retry",
        "operator: stopped what waited",
        "operator: stopped what is not there",
        "stop: asked for while something ran",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How bad the world is: probabilities, and times in milliseconds. The defaults are harmless."""

    read_fails: float = 0.0
    asks_for_rest: float = 0.0
    gives_up: float = 0.0
    stale: float = 0.0
    careless: float = 0.0
    leaves_out: float = 0.0
    slowest_read_ms: int = 50
    outage_every_ms: int = 0
    change_every_ms: int = 0
    worst_moment: float = 0.0
    run_fails: float = 0.0
    run_hangs: float = 0.0
    run_asks: float = 0.0
    run_floods: float = 0.0
    run_lies: float = 0.0
    run_is_late: float = 0.0
    hook_fails: float = 0.0
    hook_hangs: float = 0.0
    removal_fails: float = 0.0
    removal_hangs: float = 0.0
    reload_every_ms: int = 0
    reload_at_once: float = 0.0
    broken_reload: float = 0.0
    clock_jumps_every_ms: int = 0
    timer_is_late: float = 0.0
    polls_every_ms: int = 0
    operator_every_ms: int = 0

    @staticmethod
    def some(rng: random.Random) -> Faults:
        """A mixture; every kind is absent in some worlds."""

        def chance(highest: float) -> float:
            return rng.choice((0.0, highest / 4, highest))

        return Faults(
            read_fails=chance(0.4),
            asks_for_rest=chance(0.6),
            gives_up=chance(0.1),
            stale=chance(0.3),
            careless=chance(0.5),
            leaves_out=chance(0.3),
            slowest_read_ms=rng.choice((50, 2_000, 40_000)),
            outage_every_ms=rng.choice((0, 0, 300_000)),
            change_every_ms=rng.choice((500, 3_000, 30_000)),
            worst_moment=chance(0.3),
            run_fails=chance(0.6),
            run_hangs=chance(0.3),
            run_asks=chance(0.3),
            run_floods=chance(0.2),
            run_lies=chance(0.5),
            run_is_late=chance(0.4),
            hook_fails=chance(0.2),
            hook_hangs=chance(0.2),
            removal_fails=chance(0.5),
            removal_hangs=chance(0.2),
            reload_every_ms=rng.choice((0, 5_000, 60_000)),
            reload_at_once=chance(0.02),
            broken_reload=chance(0.6),
            clock_jumps_every_ms=rng.choice((0, 20_000, 120_000)),
            timer_is_late=chance(0.2),
            polls_every_ms=rng.choice((0, 10_000, 120_000)),
            operator_every_ms=rng.choice((0, 5_000, 60_000)),
        )

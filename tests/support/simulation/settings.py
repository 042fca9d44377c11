"""The settings that people write into the WORKFLOW.md of a simulated world."""

from __future__ import annotations

import random
from dataclasses import replace

from symphony.domain.settings import Settings
from tests.support.scheduling import settings
from tests.support.simulation.tracker import ACTIVE, TERMINAL


def some_settings(rng: random.Random, revision: int) -> Settings:
    """Any; all of them are valid, and few are sensible."""
    usual = settings(
        slots=rng.choice((0, 1, 1, 2, 3, 6)),
        by_state=rng.choice((None, None, {"Todo": 1}, {"in progress": 1, "Rework": 2})),
        interval_ms=rng.choice((1_000, 5_000, 30_000)),
        stall_ms=rng.choice((0, 3_000, 20_000, 60_000)),
        backoff_cap_ms=rng.choice((5_000, 30_000, 120_000)),
        labels=rng.choice(((), (), ("agent",), (" Agent ",))),
        active=rng.choice((ACTIVE, ACTIVE, ("todo", "Done"))),
        terminal=rng.choice((TERMINAL, TERMINAL, ("Done", "Rework"))),
        root=rng.choice(("/workspaces", "/elsewhere")),
        revision=str(revision),
    )
    project = rng.choice(("one", "one", "two"))
    return replace(usual, tracker=replace(usual.tracker, provider={"project": project}))


def well_settings(rng: random.Random) -> Settings:
    """Such that everything that `SimulatedTracker.make_well` left open gets done."""
    return settings(
        slots=rng.choice((1, 3)),
        by_state=rng.choice((None, {"Todo": 1})),
        interval_ms=rng.choice((1_000, 30_000)),
        stall_ms=60_000,
        backoff_cap_ms=60_000,
        labels=("agent",),
        revision="well",
    )


def changes(before: Settings, after: Settings, running: int) -> list[str]:
    """What an edit changed, under the names of faults."""
    found = {
        "lowered a limit below what runs": after.agent.max_concurrent_agents < running,
        "other states": _states(before) != _states(after),
        "other labels": before.tracker.required_labels != after.tracker.required_labels,
        "other interval": before.polling != after.polling,
        "other root": before.workspace != after.workspace,
        "other tracker": before.tracker.provider != after.tracker.provider,
    }
    return [f"reload: {name}" for name, changed in found.items() if changed]


def _states(bound: Settings) -> object:
    return bound.tracker.active_states, bound.tracker.terminal_states

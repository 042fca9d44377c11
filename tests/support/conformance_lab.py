"""Labs of the conformance suite around our own daemon."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from conformance.catalogue import Profile, load_catalogue
from conformance.lab.lab import Lab
from conformance.lab.machine import Machine
from conformance.lab.play import Played, play
from conformance.manifest.loading import load_manifest
from conformance.manifest.model import Manifest
from conformance.manifest.sections import Dialect
from conformance.outcomes import Outcome
from conformance.scenario import Lane, Scenario

OUR_MANIFEST: Final = (
    Path(__file__).parents[2] / "conformance" / "implementations" / "symphony-for-python.toml"
)
PATIENCE: Final = 4.0
"""The scale of time in tests; machines may be loaded."""


def our_manifest(**launch: object) -> Manifest:
    """The manifest of our daemon, with changes to its `launch` section."""
    manifest = load_manifest(OUR_MANIFEST)
    changed = manifest.launch.model_copy(update=launch)
    return manifest.model_copy(update={"launch": changed})


Act = Callable[[Lab], Awaitable[None]]


def scenario_of(name: str, checks: Sequence[str], act: Act) -> Scenario:
    """A scenario that the suite itself does not have."""
    catalogue = load_catalogue()
    return Scenario(
        name=name,
        title=name,
        checks=tuple(catalogue.require(each).id for each in checks),
        lane=Lane.FAST,
        profile=Profile.CORE,
        needs=frozenset(),
        dialects=frozenset(),
        play=act,
    )


async def play_act(
    act: Act,
    directory: Path,
    *checks: str,
    dialect: Dialect = Dialect.LINEAR,
    manifest: Manifest | None = None,
    machine: Machine | None = None,
) -> Played:
    """Play it once."""
    return await play(
        scenario_of("a_test", checks, act),
        manifest=manifest or our_manifest(),
        dialect=dialect,
        directory=directory,
        seed=7,
        machine=machine or Machine(PATIENCE),
    )


def outcomes(played: Played) -> dict[str, Outcome]:
    """What was found, by id."""
    return {each.id: each.outcome for each in played.findings}


def told(played: Played) -> str:
    """Everything for a person who has to find out why it failed."""
    found = [f"{each.outcome.value} {each.id}: {each.seen}" for each in played.findings]
    return "\n".join([played.error, *found, *played.timeline.shown(60)])

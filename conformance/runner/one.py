"""Plays one scenario: its own directories, fakes, agents and process session, and their end.

Guarantees: it never raises because of the implementation or of the scenario; afterwards nothing
that it started runs, and a bundle is kept. Must not: know what a scenario is about, or play it
twice.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from conformance.catalogue import RequirementId
from conformance.lab.judging import UnmetError
from conformance.lab.machine import Machine
from conformance.lab.opening import open_lab
from conformance.lab.play import play
from conformance.lab.timeline import Timeline
from conformance.manifest.model import Manifest
from conformance.manifest.sections import Dialect
from conformance.outcomes import Finding, Outcome
from conformance.reports.model import PROBLEMS
from conformance.runner.bundle import Bundle, write_bundle
from conformance.runner.ending import judge_ending, left_behind
from conformance.runner.results import remove_tree
from conformance.scenario import Scenario
from conformance.target.errors import LeftoversError, TargetError
from conformance.target.launching import Places, launch_order

PROBE: Final = "_probe"
LAST_LINES: Final = 3
"""Of the output of a program that never got ready: enough for an error, too few for a flood."""
_BYPRODUCTS: Final = ("home", "tmp", "workspaces", "traces")
"""What is of no interest where nothing was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What all scenarios of a run have in common. Each gets a directory below `directory`."""

    manifest: Manifest
    launch: tuple[str, ...]
    dialect: Dialect
    seed: int
    machine: Machine
    directory: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """`explanation`: what the suite has to say of it besides its findings, such as a traceback or
    processes that were left behind."""

    findings: Sequence[Finding]
    directory: Path
    duration_s: float
    explanation: str = ""


def check_launch(manifest: Manifest, ground: Path) -> None:
    """Whether there is a program to start. Raises `TargetError`."""
    places = places_at(ground)
    launch_order(manifest, places, token="", variables={}, workflow=places.workflow)


def places_at(ground: Path) -> Places:
    """Directories for what is no scenario."""
    return Places(
        ground=ground,
        workflow=ground / "project" / "WORKFLOW.md",
        workspace_root=ground / "workspaces",
    )


async def probe(stage: Stage) -> str | None:
    """Start the implementation with nothing to do; why it never asked its tracker for anything, or
    None where it did. Raises `TargetError`."""
    directory = stage.directory / PROBE
    async with open_lab(
        PROBE,
        (),
        manifest=stage.manifest,
        dialect=stage.dialect,
        directory=directory,
        seed=stage.seed,
        machine=stage.machine,
    ) as lab:
        try:
            await lab.start()
        except UnmetError as unmet:
            said = lab.target.output().strip().splitlines()[-LAST_LINES:]
            words = "; it said: " + " | ".join(said) if said else "; it printed nothing"
            return f"{unmet.expected}: {unmet.seen}{words}"
    await anyio.to_thread.run_sync(remove_tree, directory)
    return None


async def play_one(scenario: Scenario, stage: Stage, attempt: int) -> Played:
    """Play it, and keep a bundle of it. Raises `OSError` where that cannot be kept."""
    name = scenario.name if attempt == 1 else f"{scenario.name}.{attempt}"
    directory = stage.directory / name
    begun = time.monotonic()
    timeline = Timeline()
    try:
        played = await play(
            scenario,
            manifest=stage.manifest,
            dialect=stage.dialect,
            directory=directory,
            seed=stage.seed,
            machine=stage.machine,
            timeline=timeline,
        )
    except (TargetError, LeftoversError) as error:
        findings: Sequence[Finding] = [_broken(each, scenario, error) for each in scenario.checks]
        explanation = str(error)
    else:
        findings = (*played.findings, *judge_ending(scenario, played))
        explanation = played.error or left_behind(played)
    write_bundle(directory, _bundle(scenario, stage), timeline)
    if not any(each.outcome in PROBLEMS for each in findings):
        await anyio.to_thread.run_sync(_tidy, directory)
    return Played(
        findings=findings,
        directory=directory,
        duration_s=time.monotonic() - begun,
        explanation=explanation,
    )


def _broken(id_: RequirementId, scenario: Scenario, error: Exception) -> Finding:
    return Finding(
        id=id_,
        outcome=Outcome.HARNESS_ERROR,
        scenario=scenario.name,
        expected="the implementation can be started and ended",
        seen=str(error),
    )


def _tidy(directory: Path) -> None:
    for name in _BYPRODUCTS:
        remove_tree(directory / name)


def _bundle(scenario: Scenario, stage: Stage) -> Bundle:
    path = stage.manifest.path
    return Bundle(
        scenario=scenario.name,
        implementation=stage.manifest.name,
        dialect=stage.dialect.value,
        seed=stage.seed,
        scale=stage.machine.scale,
        manifest=None if path is None else str(path),
        launch=stage.launch,
    )

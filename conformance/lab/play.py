"""Playing one scenario: what it finds, whatever happens.

Guarantees: there is a finding for every id that the scenario declares; a step that does not come
about makes the rest untestable, an exception of the suite's own is never the implementation's
failure. Must not: decide what runs, or run it twice.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio

from conformance.lab.judging import UnmetError
from conformance.lab.lab import Lab, NeverReadyError
from conformance.lab.machine import Machine
from conformance.lab.opening import open_lab
from conformance.lab.timeline import Timeline
from conformance.manifest.model import Manifest
from conformance.manifest.sections import Dialect
from conformance.outcomes import Finding
from conformance.scenario import Scenario
from conformance.target.errors import TargetError
from conformance.target.table import ProcessRecord

BOUND_S: Final = 240.0
"""For one scenario; times `scale`. Its waits are bounded too, so that only a fault of the suite
gets here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """`leftovers` are processes that outlived an orderly stop, or a kill where `was_killed`.
    `never_ready`: not one request reached the tracker. `error` is the suite's own, with its
    traceback; empty where there was none."""

    findings: Sequence[Finding]
    timeline: Timeline
    leftovers: Sequence[ProcessRecord] = ()
    was_killed: bool = False
    never_ready: bool = False
    error: str = ""


async def play(
    scenario: Scenario,
    *,
    manifest: Manifest,
    dialect: Dialect,
    directory: Path,
    seed: int = 0,
    machine: Machine | None = None,
    timeline: Timeline | None = None,
    bound_s: float = BOUND_S,
) -> Played:
    """Play it in a lab of its own. Raises `TargetError` where the target cannot be run at all."""
    timeline = timeline or Timeline()
    async with open_lab(
        scenario.name,
        scenario.checks,
        manifest=manifest,
        dialect=dialect,
        directory=directory,
        seed=seed,
        machine=machine,
        timeline=timeline,
    ) as lab:
        error = await _play(scenario, lab, bound_s * lab.scale)
    if defects := lab.agents.defects():
        error = "\n".join([error, *defects]).strip()
        lab.judgements.broken(f"a fake agent: {defects[0]}", proves_nothing=True)
    return Played(
        findings=lab.judgements.findings(),
        timeline=timeline,
        leftovers=lab.leftovers,
        was_killed=lab.was_killed,
        never_ready=lab.never_ready,
        error=error,
    )


async def _play(scenario: Scenario, lab: Lab, bound_s: float) -> str:
    """The suite's own error, or an empty text."""
    error = ""
    try:
        with anyio.fail_after(bound_s):
            await scenario.play(lab)
        lab.judgements.complete()
    except NeverReadyError as unmet:
        lab.never_ready = True
        lab.judgements.untestable(unmet)
    except UnmetError as unmet:
        lab.judgements.untestable(unmet)
    except TargetError:
        raise
    except Exception as caught:  # Whatever it is, it is the suite's, and must be reported as such.
        error = traceback.format_exc()
        lab.judgements.broken(f"{type(caught).__name__}: {caught}")
    return error

"""Building a lab for one scenario, and taking it down again.

Guarantees: everything of a lab lies below one directory; whatever happens, nothing that it started
is left when `open_lab` ends. Must not: run a scenario.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from conformance.agents.desk import AgentDesk
from conformance.lab.api import Api
from conformance.lab.files import Files
from conformance.lab.judging import Judgements
from conformance.lab.lab import Lab
from conformance.lab.machine import Machine
from conformance.lab.timeline import Timeline
from conformance.lab.tracker import Tracker
from conformance.manifest.model import Manifest
from conformance.manifest.sections import Dialect
from conformance.target.launching import Places
from conformance.target.process import Target


@asynccontextmanager
async def open_lab(
    name: str,
    checks: Sequence[str],
    *,
    manifest: Manifest,
    dialect: Dialect,
    directory: Path,
    seed: int = 0,
    machine: Machine | None = None,
    timeline: Timeline | None = None,
) -> AsyncGenerator[Lab]:
    """A lab for the scenario `name`, which judges `checks`. `directory` is made, and not removed.

    At the end the target is stopped, then all that is left is swept; what that was is in
    `lab.leftovers` afterwards.
    """
    timeline = timeline or Timeline()
    machine = machine or Machine()
    places = Places(
        ground=directory,
        workflow=directory / "project" / "WORKFLOW.md",
        workspace_root=directory / "workspaces",
    )
    places.make()
    tracker = Tracker(dialect, timeline, seed=seed)
    tracker.hold_back = manifest.launch.issues_after_start
    target = Target(manifest, places, timeline, variables=tracker.variables())
    async with AgentDesk(timeline) as desk:
        tracker.start()
        lab = Lab(
            manifest=manifest,
            timeline=timeline,
            tracker=tracker,
            agents=desk,
            files=Files(directory, timeline),
            target=target,
            api=Api(lambda: target.port, timeline, machine),
            judgements=Judgements(name, checks, timeline, machine),
            seed=seed,
            machine=machine,
        )
        try:
            yield lab
        finally:
            with anyio.CancelScope(shield=True):
                await lab.close()
                tracker.stop()

"""The daemon, launched only by what its manifest says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.fakes.json_values import JsonObject
from conformance.lab.timeline import Timeline
from conformance.manifest.front_matter import Wiring, workflow_text
from conformance.manifest.loading import load_manifest, shipped_manifests
from conformance.manifest.sections import Dialect, Spelling
from conformance.target.process import Target
from tests.support.linear import KEY, PROJECT, linear_fake
from tests.support.targets import places, until

pytestmark = pytest.mark.anyio

SETTINGS: JsonObject = {"polling": {"interval_ms": 50}}


@pytest.mark.parametrize("spelling", Spelling)
async def test_it_polls_the_fake_and_stops_in_order(tmp_path: Path, spelling: Spelling) -> None:
    made = load_manifest(shipped_manifests()["symphony-for-python"])
    tracker = made.tracker.model_copy(update={"spelling": spelling})
    made = made.model_copy(update={"tracker": tracker})
    where = places(tmp_path)
    where.make()
    with linear_fake() as fake:
        wiring = Wiring(
            endpoint=fake.url,
            project_slug=PROJECT,
            workspace_root=str(where.workspace_root),
            agent_command="false",
        )
        where.workflow.write_text(
            workflow_text(made, Dialect.LINEAR, wiring, SETTINGS, "Work."), encoding="utf-8"
        )
        (variable,) = wiring.secret_variables(Dialect.LINEAR)
        target = Target(made, where, Timeline(), variables={variable: KEY})
        try:
            await target.start()
            await until(lambda: fake.requests.all() or not target.alive)
            assert target.alive, target.output()
            status = await target.stop()
        finally:
            left = await target.sweep()
        assert status.code in made.launch.stop_exit_codes
        assert not status.forced
        assert not left

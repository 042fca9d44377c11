"""The earliest scenarios of the suite, played with our daemon in both dialects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import conformance.scenarios.dispatch
import conformance.scenarios.smoke
from conformance.lab.machine import Machine
from conformance.lab.play import play
from conformance.manifest.sections import Dialect
from conformance.outcomes import Outcome
from conformance.scenario import Scenario, registered
from tests.support.conformance_lab import PATIENCE, our_manifest, outcomes, told

_MODULES = (conformance.scenarios.dispatch.__name__, conformance.scenarios.smoke.__name__)


def scenarios() -> Sequence[Scenario]:
    return [each for each in registered() if each.play.__module__ in _MODULES]


@pytest.mark.anyio
@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("scenario", scenarios(), ids=lambda each: each.name)
async def test_our_daemon_passes(scenario: Scenario, dialect: Dialect, tmp_path: Path) -> None:
    played = await play(
        scenario,
        manifest=our_manifest(),
        dialect=dialect,
        directory=tmp_path / "lab",
        seed=11,
        machine=Machine(PATIENCE),
    )
    assert outcomes(played) == dict.fromkeys(scenario.checks, Outcome.PASS), told(played)
    assert not played.leftovers
    assert not played.error

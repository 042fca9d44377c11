"""An unexpected failure is played once more, alone; what is known, or passed, is not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from conformance.baseline import Baseline, KnownFailure
from conformance.catalogue import Profile, load_catalogue
from conformance.outcomes import Finding, Outcome
from conformance.runner.rescue import BUDGET_S, rescue
from conformance.scenario import Lane, Scenario

CATALOGUE = load_catalogue()


async def nothing(lab: object) -> None:
    """Is never played here."""


def made(name: str, check: str) -> Scenario:
    return Scenario(
        name=name,
        title=name,
        checks=(CATALOGUE.require(check).id,),
        lane=Lane.FAST,
        profile=Profile.CORE,
        needs=frozenset(),
        dialects=frozenset(),
        play=nothing,
    )


FAILED = made("failed", "retry.backoff.failure")
LATE = made("late", "retry.backoff.cap")
PASSED = made("passed", "order.created.oldest")
OUTCOMES = {
    FAILED.name: Outcome.FAIL,
    LATE.name: Outcome.INCONCLUSIVE,
    PASSED.name: Outcome.PASS,
}


class Stage:
    """Has played everything once; each further attempt takes `seconds`."""

    def __init__(self, seconds: float = 1.0) -> None:
        self.now = 0.0
        self.played: list[str] = []
        self._seconds = seconds

    def clock(self) -> float:
        return self.now

    def findings(self, scenario: Scenario) -> Sequence[Finding]:
        outcome = OUTCOMES[scenario.name]
        return [Finding(id=scenario.checks[0], outcome=outcome, scenario=scenario.name)]

    async def play(self, scenario: Scenario) -> None:
        self.played.append(scenario.name)
        self.now += self._seconds


@pytest.mark.anyio
async def test_what_failed_or_came_late_is_played_once_more() -> None:
    stage = Stage()
    await rescue([FAILED, LATE, PASSED], stage, Baseline(), stage.clock)
    assert stage.played == ["failed", "late"]


@pytest.mark.anyio
async def test_what_the_baseline_knows_is_not_played_again() -> None:
    stage = Stage()
    known = Baseline(entries=(KnownFailure(pattern="retry.backoff.failure", reason="known"),))
    await rescue([FAILED, LATE, PASSED], stage, known, stage.clock)
    assert stage.played == ["late"]


@pytest.mark.anyio
async def test_it_ends_when_its_time_is_spent() -> None:
    stage = Stage(seconds=BUDGET_S + 1)
    await rescue([FAILED, LATE], stage, Baseline(), stage.clock)
    assert stage.played == ["failed"]

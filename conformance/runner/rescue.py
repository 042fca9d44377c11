"""Plays scenarios with unexpected failures once more, alone, because a loaded machine makes some.

Guarantees: what the baseline expects is not tried again; the whole of it takes no longer than
`BUDGET_S` and one scenario; the first attempt stays in the records. Must not: try a third time:
what fails twice, the second time alone, stands.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from conformance.baseline import Baseline
from conformance.outcomes import Finding
from conformance.reports.model import PROBLEMS
from conformance.scenario import Scenario

BUDGET_S: Final = 180.0
"""An implementation that fails nearly everywhere is not made better by doubling every wait."""


class Player(Protocol):
    """What `Attempts` is, as far as it matters here."""

    def findings(self, scenario: Scenario) -> Sequence[Finding]:
        """What its last attempt found."""
        ...

    async def play(self, scenario: Scenario) -> None:
        """Play it once more."""
        ...


async def rescue(
    scenarios: Sequence[Scenario],
    attempts: Player,
    baseline: Baseline,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Try those again that found something that the baseline does not know. Raises
    `RecordsError`."""
    until = clock() + BUDGET_S
    for scenario in scenarios:
        if clock() > until:
            return
        if _is_unexpected(scenario, attempts, baseline):
            await attempts.play(scenario)


def _is_unexpected(scenario: Scenario, attempts: Player, baseline: Baseline) -> bool:
    return any(
        finding.outcome in PROBLEMS and baseline.known(finding.id) is None
        for finding in attempts.findings(scenario)
    )

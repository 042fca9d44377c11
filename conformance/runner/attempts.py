"""Plays scenarios and records each attempt.

Guarantees: every attempt has a beginning and an end in the records, with its findings between
them; each finding that somebody has to look at comes with the command that plays it again. Must
not: decide what is played, or when.
"""

from __future__ import annotations

import os
import shlex
from collections import defaultdict
from collections.abc import Sequence

from conformance.catalogue import Catalogue
from conformance.outcomes import Finding, Outcome, worst
from conformance.records import RecordWriter, ScenarioEnded, ScenarioStarted
from conformance.reports.model import PROBLEMS
from conformance.runner.one import Stage, play_one
from conformance.runner.selection import Offer, binds
from conformance.scenario import Scenario


class Attempts:
    """`played` counts the attempts of each scenario."""

    def __init__(
        self, stage: Stage, writer: RecordWriter, catalogue: Catalogue, offer: Offer
    ) -> None:
        self._stage = stage
        self._offer = offer
        self._writer = writer
        self._catalogue = catalogue
        self._findings: dict[str, Sequence[Finding]] = {}
        self._played: defaultdict[str, int] = defaultdict(int)

    def findings(self, scenario: Scenario) -> Sequence[Finding]:
        """What its last attempt found; nothing where there was none."""
        return self._findings.get(scenario.name, ())

    async def play(self, scenario: Scenario) -> None:
        """Play it once more. Raises `RecordsError`."""
        self._played[scenario.name] += 1
        attempt = self._played[scenario.name]
        self._writer.write(
            ScenarioStarted(
                scenario=scenario.name,
                title=scenario.title,
                lane=scenario.lane,
                attempt=attempt,
                checks=scenario.checks,
            )
        )
        before = has_problem(self.findings(scenario))
        played = await play_one(scenario, self._stage, attempt)
        findings = [self._binding(each) for each in played.findings]
        self._findings[scenario.name] = findings
        for finding in findings:
            self._writer.finding(
                finding,
                level=self._catalogue.require(finding.id).level,
                attempt=attempt,
                replay=self._replay(finding, played.directory),
            )
        self._writer.write(
            ScenarioEnded(
                scenario=scenario.name,
                attempt=attempt,
                outcome=worst(each.outcome for each in findings),
                duration_s=round(played.duration_s, 3),
                rescued=before and not has_problem(findings),
                load=os.getloadavg()[0],
                explanation=played.explanation,
            )
        )

    def _binding(self, finding: Finding) -> Finding:
        """What a scenario found of a profile that is not offered says nothing."""
        requirement = self._catalogue.require(finding.id)
        if binds(requirement, self._offer):
            return finding
        return Finding(
            id=finding.id,
            outcome=Outcome.NOT_APPLICABLE,
            scenario=finding.scenario,
            seen=f"the {requirement.profile} profile is not declared",
        )

    def _replay(self, finding: Finding, directory: os.PathLike[str]) -> str:
        if finding.outcome not in PROBLEMS:
            return ""
        return shlex.join(["symphony-conformance", "replay", os.path.relpath(directory)])


def has_problem(findings: Sequence[Finding]) -> bool:
    """Whether any of them has to be looked at."""
    return any(finding.outcome in PROBLEMS for finding in findings)

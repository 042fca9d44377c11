"""A run as reports see it: every requirement with the outcome that stands, and why.

Guarantees: each requirement of the run appears once, in the order of the specification, checked or
not. Of a scenario that was run again only the last attempt that came to its end counts; what
earlier ones found is kept beside it. Counts are per level, never a share of anything. Must not:
read files, or decide whether a run conforms.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from conformance.catalogue import Level, RequirementId
from conformance.outcomes import Outcome, worst
from conformance.reports.lines import (
    FindingRecorded,
    Reason,
    Record,
    RequirementStated,
    RunEnded,
    RunStarted,
    ScenarioEnded,
    ScenarioStarted,
)

ATTESTED = "attested"
EXCLUDED = "excluded"
UNDOCUMENTED = "undocumented"

PROBLEMS = frozenset(
    {
        Outcome.WARN,
        Outcome.UNTESTABLE,
        Outcome.INCONCLUSIVE,
        Outcome.FAIL,
        Outcome.HARNESS_ERROR,
    }
)
"""Outcomes that somebody has to look at."""


class IncompleteRecordsError(ValueError):
    """The records do not say what was run: their beginning is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementResult:
    """One requirement. `findings` are those that count, the worst first; `superseded` those of
    attempts that were run again; `rescued` that one of those had a problem and none counts now."""

    requirement: RequirementStated
    outcome: Outcome
    findings: tuple[FindingRecorded, ...] = ()
    superseded: tuple[FindingRecorded, ...] = ()
    reason: Reason | None = None

    @property
    def id(self) -> RequirementId:
        return self.requirement.id

    @property
    def level(self) -> Level:
        return self.requirement.level

    @property
    def area(self) -> str:
        """The first part of the id."""
        return self.id.partition(".")[0]

    @property
    def standing(self) -> str:
        """The outcome, or why there is none: `attested`, `excluded`, `undocumented`."""
        if self.outcome is not Outcome.NOT_RUN:
            return self.outcome.value
        if self.reason is not None:
            return self.reason.record
        return UNDOCUMENTED if self.level is Level.DOCUMENT else self.outcome.value

    @property
    def problem(self) -> bool:
        return self.outcome in PROBLEMS

    @property
    def rescued(self) -> bool:
        earlier = any(finding.outcome in PROBLEMS for finding in self.superseded)
        return earlier and not self.problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioResult:
    """One scenario: `attempts` that began, and the last end, if it came to one."""

    started: ScenarioStarted
    attempts: int
    ended: ScenarioEnded | None

    @property
    def name(self) -> str:
        return self.started.scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """A whole run, or as much of it as was recorded. `cut` says that the last line was."""

    run: RunStarted
    requirements: tuple[RequirementResult, ...]
    scenarios: tuple[ScenarioResult, ...]
    ended: RunEnded | None
    cut: bool = False

    @property
    def complete(self) -> bool:
        """Whether the run came to its own end."""
        return self.ended is not None and not self.ended.interrupted and not self.cut

    @property
    def known(self) -> Mapping[RequirementId, str]:
        """The problems that the run's baseline expected, with its reasons."""
        return self.ended.known if self.ended else {}

    @property
    def stale(self) -> Sequence[str]:
        """What is wrong with the run's baseline, a sentence each."""
        return self.ended.stale if self.ended else ()

    @property
    def strict(self) -> bool:
        """Whether a SHOULD counted like a MUST."""
        return self.ended is not None and self.ended.strict

    @property
    def problems(self) -> tuple[RequirementResult, ...]:
        return tuple(result for result in self.requirements if result.problem)

    @property
    def rescued(self) -> tuple[str, ...]:
        """Scenarios of which only a later attempt passed."""
        return tuple(each.name for each in self.scenarios if each.ended and each.ended.rescued)

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """How many requirements of each level have each standing; levels in their order."""
        counts = {level.value: dict[str, int]() for level in Level}
        for result in self.requirements:
            of_level = counts[result.level.value]
            of_level[result.standing] = of_level.get(result.standing, 0) + 1
        return counts

    def areas(self) -> Mapping[str, Sequence[RequirementResult]]:
        """The requirements by the first part of their ids, in the order of the specification."""
        areas = defaultdict[str, list[RequirementResult]](list)
        for result in self.requirements:
            areas[result.area].append(result)
        return dict(areas)


def assemble(records: Iterable[Record], *, cut: bool = False) -> RunReport:
    """The report of these records, which may end anywhere after the first. Raises
    `IncompleteRecordsError` where the first is not the beginning of a run."""
    lines = tuple(records)
    if not lines or not isinstance(lines[0], RunStarted):
        raise IncompleteRecordsError("the first record has to be run_started")
    findings = tuple(line for line in lines if isinstance(line, FindingRecorded))
    ends = tuple(line for line in lines if isinstance(line, ScenarioEnded))
    reasons = {line.id: line for line in lines if isinstance(line, Reason)}
    counting = _counting_attempts(findings, ends)
    by_id = defaultdict[RequirementId, list[FindingRecorded]](list)
    for finding in findings:
        by_id[finding.id].append(finding)
    return RunReport(
        run=lines[0],
        requirements=tuple(
            _result(line, by_id[line.id], counting, reasons.get(line.id))
            for line in lines
            if isinstance(line, RequirementStated)
        ),
        scenarios=_scenarios(lines, ends),
        ended=next((line for line in reversed(lines) if isinstance(line, RunEnded)), None),
        cut=cut,
    )


def _counting_attempts(
    findings: Sequence[FindingRecorded], ends: Sequence[ScenarioEnded]
) -> Mapping[str, int]:
    """Per scenario the attempt whose findings count: an attempt that was cut short never replaces
    one that was played to its end."""
    counting: dict[str, int] = {}
    for finding in findings:
        counting[finding.scenario] = max(counting.get(finding.scenario, 0), finding.attempt)
    ended: dict[str, int] = {}
    for end in ends:
        ended[end.scenario] = max(ended.get(end.scenario, 0), end.attempt)
    return {**counting, **ended}


def _result(
    requirement: RequirementStated,
    findings: Sequence[FindingRecorded],
    counting: Mapping[str, int],
    reason: Reason | None,
) -> RequirementResult:
    standing = [each for each in findings if each.attempt == counting[each.scenario]]
    return RequirementResult(
        requirement=requirement,
        outcome=worst(finding.outcome for finding in standing),
        findings=tuple(sorted(standing, key=lambda finding: -finding.outcome.rank)),
        superseded=tuple(each for each in findings if each.attempt != counting[each.scenario]),
        reason=reason,
    )


def _scenarios(
    lines: Sequence[Record], ends: Sequence[ScenarioEnded]
) -> tuple[ScenarioResult, ...]:
    attempts = defaultdict[str, list[ScenarioStarted]](list)
    for line in lines:
        if isinstance(line, ScenarioStarted):
            attempts[line.scenario].append(line)
    last_end = {end.scenario: end for end in ends}
    return tuple(
        ScenarioResult(started=begun[0], attempts=len(begun), ended=last_end.get(name))
        for name, begun in attempts.items()
    )

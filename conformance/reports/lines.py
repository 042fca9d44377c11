"""The lines that a run is recorded in: one JSON object each, told apart by `record`.

Guarantees: a line that `dump` wrote is what `parse` gives back, apart from characters that no text
can hold (half of a surrogate pair), which become a question mark, and texts beyond a bound, which
are cut and say so. Unknown members are ignored, so that a later version may add some; a kind of
record that is not known is an error. Must not: know files, or what a record means for a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from conformance.catalogue import Level, Profile, Requirement, RequirementId, Verdict
from conformance.outcomes import Finding, Outcome
from conformance.scenario import Lane

SCHEMA: Literal[1] = 1
"""The version of these lines. A reader of another version has to refuse them."""

LONGEST_TEXT = 4_000
"""Characters of a sentence or an explanation; a traceback fits, an agent's nine-megabyte line does
not."""

LONGEST_EVENT = 500
"""Characters of one line of a timeline."""

MOST_EVENTS = 60
"""Lines of timeline that a finding keeps, the last ones: more is read in the bundle, not here."""


class LineError(ValueError):
    """A line is no record. The text says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The machine, as far as it explains a result. `load` is the mean of the last minute; `scale`
    by how much slower than an idle machine it was found to be."""

    cores: int
    load: float
    platform: str
    python: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """What was about to be judged, by what. `started_at` is an instant in ISO 8601 with a zone,
    `specification` the revision of the text, `manifest` a path relative to where the run began or
    empty, `patterns` what the run was limited to, empty where it was not."""

    started_at: str
    suite: str
    specification: str
    name: str
    version: str = ""
    language: str = ""
    source: str = ""
    manifest: str = ""
    dialect: str
    profiles: tuple[Profile, ...]
    capabilities: tuple[str, ...] = ()
    policies: Mapping[str, str] = field(default_factory=dict[str, str])
    patterns: tuple[str, ...] = ()
    seed: int
    workers: int = 1
    host: Host
    schema: Literal[1] = SCHEMA
    record: Literal["run_started"] = "run_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementStated:
    """One requirement of the catalogue, so that a report needs no other file."""

    id: RequirementId
    level: Level
    profile: Profile
    verdict: Verdict
    section: str
    title: str
    text: str
    record: Literal["requirement"] = "requirement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a requirement has no check: the documentation attests it, or it is left out."""

    id: RequirementId
    reason: str
    link: str = ""
    record: Literal["attested", "excluded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioStarted:
    """Attempts count from 1; the second is the one that ran alone."""

    scenario: str
    title: str
    lane: Lane
    attempt: int = 1
    checks: tuple[RequirementId, ...]
    record: Literal["scenario_started"] = "scenario_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRecorded:
    """A finding of one attempt. `replay` is the command that repeats just this, or empty."""

    id: RequirementId
    level: Level
    outcome: Outcome
    scenario: str
    attempt: int = 1
    expected: str = ""
    seen: str = ""
    timeline: tuple[str, ...] = ()
    measured_s: float | None = None
    replay: str = ""
    record: Literal["finding"] = "finding"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioEnded:
    """`outcome` is the worst of its findings; `rescued` that an earlier attempt had failed;
    `explanation` why the suite itself gave it up, such as a traceback."""

    scenario: str
    attempt: int = 1
    outcome: Outcome
    duration_s: float
    rescued: bool = False
    load: float = 0.0
    explanation: str = ""
    record: Literal["scenario_ended"] = "scenario_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """`verdict` is the sentence that goes with the exit code, `known` the problems that the
    baseline expects, with its reasons, `stale` what is wrong with the baseline, a sentence each;
    `strict` that a SHOULD counted like a MUST. `counts`: level, then standing, then how many
    requirements. `explanation` is why it ended early, or what the suite could not do."""

    exit_code: int
    verdict: str
    duration_s: float
    strict: bool = False
    known: Mapping[RequirementId, str] = field(default_factory=dict[RequirementId, str])
    stale: tuple[str, ...] = ()
    interrupted: bool = False
    never_ready: bool = False
    explanation: str = ""
    counts: Mapping[str, Mapping[str, int]]
    record: Literal["run_ended"] = "run_ended"


Record: TypeAlias = (
    RunStarted
    | RequirementStated
    | Reason
    | ScenarioStarted
    | FindingRecorded
    | ScenarioEnded
    | RunEnded
)

_ADAPTER: TypeAdapter[Record] = TypeAdapter(Annotated[Record, Field(discriminator="record")])


def stated(requirement: Requirement) -> RequirementStated:
    """The record of a requirement of the catalogue."""
    return RequirementStated(
        id=requirement.id,
        level=requirement.level,
        profile=requirement.profile,
        verdict=requirement.verdict,
        section=requirement.section,
        title=requirement.title,
        text=requirement.text,
    )


def recorded(finding: Finding, *, level: Level, attempt: int, replay: str) -> FindingRecorded:
    """The record of a finding, within the bounds."""
    return FindingRecorded(
        id=finding.id,
        level=level,
        outcome=finding.outcome,
        scenario=finding.scenario,
        attempt=attempt,
        expected=_short(finding.expected, LONGEST_TEXT),
        seen=_short(finding.seen, LONGEST_TEXT),
        timeline=tuple(_short(line, LONGEST_EVENT) for line in finding.timeline[-MOST_EVENTS:]),
        measured_s=finding.measured_s,
        replay=replay,
    )


def dump(record: Record) -> bytes:
    """The line of a record, with its line end."""
    if isinstance(record, ScenarioEnded | RunEnded):
        record = replace(record, explanation=_short(record.explanation, LONGEST_TEXT))
    return _ADAPTER.dump_json(_storable(record)) + b"\n"


def parse(line: bytes) -> Record:
    """The record of a line. Raises `LineError`."""
    try:
        return _ADAPTER.validate_json(line)
    except ValidationError as error:
        raise LineError(_first_problem(error)) from None


def _storable(record: Record) -> Record:
    """The record without what no UTF-8 can hold; an implementation's output may contain it."""
    if isinstance(record, FindingRecorded):
        return replace(
            record,
            expected=_encodable(record.expected),
            seen=_encodable(record.seen),
            timeline=tuple(_encodable(line) for line in record.timeline),
        )
    if isinstance(record, ScenarioEnded | RunEnded):
        return replace(record, explanation=_encodable(record.explanation))
    if isinstance(record, RunStarted):
        return replace(record, version=_encodable(record.version))
    return record


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _short(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    return f"{text[:longest]} … ({len(text) - longest} more characters)"


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]

"""Whether the records of a run may be believed, as far as they can be checked by themselves.

Guarantees: what is found is said with the line or the id it is about. No finding means: the stream
is whole and in order, names each core MUST with a finding or a reason, and the counts and the exit
code are those that follow from it. Must not: judge the implementation; a run full of failures can
be verified too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from pathlib import Path, PurePosixPath

from conformance.baseline import Baseline, KnownFailure
from conformance.catalogue import Level, Profile
from conformance.exit_codes import ExitCode
from conformance.outcomes import Outcome
from conformance.records import Record, load_records
from conformance.reports.lines import (
    FindingRecorded,
    Reason,
    RequirementStated,
    RunEnded,
    RunStarted,
    ScenarioEnded,
    ScenarioStarted,
)
from conformance.reports.model import RunReport, assemble
from conformance.reports.verdict import verdict


def verify(path: Path) -> Sequence[str]:
    """All that is wrong with a stream, a sentence each. Raises `RecordsError` where it cannot be
    read at all."""
    records, cut = load_records(path)
    if not records or not isinstance(records[0], RunStarted):
        return ["line 1: the first record is not run_started"]
    report = assemble(records, cut=cut)
    found = list(_order(records))
    if cut:
        found.append(f"line {len(records) + 1}: the last line is cut")
    found.extend(_scenarios(records))
    found.extend(_coverage(report))
    found.extend(_end(report))
    return found


def _order(records: Sequence[Record]) -> Iterator[str]:
    stated: set[str] = set()
    for number, record in enumerate(records, start=1):
        problem = _misplaced(record, stated, first=number == 1, last=number == len(records))
        if problem:
            yield f"line {number}: {problem}"
        if isinstance(record, RequirementStated):
            stated.add(record.id)


def _misplaced(record: Record, stated: Set[str], *, first: bool, last: bool) -> str:
    match record:
        case RunStarted() if not first:
            return "a second run begins"
        case RunStarted() if PurePosixPath(record.manifest).is_absolute():
            return "the manifest is named by a path that only one machine has"
        case RequirementStated() if record.id in stated:
            return f"{record.id} is stated twice"
        case FindingRecorded() | Reason() if record.id not in stated:
            return f"{record.id} was not stated as a requirement"
        case RunEnded() if not last:
            return "records follow the end of the run"
        case _:
            return ""


def _scenarios(records: Sequence[Record]) -> Iterator[str]:
    begun = Counter(
        (record.scenario, record.attempt)
        for record in records
        if isinstance(record, ScenarioStarted)
    )
    ended = Counter(
        (record.scenario, record.attempt) for record in records if isinstance(record, ScenarioEnded)
    )
    for scenario, attempt in begun - ended:
        yield f"{scenario}: attempt {attempt} began and did not end"
    for scenario, attempt in ended - begun:
        yield f"{scenario}: attempt {attempt} ended and had not begun"


def _coverage(report: RunReport) -> Iterator[str]:
    if report.run.patterns:
        yield f"the run was limited to {', '.join(report.run.patterns)}, so it is not a whole one"
        return
    for result in report.requirements:
        binding = result.level is Level.MUST and result.requirement.profile is Profile.CORE
        if binding and result.standing == Outcome.NOT_RUN:
            yield f"{result.id}: a core MUST with neither a finding nor a reason"


def _end(report: RunReport) -> Iterator[str]:
    ended = report.ended
    if ended is None:
        yield "the run has no end: it was interrupted"
        return
    if ended.interrupted:
        yield "the run was interrupted"
    counts = {level: dict(of_level) for level, of_level in report.counts().items()}
    if {level: dict(of_level) for level, of_level in ended.counts.items()} != counts:
        yield "the counts are not those of the findings"
    entries = (KnownFailure(pattern=name, reason=why) for name, why in ended.known.items())
    judged = verdict(report, Baseline(entries=tuple(entries)), strict=ended.strict)
    code = judged.code
    if code is ExitCode.CONFORMING and ended.stale:
        code = ExitCode.NOT_CONFORMING
    if code != ended.exit_code:
        yield f"the exit code is {ended.exit_code}, but {int(code)} follows from the findings"

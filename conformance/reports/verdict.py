"""What a run means: the exit code, and the one sentence that says the same.

Guarantees: 0 says that nothing binding was seen to be broken and that every check of a MUST which
ran came to an answer. Late or unreached checks of a MUST are no such answer, so they count against
it; they were repeated alone before they stand. Must not: count what was not part of the run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.baseline import Baseline, Judgement, judge
from conformance.catalogue import Level
from conformance.exit_codes import ExitCode
from conformance.outcomes import Outcome
from conformance.reports.model import RequirementResult, RunReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`sentence` is for people and ends without a full stop."""

    code: ExitCode
    sentence: str
    judgement: Judgement


def verdict(
    report: RunReport, baseline: Baseline | None = None, *, strict: bool = False
) -> Verdict:
    """Judge a run. With `strict`, problems of a SHOULD count as those of a MUST do."""
    judgement = judge(report, baseline or Baseline())
    code, sentence = _weigh(report, judgement, strict=strict)
    return Verdict(code=code, sentence=sentence, judgement=judgement)


def exit_code(
    report: RunReport, baseline: Baseline | None = None, *, strict: bool = False
) -> ExitCode:
    """The code alone."""
    return verdict(report, baseline, strict=strict).code


def binding(results: Iterable[RequirementResult], *, strict: bool) -> list[RequirementResult]:
    """Those of the problems that make an implementation not conform."""
    levels = {Level.MUST, Level.SHOULD} if strict else {Level.MUST}
    return [result for result in results if result.problem and result.level in levels]


def _weigh(report: RunReport, judgement: Judgement, *, strict: bool) -> tuple[ExitCode, str]:
    if report.ended is not None and report.ended.never_ready:
        return ExitCode.NEVER_READY, f"never ready: {report.ended.explanation or _NO_REQUEST}"
    if any(result.outcome is Outcome.HARNESS_ERROR for result in report.problems):
        return ExitCode.HARNESS, "no verdict: the suite itself failed"
    if not report.complete:
        return ExitCode.HARNESS, "no verdict: the run was interrupted"
    broken = binding(judgement.unexpected, strict=strict)
    if broken:
        return ExitCode.NOT_CONFORMING, f"not conforming: {_requirements(len(broken), strict)}"
    if judgement.stale:
        return ExitCode.NOT_CONFORMING, "not conforming to its baseline, which is out of date"
    if not any(result.outcome is Outcome.PASS for result in report.requirements):
        return ExitCode.HARNESS, "no verdict: nothing was checked"
    known = binding((result for result, _ in judgement.expected), strict=strict)
    if known:
        return ExitCode.CONFORMING, f"as its baseline expects: {_requirements(len(known), strict)}"
    return ExitCode.CONFORMING, _conforming(report, strict=strict)


_NO_REQUEST = "no request reached the tracker"


def _requirements(count: int, strict: bool) -> str:
    level = "MUST or SHOULD" if strict else "MUST"
    return f"{count} {level} broken or not shown"


def _conforming(report: RunReport, *, strict: bool) -> str:
    judged = sum(
        result.outcome in (Outcome.PASS, Outcome.INFO)
        for result in report.requirements
        if result.level is Level.MUST
    )
    left = "" if strict else _warnings(report)
    scope = "of those selected " if report.run.patterns else ""
    return f"conforming: {judged} MUST checked {scope}and none broken{left}"


def _warnings(report: RunReport) -> str:
    count = sum(result.problem for result in report.requirements if result.level is not Level.MUST)
    return f"; {count} SHOULD broken or not shown" if count else ""

"""The exit code follows from the findings, the baseline and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.baseline import Baseline, KnownFailure
from conformance.exit_codes import ExitCode
from conformance.outcomes import Finding, Outcome
from conformance.records import RecordWriter, read_records
from conformance.reports.verdict import Verdict, exit_code
from tests.support.run_records import requirements, run_started

MUST, SHOULD, MAY = 0, 3, 4


def found(
    path: Path,
    *outcomes: tuple[int, Outcome],
    known: str = "",
    strict: bool = False,
    interrupted: bool = False,
    never_ready: bool = False,
) -> Verdict:
    """The verdict of a run that found these of the sample's requirements."""
    entries = (KnownFailure(pattern=known, reason="why"),) if known else ()
    with RecordWriter(path / "r.ndjson") as writer:
        writer.write(run_started())
        writer.requirements(requirements())
        for number, outcome in outcomes:
            requirement = requirements()[number]
            writer.finding(
                Finding(id=requirement.id, outcome=outcome, scenario=f"s{number}"),
                level=requirement.level,
            )
        return writer.end(
            duration_s=1.0,
            baseline=Baseline(entries=entries),
            strict=strict,
            interrupted=interrupted,
            never_ready=never_ready,
        )


PASSED = (1, Outcome.PASS)


def test_all_passed_conforms(tmp_path: Path) -> None:
    assert found(tmp_path, PASSED).code is ExitCode.CONFORMING


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.UNTESTABLE, Outcome.INCONCLUSIVE])
def test_a_must_that_was_not_shown_does_not_conform(outcome: Outcome, tmp_path: Path) -> None:
    assert found(tmp_path, PASSED, (MUST, outcome)).code is ExitCode.NOT_CONFORMING


@pytest.mark.parametrize("outcome", [Outcome.INFO, Outcome.NOT_APPLICABLE])
def test_what_is_not_judged_does_not_count(outcome: Outcome, tmp_path: Path) -> None:
    assert found(tmp_path, PASSED, (MUST, outcome)).code is ExitCode.CONFORMING


def test_a_broken_should_counts_only_when_strict(tmp_path: Path) -> None:
    (tmp_path / "strict").mkdir()
    broken = (SHOULD, Outcome.WARN)
    lenient = found(tmp_path, PASSED, broken)
    assert lenient.code is ExitCode.CONFORMING
    assert "1 SHOULD broken" in lenient.sentence
    assert found(tmp_path / "strict", PASSED, broken, strict=True).code == 1


def test_a_known_failure_does_not_count(tmp_path: Path) -> None:
    verdict = found(tmp_path, PASSED, (MUST, Outcome.FAIL), known="issue.labels.*")
    assert verdict.code is ExitCode.CONFORMING
    assert verdict.sentence.startswith("as its baseline expects")


def test_a_stale_baseline_counts(tmp_path: Path) -> None:
    verdict = found(tmp_path, PASSED, known="issue.*")
    assert verdict.code is ExitCode.NOT_CONFORMING
    assert "out of date" in verdict.sentence
    assert read_records(tmp_path / "r.ndjson").stale


def test_a_fault_of_the_suite_is_never_a_verdict_and_never_expected(tmp_path: Path) -> None:
    broken = (MAY, Outcome.HARNESS_ERROR)
    assert found(tmp_path, broken, (MUST, Outcome.FAIL), known="*").code is ExitCode.HARNESS


def test_an_interrupted_run_is_no_verdict(tmp_path: Path) -> None:
    assert found(tmp_path, PASSED, interrupted=True).code is ExitCode.HARNESS


def test_a_program_that_is_never_ready_is_told_apart(tmp_path: Path) -> None:
    assert found(tmp_path, (MUST, Outcome.UNTESTABLE), never_ready=True).code == 4


def test_a_run_that_checked_nothing_is_no_success(tmp_path: Path) -> None:
    assert found(tmp_path).code is ExitCode.HARNESS


def test_the_recorded_run_gives_the_same_code_again(tmp_path: Path) -> None:
    verdict = found(tmp_path, PASSED, (MUST, Outcome.FAIL))
    report = read_records(tmp_path / "r.ndjson")
    assert exit_code(report) == verdict.code
    assert report.ended is not None
    assert report.ended.exit_code == verdict.code

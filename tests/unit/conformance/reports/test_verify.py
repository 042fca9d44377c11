"""`report verify` finds what was left out of the records of a run, or changed in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.catalogue import RequirementId
from conformance.records import Reason, RecordWriter
from conformance.reports.verify import verify
from tests.support.run_records import BASELINE, run_started, write_body


def sample(path: Path, *, manifest_limits: tuple[str, ...] = ()) -> Path:
    """A whole run: the sample, with a reason for the one MUST that it leaves open."""
    records = path / "r.ndjson"
    with RecordWriter(records) as writer:
        writer.write(run_started(patterns=manifest_limits))
        write_body(writer)
        writer.write(
            Reason(
                id=RequirementId("retry.release.terminal"),
                reason="Not seen from outside.",
                record="excluded",
            )
        )
        writer.end(duration_s=81.25, baseline=BASELINE)
    return records


def without(path: Path, text: bytes) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if text not in line))


def test_a_whole_run_is_whole_although_it_failed(tmp_path: Path) -> None:
    assert verify(sample(tmp_path)) == []


def test_a_core_must_without_finding_or_reason_is_named(tmp_path: Path) -> None:
    path = sample(tmp_path)
    without(path, b"Not seen from outside")
    found = verify(path)
    assert "retry.release.terminal: a core MUST with neither a finding nor a reason" in found
    assert "the counts are not those of the findings" in found


def test_a_failure_that_was_taken_out_is_noticed(tmp_path: Path) -> None:
    path = sample(tmp_path)
    for name in (b"retry.backoff.failure", b"retry.backoff.cap", b"retry.slot.requeue"):
        without(path, b'"id":"' + name)
    assert any("the counts are not" in problem for problem in verify(path))
    assert any("the exit code is 1, but 0 follows" in problem for problem in verify(path))


def test_a_changed_exit_code_is_noticed(tmp_path: Path) -> None:
    path = sample(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"exit_code":1', b'"exit_code":0'))
    assert verify(path) == ["the exit code is 0, but 1 follows from the findings"]


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (b'"record":"run_started"', "line 1: the first record is not run_started"),
        (b'"record":"run_ended"', "the run has no end"),
        (b'"record":"scenario_ended"', "attempt 1 began and did not end"),
        (b'"record":"scenario_started"', "attempt 1 ended and had not begun"),
        (b'"record":"requirement"', "was not stated as a requirement"),
    ],
)
def test_missing_records_are_named(missing: bytes, said: str, tmp_path: Path) -> None:
    path = sample(tmp_path)
    without(path, missing)
    assert any(said in problem for problem in verify(path))


def test_records_that_stand_twice_or_too_late_are_named(tmp_path: Path) -> None:
    path = sample(tmp_path)
    path.write_bytes(path.read_bytes() * 2)
    found = verify(path)
    assert any("a second run begins" in problem for problem in found)
    assert any("is stated twice" in problem for problem in found)
    assert any("records follow the end" in problem for problem in found)


def test_a_cut_line_and_a_limited_run_are_named(tmp_path: Path) -> None:
    path = sample(tmp_path, manifest_limits=("retry.*",))
    path.write_bytes(path.read_bytes()[:-5])
    found = verify(path)
    assert any("the last line is cut" in problem for problem in found)
    assert any("limited to retry.*" in problem for problem in found)

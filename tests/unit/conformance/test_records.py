"""The stream of a run survives full disks, kills and hostile texts, and is read back as written."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.catalogue import Level, RequirementId
from conformance.outcomes import Finding, Outcome
from conformance.records import (
    Record,
    RecordsError,
    RecordWriter,
    RunStarted,
    ScenarioEnded,
    load_records,
    read_records,
)
from conformance.reports.lines import LONGEST_EVENT, LONGEST_TEXT, MOST_EVENTS
from tests.support.run_records import record_sample, requirements, run_started, write_body

LABELS = RequirementId("issue.labels.normalized")


def outcomes(path: Path) -> dict[str, Outcome]:
    return {result.id: result.outcome for result in read_records(path).requirements}


def test_the_last_attempt_is_what_counts(tmp_path: Path) -> None:
    report = record_sample(tmp_path / "r.ndjson")
    result = next(each for each in report.requirements if each.id == LABELS)
    assert result.outcome is Outcome.PASS
    assert result.rescued
    assert [finding.outcome for finding in result.superseded] == [Outcome.FAIL]
    assert report.rescued == ("labels_and_order",)


def test_an_attempt_that_was_cut_short_does_not_replace_one_that_ended(tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    with RecordWriter(path) as writer:
        writer.write(run_started())
        writer.requirements(requirements())
        _find(writer, Outcome.FAIL, attempt=1)
        writer.write(ScenarioEnded(scenario="one", outcome=Outcome.FAIL, duration_s=1.0))
        _find(writer, Outcome.PASS, attempt=2)
    assert outcomes(path)[LABELS] is Outcome.FAIL


def test_the_worst_of_several_scenarios_stands(tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    with RecordWriter(path) as writer:
        writer.write(run_started())
        writer.requirements(requirements())
        _find(writer, Outcome.PASS, scenario="one")
        _find(writer, Outcome.WARN, scenario="two")
        _find(writer, Outcome.INFO, scenario="three")
    assert outcomes(path)[LABELS] is Outcome.WARN


def test_a_cut_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    record_sample(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    report = read_records(path)
    assert report.cut
    assert report.ended is None
    assert not report.complete
    assert outcomes(path)["retry.backoff.failure"] is Outcome.FAIL


def test_every_beginning_of_a_stream_is_a_report(tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    record_sample(path)
    lines = path.read_bytes().splitlines(keepends=True)
    for count in range(1, len(lines) + 1):
        path.write_bytes(b"".join(lines[:count]))
        assert len(load_records(path)[0]) == count
        assert read_records(path).run.name == "symphony-sample"


def test_a_full_disk_is_one_clear_error_and_nothing_follows_it() -> None:
    with RecordWriter(Path("/dev/full")) as writer:
        with pytest.raises(RecordsError, match="No space left"):
            writer.write(run_started())
        with pytest.raises(RecordsError, match="nothing follows"):
            writer.write(run_started())


def test_an_earlier_run_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    record_sample(path)
    before = path.read_bytes()
    with pytest.raises(RecordsError, match="another directory"):
        RecordWriter(path)
    assert path.read_bytes() == before


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="nowhere"):
        RecordWriter(tmp_path / "nowhere" / "r.ndjson")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"not json\n", ":1: .*JSON"),
        (b'{"record":"surprise"}\n', ":1: .*surprise"),
        (b'{"record":"run_ended"}\n', "exit_code"),
        (b"", "first record"),
    ],
)
def test_a_file_that_is_no_stream_is_refused_with_its_line(
    line: bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "r.ndjson"
    path.write_bytes(line)
    with pytest.raises(RecordsError, match=said):
        read_records(path)


def test_members_that_a_later_version_adds_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    record_sample(path)
    path.write_bytes(path.read_bytes().replace(b'"record":', b'"later":1,"record":'))
    assert read_records(path).run.name == "symphony-sample"


def test_texts_that_no_encoding_holds_or_no_reader_wants_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    with RecordWriter(path) as writer:
        writer.write(run_started())
        writer.requirements(requirements())
        writer.finding(
            Finding(
                id=LABELS,
                outcome=Outcome.FAIL,
                scenario="one",
                seen="\udcff" + "x" * LONGEST_TEXT,
                timeline=tuple(f"{number} " + "y" * 10_000 for number in range(500)),
            ),
            level=Level.MUST,
        )
    finding = read_records(path).problems[0].findings[0]
    assert finding.seen.startswith("?xxx")
    assert finding.seen.endswith("… (1 more characters)")
    assert len(finding.timeline) == MOST_EVENTS
    assert finding.timeline[-1].startswith("499 ")
    assert all(len(line) < LONGEST_EVENT + 50 for line in finding.timeline)


def test_listeners_see_every_record_in_order(tmp_path: Path) -> None:
    seen: list[Record] = []
    path = tmp_path / "r.ndjson"
    with RecordWriter(path, seen.append) as writer:
        writer.write(run_started())
        write_body(writer)
        writer.end(duration_s=1.0)
    assert isinstance(seen[0], RunStarted)
    assert seen == load_records(path)[0]


def _find(
    writer: RecordWriter, outcome: Outcome, *, scenario: str = "one", attempt: int = 1
) -> None:
    writer.finding(
        Finding(id=LABELS, outcome=outcome, scenario=scenario), level=Level.MUST, attempt=attempt
    )

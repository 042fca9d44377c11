"""Reports are asked for by name, and replace their file as a whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from conformance.baseline import Baseline
from conformance.outcomes import Outcome
from conformance.records import RecordWriter, read_records
from conformance.reports.badge import badge_endpoint, badge_svg
from conformance.reports.markdown import MOST_PROBLEMS, fenced, markdown_report
from conformance.reports.matrix import markdown_matrix, rows
from conformance.reports.rendering import FORMATS, ReportError, parse_request, render, write_text
from tests.support.golden_reports import unfinished
from tests.support.run_records import record_sample, requirements, run_started


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_renders_a_run_that_was_only_begun(format_name: str, tmp_path: Path) -> None:
    path = tmp_path / "r.ndjson"
    with RecordWriter(path) as writer:
        writer.write(run_started())
    assert render(format_name, read_records(path)).endswith("\n")


def test_an_unknown_format_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="junit"):
        render("pdf", record_sample(tmp_path / "r.ndjson"))


@pytest.mark.parametrize("text", ["html", "html=", "=a.html", "pdf=a.pdf"])
def test_a_malformed_request_is_refused(text: str) -> None:
    with pytest.raises(ReportError, match="FORMAT=FILE"):
        parse_request(text)


def test_a_request_may_name_a_file_with_an_equals_sign() -> None:
    assert parse_request("html=a=b.html") == ("html", Path("a=b.html"))


def test_a_report_is_written_whole_and_readable_to_others(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")
    write_text(path, "new\n")
    assert path.read_bytes() == b"new\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_a_link_is_written_through_and_stays(tmp_path: Path) -> None:
    target, link = tmp_path / "published.html", tmp_path / "report.html"
    link.symlink_to(target)
    write_text(link, "long\n")
    write_text(link, "new\n")
    assert link.is_symlink()
    assert target.read_bytes() == b"new\n"


def test_what_is_no_file_is_written_to_and_stays_what_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "report"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_text(pipe, "new\n")
        assert os.read(reader, 100) == b"new\n"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_device_that_is_full_is_told(tmp_path: Path) -> None:
    (tmp_path / "report.html").symlink_to("/dev/full")
    with pytest.raises(ReportError, match=r"report\.html: No space left"):
        write_text(tmp_path / "report.html", "x")


def test_a_report_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="nowhere"):
        write_text(tmp_path / "nowhere" / "report.html", "x")


def test_the_json_report_says_what_the_records_say(tmp_path: Path) -> None:
    report = record_sample(tmp_path / "r.ndjson")
    document = json.loads(render("json", report))
    assert document["verdict"]["exit_code"] == 1
    assert document["counts"] == report.counts()
    assert [each["id"] for each in document["requirements"]] == [
        requirement.id for requirement in requirements()
    ]


def test_a_badge_of_a_run_with_known_failures_is_not_green(tmp_path: Path) -> None:
    report = record_sample(tmp_path / "r.ndjson")
    assert json.loads(badge_endpoint(report))["message"] == "2 of 6 MUST passed"
    Xml.fromstring(badge_svg(report))  # noqa: S314 - it is our own


def test_a_badge_without_an_end_gives_no_verdict(tmp_path: Path) -> None:
    assert json.loads(badge_endpoint(unfinished(tmp_path / "r.ndjson")))["message"] == "no verdict"


def test_a_code_block_cannot_be_left() -> None:
    assert fenced("a\n````\nb") == "`````text\na\n````\nb\n`````"


def test_markdown_names_the_reason_of_a_known_failure_and_stays_bounded(tmp_path: Path) -> None:
    text = markdown_report(record_sample(tmp_path / "r.ndjson"))
    assert "- `hook.timeout.children`: Issue 12, wanted for 1.5." in text
    assert text.count("### `") <= MOST_PROBLEMS


def test_the_matrix_leaves_a_cell_empty_where_a_run_does_not_know_the_requirement(
    tmp_path: Path,
) -> None:
    known = record_sample(tmp_path / "r.ndjson", baseline=Baseline())
    other = unfinished(tmp_path / "other.ndjson")
    last = rows([other, known])[-1]
    assert last.result.id == "http.refresh.accepted"
    assert last.cells[0] is None
    assert last.cells[1] is not None
    assert last.cells[1].key == Outcome.NOT_RUN
    assert "| `retry.backoff.failure` | MUST | · not run | ✗ failed |" in markdown_matrix(
        [other, known]
    )

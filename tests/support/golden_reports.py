"""The reports of the sample run, as they are kept in `golden/`.

`python -m tests.support.golden_reports` writes them anew; the difference is then read and judged.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from conformance.records import RecordWriter, read_records
from conformance.reports.matrix import html_matrix, markdown_matrix
from conformance.reports.model import RunReport
from conformance.reports.rendering import render
from tests.support.run_records import record_sample, requirements, run_started

GOLDEN = Path(__file__).parents[1] / "unit" / "conformance" / "reports" / "golden"

FILES = {
    "console": "console.txt",
    "json": "report.json",
    "junit": "junit.xml",
    "html": "report.html",
    "markdown": "report.md",
    "badge": "badge.svg",
    "badge-json": "badge.json",
}


def golden_reports(directory: Path) -> Mapping[str, str]:
    """File names and their texts; `directory` takes the records."""
    report = record_sample(directory / "sample.ndjson")
    other = unfinished(directory / "unfinished.ndjson")
    reports = {name: render(format_name, report) for format_name, name in FILES.items()}
    return {
        **reports,
        "matrix.html": html_matrix([report, other]),
        "matrix.md": markdown_matrix([report, other]),
    }


def unfinished(path: Path) -> RunReport:
    """A run of another implementation that ended before anything was found."""
    with RecordWriter(path) as writer:
        writer.write(run_started(name="symphony-other"))
        writer.requirements(requirements()[:12])
    return read_records(path)


def write_golden() -> None:
    with tempfile.TemporaryDirectory() as directory:
        for name, text in golden_reports(Path(directory)).items():
            (GOLDEN / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_golden()

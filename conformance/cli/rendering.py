"""What `report` and `baseline` do: make reports of records, check them, list known failures."""

from __future__ import annotations

import sys
from pathlib import Path

from conformance.baseline import BaselineError, baseline_of, baseline_text, load_baseline
from conformance.cli.options import Options
from conformance.exit_codes import CommandError, ExitCode
from conformance.records import RecordsError, RunReport, read_records
from conformance.reports.matrix import html_matrix, markdown_matrix
from conformance.reports.rendering import ReportError, parse_request, render, write_text
from conformance.reports.verify import verify
from conformance.runner.results import RECORDS

ReportRequest = tuple[str, Path]
"""Format and file."""


def requested_reports(texts: list[str]) -> list[ReportRequest]:
    """What `--report` asked for, as far as can be told before a run. Raises `CommandError`."""
    try:
        requests = [parse_request(text) for text in texts]
    except ReportError as error:
        raise CommandError(f"--report: {error}", ExitCode.USAGE) from error
    for _, path in requests:
        if not path.absolute().parent.is_dir():
            raise CommandError(
                f"--report: there is no directory {path.parent}; make it first", ExitCode.USAGE
            )
    return requests


def write_report(form: str, report: RunReport, path: Path | None) -> None:
    """Into a file, else to standard output. Raises `CommandError`."""
    try:
        text = render(form, report)
    except ReportError as error:
        raise CommandError(str(error), ExitCode.USAGE) from error
    _write(text, path)


def render_command(options: Options) -> int:
    """Raises `CommandError`."""
    write_report(options.form, _read(options.records), options.output)
    return ExitCode.CONFORMING


def verify_command(options: Options) -> int:
    """Raises `CommandError`."""
    path = _records(options.records)
    try:
        problems = verify(path)
    except RecordsError as error:
        raise CommandError(str(error), ExitCode.USAGE) from error
    for problem in problems:
        print(problem)
    if not problems:
        print(f"{path} is whole")
    return ExitCode.NOT_CONFORMING if problems else ExitCode.CONFORMING


def matrix_command(options: Options) -> int:
    """Raises `CommandError`."""
    reports = [_read(path) for path in options.several]
    make = html_matrix if options.form == "html" else markdown_matrix
    _write(make(reports), options.output)
    return ExitCode.CONFORMING


def baseline_command(options: Options) -> int:
    """Reasons that the file has already are kept. Raises `CommandError`."""
    report = _read(options.records)
    path = options.output or Path("baseline.toml")
    try:
        earlier = load_baseline(path) if path.is_file() else None
    except BaselineError as error:
        raise CommandError(str(error), ExitCode.USAGE) from error
    found = baseline_of(report, earlier)
    _write(baseline_text(found), path)
    print(f"{path}: {len(found.entries)} known failures; say why for each", file=sys.stderr)
    return ExitCode.CONFORMING


def _read(path: Path) -> RunReport:
    try:
        return read_records(_records(path))
    except RecordsError as error:
        raise CommandError(str(error), ExitCode.USAGE) from error


def _records(path: Path) -> Path:
    return path / RECORDS if path.is_dir() else path


def _write(text: str, path: Path | None) -> None:
    if path is None:
        print(text, end="" if text.endswith("\n") else "\n")
        return
    try:
        write_text(path, text)
    except ReportError as error:
        raise CommandError(str(error), ExitCode.HARNESS) from error

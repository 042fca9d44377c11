"""Which reports there are, by name, and writing them to files.

Guarantees: a file is replaced as a whole, never left half written under its name. Must not: decide
what a report says.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from conformance.reports.badge import badge_endpoint, badge_svg
from conformance.reports.console import summary
from conformance.reports.html import html_report
from conformance.reports.json_report import json_report
from conformance.reports.junit import junit_report
from conformance.reports.markdown import markdown_report
from conformance.reports.model import RunReport

FORMATS: Mapping[str, Callable[[RunReport], str]] = {
    "console": summary,
    "json": json_report,
    "junit": junit_report,
    "html": html_report,
    "markdown": markdown_report,
    "badge": badge_svg,
    "badge-json": badge_endpoint,
}
"""The formats that `--report FORMAT=FILE` takes."""


class ReportError(Exception):
    """A report cannot be made or written; the text says which, why and what to do."""


def render(format_name: str, report: RunReport) -> str:
    """The report in that format. Raises `ReportError` for an unknown one."""
    make = FORMATS.get(format_name)
    if make is None:
        raise ReportError(f"there is no report called {format_name!r}; known are {_known()}")
    return make(report)


def parse_request(text: str) -> tuple[str, Path]:
    """Format and file of `html=report.html`. Raises `ReportError`."""
    format_name, separator, file = text.partition("=")
    if not separator or not file or format_name not in FORMATS:
        raise ReportError(f"{text!r} is no report; write FORMAT=FILE, FORMAT one of {_known()}")
    return format_name, Path(file)


def write_text(path: Path, text: str) -> None:
    """Replace the file, or make it. What is a link, or no file, such as a pipe or a device, is
    written to and stays what it is. Raises `ReportError`."""
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            _write_through(path, text)
        else:
            _replace(path, text)
    except OSError as error:
        raise ReportError(f"cannot write the report {path}: {error.strerror}") from error


def _write_through(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
        file.write(text)


def _replace(path: Path, text: str) -> None:
    """In one step: whoever reads it sees the earlier text or this one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _known() -> str:
    return ", ".join(FORMATS)

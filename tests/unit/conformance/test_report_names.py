"""The command line and the reports mean the same by the name of a report."""

from __future__ import annotations

from conformance.cli.running import REPORT_FORMS
from conformance.reports.rendering import FORMATS


def test_the_help_names_every_report() -> None:
    assert set(REPORT_FORMS) == set(FORMATS)

"""The command line and the reports mean the same by an exit code, and by the name of a report."""

from __future__ import annotations

from conformance import exit_codes
from conformance.cli.running import REPORT_FORMS
from conformance.reports.rendering import FORMATS
from conformance.reports.verdict import ExitCode


def test_codes_mean_the_same_everywhere() -> None:
    assert exit_codes.EXIT_CONFORMS == ExitCode.CONFORMING
    assert exit_codes.EXIT_BREACH == ExitCode.NOT_CONFORMING
    assert exit_codes.EXIT_USAGE == ExitCode.USAGE
    assert exit_codes.EXIT_SUITE == ExitCode.HARNESS
    assert exit_codes.EXIT_NEVER_READY == ExitCode.NEVER_READY


def test_the_help_names_every_report() -> None:
    assert set(REPORT_FORMS) == set(FORMATS)

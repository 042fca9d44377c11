"""`report` and `baseline`: what is made of the records that a run left. They start nothing."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from conformance.cli.options import Commands, Options
from conformance.cli.running import DEFAULT_RESULTS, REPORT_FORMS

DEFAULT_RECORDS: Final = DEFAULT_RESULTS / "records.ndjson"

_REPORT_DESCRIPTION: Final = """\
Make reports from the records of a run, which are kept in its results as records.ndjson;
a directory of results stands for the records in it."""

_REPORT_EXAMPLES: Final = """\
examples:
  symphony-conformance report render html --output report.html
  symphony-conformance report render badge results/records.ndjson --output badge.svg
  symphony-conformance report verify results/records.ndjson
  symphony-conformance report matrix a/records.ndjson b/records.ndjson --output matrix.html"""

_BASELINE_DESCRIPTION: Final = """\
Keep known failures in a file, each with a reason, so that a run fails only where something
is new. A listed requirement that passes by now is an error: take it out."""


def add_commands(commands: Commands) -> None:
    """`report` and `baseline`."""
    _add_report(commands)
    parser = commands.add(
        "baseline",
        "keep a list of known failures",
        description=_BASELINE_DESCRIPTION,
    )
    actions = Commands(parser, dest="action", metavar="write", required=True)
    writing = actions.add("write", "list what a run found broken")
    _add_records(writing)
    writing.add_argument(
        "--output",
        type=Path,
        default=Path("baseline.toml"),
        metavar="FILE",
        help="reasons that it has already are kept (default: baseline.toml)",
    )


def _add_report(commands: Commands) -> None:
    parser = commands.add(
        "report",
        "make reports of a run's records",
        description=_REPORT_DESCRIPTION,
        epilog=_REPORT_EXAMPLES,
    )
    actions = Commands(parser, dest="action", metavar="render|verify|matrix", required=True)
    rendering = actions.add("render", "one report")
    rendering.add_argument("form", metavar="FORM", help=f"one of {', '.join(REPORT_FORMS)}")
    _add_records(rendering)
    _add_output(rendering)
    verifying = actions.add("verify", "is a file of records whole?")
    _add_records(verifying)
    matrix = actions.add("matrix", "several implementations side by side")
    matrix.add_argument("several", nargs="+", type=Path, metavar="RECORDS")
    matrix.add_argument(
        "--form", choices=("html", "markdown"), default="html", help="(default: html)"
    )
    _add_output(matrix)


def _add_records(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "records",
        nargs="?",
        type=Path,
        default=DEFAULT_RECORDS,
        metavar="RECORDS",
        help=f"records, or a directory of results (default: {DEFAULT_RECORDS})",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="(default: the standard output)"
    )


def report(options: Options) -> int:
    """Raises `CommandError`."""
    from conformance.cli.rendering import matrix_command, render_command, verify_command

    handlers = {"render": render_command, "verify": verify_command, "matrix": matrix_command}
    return handlers[options.action or "render"](options)


def baseline(options: Options) -> int:
    """Raises `CommandError`."""
    from conformance.cli.rendering import baseline_command

    return baseline_command(options)

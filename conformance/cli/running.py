"""`run`, `smoke`, `replay` and `selftest`: the commands that start programs.

Must not: play anything itself; heavy modules are imported by the command that needs them.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

from conformance.catalogue import Profile
from conformance.cli.options import DIALECTS, Commands, Options, one_of, profile, whole

TAKE_A_COMMAND: Final = ("run", "smoke")

DEFAULT_RESULTS: Final = Path("conformance-results")
LARGEST_SEED: Final = 2**31 - 1
MOST_WORKERS: Final = 32
REPORT_FORMS: Final = ("console", "json", "junit", "html", "markdown", "badge", "badge-json")
"""Named here for the help, which must not wait for what makes them."""

_WITHOUT_OPTIONS: Final[dict[str, object]] = {
    "profiles": [],
    "baseline": None,
    "strict": False,
    "reports": [],
    "retry": False,
}
"""What `smoke` and `replay` do not ask for."""

_RUN_DESCRIPTION: Final = """\
Judge an implementation: start it once for each scenario, against a tracker and an agent
of the suite on loopback, and say requirement by requirement what it does.

Name it by a manifest (--implementation), or as a command after --, in which {workflow}
stands for the path of the workflow file. A manifest tells more: flags, which optional
parts are offered, policies, limits.

A PATTERN narrows the run: an id (retry.backoff.failure), the beginning of one up to a dot
(retry), a wildcard (*.bounded), or the name of a scenario. Scenarios judge several
requirements each, so that more may be reported than was asked for.

Results are kept in the directory --results: records.ndjson, from which every report can
be made again, and for each scenario the workflow file, the output and the timeline."""

_RUN_EXAMPLES: Final = """\
examples:
  symphony-conformance run -- ./my-symphony {workflow}
  symphony-conformance run --implementation mine.toml retry stall
  symphony-conformance run --implementation mine.toml --dialect github --profile core
  symphony-conformance run --implementation mine.toml --baseline known.toml \\
      --report html=report.html --report junit=junit.xml"""

_SMOKE_DESCRIPTION: Final = """\
Play one trivial scenario: one issue is dispatched, an agent works on it, it gets done.
It tells a manifest that is wrong from an implementation that is, before anything is
judged in earnest."""

_REPLAY_DESCRIPTION: Final = """\
Play one scenario again, as a bundle says: the same manifest, tracker and seed. A BUNDLE is
a directory that a run left below its results, or the bundle.json in it."""

_SELFTEST_DESCRIPTION: Final = """\
Let the suite judge programs that mean it no good: one that exits at once, one that never
polls, one that floods its log, and so on. Each has to end with the exit code that it is
listed with, in bounded time, and leave no process behind."""


def add_commands(commands: Commands) -> None:
    """`run`, `smoke`, `replay` and `selftest`."""
    _add_run(commands)
    smoking = commands.add(
        "smoke",
        "does it start, poll and work at all?",
        description=_SMOKE_DESCRIPTION,
        usage="symphony-conformance smoke [options] [--implementation FILE | -- COMMAND ...]",
    )
    _add_subject(smoking)
    _add_results(smoking)
    smoking.set_defaults(**_WITHOUT_OPTIONS)
    replaying = commands.add(
        "replay",
        "play one scenario of an earlier run again",
        description=_REPLAY_DESCRIPTION,
    )
    replaying.set_defaults(**_WITHOUT_OPTIONS)
    replaying.add_argument("bundle", type=Path, metavar="BUNDLE", help="where it was left")
    _add_results(replaying, default=DEFAULT_RESULTS / "replay")
    testing = commands.add(
        "selftest",
        "the suite against hostile programs",
        description=_SELFTEST_DESCRIPTION,
    )
    testing.add_argument("zoo", nargs="*", metavar="NAME", help="which programs (default: all)")


def _add_run(commands: Commands) -> None:
    parser = commands.add(
        "run",
        "judge an implementation",
        description=_RUN_DESCRIPTION,
        epilog=_RUN_EXAMPLES,
        usage=(
            "symphony-conformance run [options] [PATTERN ...] "
            "[--implementation FILE | -- COMMAND ...]"
        ),
    )
    parser.add_argument("patterns", metavar="PATTERN", nargs="*", help="what (default: all)")
    _add_subject(parser)
    _add_results(parser)
    parser.add_argument(
        "--profile",
        dest="profiles",
        action="append",
        default=[],
        type=profile,
        metavar="P",
        help=f"only this one, {one_of(Profile)}; may be given again (default: all it offers)",
    )
    parser.add_argument(
        "--strict", action="store_true", help="a broken SHOULD does not conform either"
    )
    parser.add_argument(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="known failures, each with a reason; one that passes by now is an error",
    )
    parser.add_argument(
        "--no-retry",
        dest="retry",
        action="store_false",
        help="do not play a scenario with an unexpected failure once more, alone",
    )
    parser.add_argument(
        "--report",
        dest="reports",
        action="append",
        default=[],
        metavar="FORM=FILE",
        help=f"write a report, too; FORM is one of {', '.join(REPORT_FORMS)}",
    )


def _add_subject(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--implementation", type=Path, metavar="FILE", help="the manifest, a TOML file"
    )
    parser.add_argument(
        "--dialect",
        choices=DIALECTS,
        help="the tracker to play (default: the first that the manifest names)",
    )
    parser.add_argument(
        "--seed",
        type=whole(0, LARGEST_SEED),
        metavar="N",
        help="decides order and disorder; printed, and random where it is not given",
    )


def _add_results(parser: argparse.ArgumentParser, default: Path = DEFAULT_RESULTS) -> None:
    parser.add_argument(
        "--results",
        type=Path,
        default=default,
        metavar="DIR",
        help=f"where results go; those of an earlier run there are replaced (default: {default})",
    )
    parser.add_argument(
        "--workers",
        type=whole(1, MOST_WORKERS),
        default=min(2 * (os.cpu_count() or 1), 8),
        metavar="N",
        help="how many fast scenarios at once (default: two for each processor, at most 8)",
    )


def run(options: Options) -> int:
    """Raises `CommandError`."""
    from conformance.cli.judging import run_command

    return run_command(options)


def smoke(options: Options) -> int:
    """Raises `CommandError`."""
    from conformance.cli.judging import smoke_command

    return smoke_command(options)


def replay(options: Options) -> int:
    """Raises `CommandError`."""
    from conformance.cli.judging import replay_command

    return replay_command(options)


def selftest(options: Options) -> int:
    """Raises `CommandError`."""
    from conformance.selftest.zoo import run_zoo

    return run_zoo(options.zoo)

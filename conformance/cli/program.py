"""The program `symphony-conformance`: finds the command, and turns errors into exit codes.

Guarantees: results go to standard output, everything else to standard error; every error that a
user can cause is one clear message, never a traceback. A reader that goes away, as in `... | head`,
is no error. Must not: know what a command does.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from conformance.catalogue import SpecificationError, UnknownRequirementError, load_catalogue
from conformance.cli import listing, reporting, running
from conformance.cli.options import LAYOUT, Commands, Options
from conformance.coverage import CoverageError
from conformance.exit_codes import CommandError, ExitCode
from conformance.scenario import ScenarioError
from conformance.version import suite_version

_DESCRIPTION: Final = """\
Judge an implementation of the Symphony specification from outside.

SPEC.md states every requirement once, as one sentence with a stable id such as
retry.backoff.failure. All that this program does is said in terms of those ids. It starts
the implementation as a child process, against a tracker and an agent of its own on
loopback; it needs no account and no network."""

_EXAMPLES: Final = """\
examples:
  symphony-conformance smoke -- ./my-symphony {workflow}    does it start, poll and work at all?
  symphony-conformance run -- ./my-symphony {workflow}      judge it by every requirement
  symphony-conformance run --implementation mine.toml       the same, with a manifest
  symphony-conformance replay conformance-results/scenarios/NAME    one scenario once more

  symphony-conformance list                        every requirement, in the order of SPEC.md
  symphony-conformance list retry hook.timeout     two areas of it
  symphony-conformance list --level MUST --profile core
  symphony-conformance list --json '*.bounded'     for another program to read
  symphony-conformance explain retry.backoff.failure

exit codes:
  0  done; after a run: the implementation conforms
  1  it does not conform
  2  wrong use: an unknown id, a pattern that matches nothing, a manifest that is wrong
  3  a fault of the suite or of this machine, or the run was interrupted: no verdict
  4  the implementation never asked the tracker for anything, so that nothing could be judged"""

_Handler: TypeAlias = Callable[[Options], int]

_HANDLERS: Final[dict[str, _Handler]] = {
    "list": listing.list_requirements,
    "explain": listing.explain,
    "run": running.run,
    "smoke": running.smoke,
    "replay": running.replay,
    "selftest": running.selftest,
    "baseline": reporting.baseline,
    "report": reporting.report,
}


def main(arguments: Sequence[str] | None = None, *, specification: Path | None = None) -> int:
    """Run one command on `specification`, by default the suite's own, and return its exit code."""
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments, specification)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return ExitCode.CONFORMING
    except UnknownRequirementError as error:
        return _complain(_with_suggestions(error), ExitCode.USAGE)
    except SpecificationError as error:
        return _complain(str(error), ExitCode.HARNESS)
    except (CoverageError, ScenarioError) as error:
        return _complain(str(error), ExitCode.HARNESS)
    except CommandError as error:
        return _complain(str(error), error.code)
    except KeyboardInterrupt:
        return _complain("interrupted", ExitCode.HARNESS)
    except OSError as error:
        # A verdict that could not be told is none, whatever it was.
        _discard_output()
        what = error.filename or "the output cannot be written"
        return _complain(f"{what}: {error.strerror or error}", ExitCode.HARNESS)
    return code


def _run(words: Sequence[str], specification: Path | None) -> int:
    own, launch = _parted(words)
    parser = _parser()
    options = parser.parse_args(own, namespace=Options(specification=specification, launch=launch))
    if options.version:
        count = len(load_catalogue(specification))
        print(f"symphony-conformance {suite_version()}, {count} requirements")
        return ExitCode.CONFORMING
    if options.command is None:
        parser.print_help(sys.stderr)
        return ExitCode.USAGE
    if launch and options.command not in running.TAKE_A_COMMAND:
        raise CommandError(
            f"{options.command} takes no command after --; "
            f"{' and '.join(running.TAKE_A_COMMAND)} do",
            ExitCode.USAGE,
        )
    return _HANDLERS[options.command](options)


def _parted(words: Sequence[str]) -> tuple[Sequence[str], tuple[str, ...]]:
    """What comes before the first `--`, and what comes after it."""
    if "--" not in words:
        return words, ()
    at = words.index("--")
    return words[:at], tuple(words[at + 1 :])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="symphony-conformance",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=LAYOUT,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    commands = Commands(parser, dest="command", metavar="COMMAND")
    running.add_commands(commands)
    listing.add_commands(commands)
    reporting.add_commands(commands)
    return parser


def _with_suggestions(error: UnknownRequirementError) -> str:
    if not error.similar:
        return f"{error}; `symphony-conformance list` shows all ids"
    return "\n  ".join([f"{error}; did you mean", *error.similar])


def _complain(message: str, code: int) -> int:
    # Where nobody can be told, the exit code still can.
    with contextlib.suppress(OSError):
        print(f"symphony-conformance: {message}", file=sys.stderr)
    return code


def _discard_output() -> None:
    """Let the interpreter's own flush at exit go nowhere, instead of failing once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())

"""The command line of the suite: `symphony-conformance`.

Exit codes: 0 done, 2 wrong use (an unknown id, a pattern that matches nothing), 3 a fault of the
suite itself, such as a specification that cannot be read. Results go to standard output, everything
else to standard error. A reader that goes away, as in `... | head`, is no error.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import textwrap
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from conformance.catalogue import (
    Catalogue,
    Level,
    Profile,
    Requirement,
    SpecificationError,
    UnknownRequirementError,
    Verdict,
    load_catalogue,
)

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_SUITE = 3

_DISTRIBUTION = "symphony-for-python"

_DESCRIPTION = """\
Judge an implementation of the Symphony specification from outside.

SPEC.md states every requirement once, as one sentence with a stable id such as
retry.backoff.failure. All that this program does is said in terms of those ids."""

_EXAMPLES = """\
examples:
  symphony-conformance list                        every requirement, in the order of SPEC.md
  symphony-conformance list retry hook.timeout     two areas of it
  symphony-conformance list --level MUST --profile core
  symphony-conformance list --json '*.bounded'     for another program to read
  symphony-conformance explain retry.backoff.failure

exit codes:
  0  done
  2  wrong use: an unknown id, or a pattern that matches nothing
  3  a fault of the suite itself"""

_LIST_DESCRIPTION = """\
List requirements: id, level, profile, verdict and section, one a line.

A PATTERN is an id, the beginning of one up to a dot (retry, retry.backoff), or has the
wildcards * and ?. Several patterns add up; options narrow the result."""

_EXPLAIN_DESCRIPTION = """\
Show one requirement: its sentence, how binding it is, whom it binds, what a check may
demand, and where it stands in SPEC.md."""

_LEVEL_MEANING = {
    Level.MUST: "required; an implementation that breaks it does not conform",
    Level.SHOULD: "recommended; breaking it is a warning",
    Level.MAY: "permitted; never judged against an implementation",
    Level.DOCUMENT: "the implementation's documentation states its choice",
}
_PROFILE_MEANING = {
    Profile.CORE: "every implementation",
    Profile.HTTP: "implementations with the HTTP interface",
    Profile.TOOLS: "implementations that offer tracker tools to the agent",
    Profile.SSH: "implementations that run agents on other hosts",
}
_VERDICT_MEANING = {
    Verdict.EXACT: "the sentence holds as it stands",
    Verdict.LENIENT: "each of the alternatives that it names conforms",
    Verdict.INFO: "recorded, never judged",
}


def main(arguments: Sequence[str] | None = None, *, specification: Path | None = None) -> int:
    """Run one command on `specification`, by default the suite's own, and return its exit code."""
    try:
        code = _run(_parser(), arguments, specification)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return EXIT_OK
    except UnknownRequirementError as error:
        return _complain(_with_suggestions(error), EXIT_USAGE)
    except SpecificationError as error:
        return _complain(str(error), EXIT_SUITE)
    return code


def _run(
    parser: argparse.ArgumentParser, arguments: Sequence[str] | None, specification: Path | None
) -> int:
    options = parser.parse_args(arguments, namespace=_Options())
    if options.version:
        print(
            f"symphony-conformance {_version()}, {len(load_catalogue(specification))} requirements"
        )
        return EXIT_OK
    if options.command == "list":
        return _list(load_catalogue(specification), options)
    if options.command == "explain":
        return _explain(load_catalogue(specification), options.id)
    parser.print_help(sys.stderr)
    return EXIT_USAGE


class _Options(argparse.Namespace):
    """What was asked for, with the types that the parser guarantees."""

    version: bool
    command: str | None
    patterns: list[str]
    level: Level | None
    profile: Profile | None
    as_json: bool
    id: str


def _parser() -> argparse.ArgumentParser:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="symphony-conformance",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=layout,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    listing = commands.add_parser(
        "list",
        help="list requirements",
        description=_LIST_DESCRIPTION,
        formatter_class=layout,
        allow_abbrev=False,
    )
    listing.add_argument("patterns", metavar="PATTERN", nargs="*", help="which ids (default: all)")
    listing.add_argument("--level", type=_level, help=_one_of(Level))
    listing.add_argument("--profile", type=_profile, help=_one_of(Profile))
    listing.add_argument(
        "--json", dest="as_json", action="store_true", help="one JSON array of objects"
    )

    explaining = commands.add_parser(
        "explain",
        help="show one requirement",
        description=_EXPLAIN_DESCRIPTION,
        formatter_class=layout,
        allow_abbrev=False,
    )
    explaining.add_argument("id", metavar="ID", help="such as retry.backoff.failure")
    return parser


def _one_of(kind: type[Level] | type[Profile]) -> str:
    return "one of " + ", ".join(member.value for member in kind)


def _level(text: str) -> Level:
    try:
        return Level(text.upper())
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not {_one_of(Level)}") from None


def _profile(text: str) -> Profile:
    try:
        return Profile(text.lower())
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not {_one_of(Profile)}") from None


def _list(catalogue: Catalogue, options: _Options) -> int:
    wanted: set[str] = set()
    for pattern in options.patterns or ["*"]:
        matched = catalogue.matching(pattern)
        if not matched:
            raise UnknownRequirementError(pattern, catalogue.similar(pattern))
        wanted.update(requirement.id for requirement in matched)
    chosen = [
        requirement
        for requirement in catalogue
        if requirement.id in wanted
        and options.level in (None, requirement.level)
        and options.profile in (None, requirement.profile)
    ]
    if options.as_json:
        rows = [dataclasses.asdict(requirement) for requirement in chosen]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _print_columns(chosen)
    return EXIT_OK


def _print_columns(requirements: Sequence[Requirement]) -> None:
    width = max((len(requirement.id) for requirement in requirements), default=0)
    for requirement in requirements:
        print(
            f"{requirement.id:{width}}  {requirement.level:8}  {requirement.profile:5}  "
            f"{requirement.verdict:7}  {requirement.section}"
        )


def _explain(catalogue: Catalogue, name: str) -> int:
    requirement = catalogue.require(name)
    print(requirement.id)
    print()
    print(textwrap.indent(textwrap.fill(requirement.text, 84, break_on_hyphens=False), "  "))
    print()
    print(f"level    {requirement.level}: {_LEVEL_MEANING[requirement.level]}")
    print(f"profile  {requirement.profile}: {_PROFILE_MEANING[requirement.profile]}")
    print(f"verdict  {requirement.verdict}: {_VERDICT_MEANING[requirement.verdict]}")
    print(f"section  {requirement.section} {requirement.title}")
    print(f"stated   {catalogue.path.name}, line {requirement.line}")
    return EXIT_OK


def _with_suggestions(error: UnknownRequirementError) -> str:
    if not error.similar:
        return f"{error}; `symphony-conformance list` shows all ids"
    return "\n  ".join([f"{error}; did you mean", *error.similar])


def _complain(message: str, code: int) -> int:
    print(f"symphony-conformance: {message}", file=sys.stderr)
    return code


def _discard_output() -> None:
    """Let the interpreter's own flush at exit go nowhere, instead of failing once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _version() -> str:
    try:
        return metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "(not installed)"

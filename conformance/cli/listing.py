"""`list` and `explain`: what the requirements are. They start nothing and judge nothing."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Sequence
from typing import Final

from conformance.catalogue import (
    Catalogue,
    Level,
    Profile,
    Requirement,
    UnknownRequirementError,
    Verdict,
    load_catalogue,
)
from conformance.cli.options import Commands, Options, level, one_of, profile

_LIST_DESCRIPTION: Final = """\
List requirements: id, level, profile, verdict and section, one a line.

A PATTERN is an id, the beginning of one up to a dot (retry, retry.backoff), or has the
wildcards * and ?. Several patterns add up; options narrow the result."""

_EXPLAIN_DESCRIPTION: Final = """\
Show one requirement: its sentence, how binding it is, whom it binds, what a check may
demand, which scenarios check it, and where it stands in SPEC.md."""

_LEVEL_MEANING: Final = {
    Level.MUST: "required; an implementation that breaks it does not conform",
    Level.SHOULD: "recommended; breaking it is a warning",
    Level.MAY: "permitted; never judged against an implementation",
    Level.DOCUMENT: "the implementation's documentation states its choice",
}
_PROFILE_MEANING: Final = {
    Profile.CORE: "every implementation",
    Profile.HTTP: "implementations with the HTTP interface",
    Profile.TOOLS: "implementations that offer tracker tools to the agent",
    Profile.SSH: "implementations that run agents on other hosts",
}
_VERDICT_MEANING: Final = {
    Verdict.EXACT: "the sentence holds as it stands",
    Verdict.LENIENT: "each of the alternatives that it names conforms",
    Verdict.INFO: "recorded, never judged",
}


def add_commands(commands: Commands) -> None:
    """`list` and `explain`."""
    listing = commands.add(
        "list",
        "list requirements",
        description=_LIST_DESCRIPTION,
    )
    listing.add_argument("patterns", metavar="PATTERN", nargs="*", help="which ids (default: all)")
    listing.add_argument("--level", type=level, help=one_of(Level))
    listing.add_argument("--profile", type=profile, help=one_of(Profile))
    listing.add_argument(
        "--json", dest="as_json", action="store_true", help="one JSON array of objects"
    )
    explaining = commands.add(
        "explain",
        "show one requirement",
        description=_EXPLAIN_DESCRIPTION,
    )
    explaining.add_argument("id", metavar="ID", help="such as retry.backoff.failure")


def list_requirements(options: Options) -> int:
    """Raises `UnknownRequirementError` for a pattern that matches nothing."""
    catalogue = load_catalogue(options.specification)
    wanted = _wanted(catalogue, options.patterns)
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
    return 0


def _wanted(catalogue: Catalogue, patterns: Sequence[str]) -> set[str]:
    wanted: set[str] = set()
    for pattern in patterns or ["*"]:
        matched = catalogue.matching(pattern)
        if not matched:
            raise UnknownRequirementError(pattern, catalogue.similar(pattern))
        wanted.update(requirement.id for requirement in matched)
    return wanted


def _print_columns(requirements: Sequence[Requirement]) -> None:
    width = max((len(requirement.id) for requirement in requirements), default=0)
    for requirement in requirements:
        print(
            f"{requirement.id:{width}}  {requirement.level:8}  {requirement.profile:5}  "
            f"{requirement.verdict:7}  {requirement.section}"
        )


def explain(options: Options) -> int:
    """Raises `UnknownRequirementError`."""
    catalogue = load_catalogue(options.specification)
    requirement = catalogue.require(options.id)
    print(requirement.id)
    print()
    print(textwrap.indent(textwrap.fill(requirement.text, 84, break_on_hyphens=False), "  "))
    print()
    print(f"level    {requirement.level}: {_LEVEL_MEANING[requirement.level]}")
    print(f"profile  {requirement.profile}: {_PROFILE_MEANING[requirement.profile]}")
    print(f"verdict  {requirement.verdict}: {_VERDICT_MEANING[requirement.verdict]}")
    print(f"section  {requirement.section} {requirement.title}")
    print(f"stated   {catalogue.path.name}, line {requirement.line}")
    print(f"checked  {_checked(catalogue, requirement)}")
    return 0


def _checked(catalogue: Catalogue, requirement: Requirement) -> str:
    # The scenarios bring half of the suite with them, which `list` does not need.
    from conformance.coverage import load_reasons
    from conformance.runner.selection import all_scenarios

    names = [each.name for each in all_scenarios() if requirement.id in each.checks]
    if names:
        return f"by {', '.join(names)}"
    reason = load_reasons(catalogue).get(requirement.id)
    return f"no, {reason.ground}: {reason.text}" if reason else "no"

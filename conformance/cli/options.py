"""What was asked for on the command line, with the types that the parser guarantees.

Guarantees: a value that cannot be is refused while the command line is read, with what would do.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from conformance.catalogue import Level, Profile

DIALECTS: Final = ("linear", "github")
LAYOUT: Final = argparse.RawDescriptionHelpFormatter


class Options(argparse.Namespace):
    """The members that a command has are those that its own parser declares."""

    version: bool
    command: str | None
    specification: Path | None

    # list, explain
    patterns: list[str]
    level: Level | None
    profile: Profile | None
    as_json: bool
    id: str

    # run, smoke, replay
    launch: tuple[str, ...]
    """The words after `--`."""
    implementation: Path | None
    dialect: str | None
    profiles: list[Profile]
    seed: int | None
    strict: bool
    baseline: Path | None
    results: Path
    workers: int
    reports: list[str]
    """Each of the form FORM=FILE."""
    retry: bool
    bundle: Path

    # baseline, report
    action: str | None
    records: Path
    several: list[Path]
    output: Path | None
    form: str
    zoo: list[str]


class Commands:
    """The commands of a parser; the one that was given is in the option `dest`."""

    def __init__(
        self, parser: argparse.ArgumentParser, *, dest: str, metavar: str, required: bool = False
    ) -> None:
        self._commands = parser.add_subparsers(dest=dest, metavar=metavar, required=required)

    def add(
        self,
        name: str,
        summary: str,
        *,
        description: str | None = None,
        epilog: str | None = None,
        usage: str | None = None,
    ) -> argparse.ArgumentParser:
        """A parser for the command; `summary` is its line in the list of commands."""
        return self._commands.add_parser(
            name,
            help=summary,
            description=description or summary,
            epilog=epilog,
            usage=usage,
            formatter_class=LAYOUT,
            allow_abbrev=False,
        )


_Member = TypeVar("_Member", bound=StrEnum)


def one_of(kind: type[StrEnum]) -> str:
    """The members, for people."""
    return "one of " + ", ".join(member.value for member in kind)


def level(text: str) -> Level:
    """For `type=`."""
    return _member(Level, text, text.upper())


def profile(text: str) -> Profile:
    """For `type=`."""
    return _member(Profile, text, text.lower())


def _member(kind: type[_Member], text: str, value: str) -> _Member:
    try:
        return kind(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not {one_of(kind)}") from None


def whole(least: int, most: int) -> Callable[[str], int]:
    """For `type=`: a whole number within these bounds."""

    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from {least} to {most}"
            )
        return number

    return convert

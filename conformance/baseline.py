"""Known failures of one implementation, each with a reason: a TOML file that its author keeps.

    schema = 1

    [[known]]
    id = "retry.backoff.failure"          # or a pattern: "retry.*"
    reason = "The backoff counts from the end of the hook; see the issue."
    link = "https://example.org/issues/7"  # optional

Guarantees: a problem is expected only where an entry names it, and an entry that is not needed any
more is reported: a baseline can shrink, never hide. A fault of the suite itself is never expected.
What was not part of a run says nothing of an entry. Must not: run anything.
"""

from __future__ import annotations

import fnmatch
import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conformance.catalogue import RequirementId
from conformance.outcomes import Outcome
from conformance.reports.model import RequirementResult, RunReport

_Text = Annotated[str, Field(min_length=1)]

_NO_REASON = "not recorded"


class BaselineError(Exception):
    """The file is no baseline. The text names file and entry, and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFailure:
    """One entry. `pattern` is an id, or has the wildcards `*` and `?`."""

    pattern: str
    reason: str
    link: str = ""

    def covers(self, name: str) -> bool:
        return fnmatch.fnmatchcase(name, self.pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """All entries of a file, in its order."""

    entries: tuple[KnownFailure, ...] = ()

    def known(self, name: RequirementId) -> KnownFailure | None:
        """The first entry that covers this id."""
        return next((entry for entry in self.entries if entry.covers(name)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleEntry:
    """An entry that names `passing` although they pass, or, where there are none, that matches no
    requirement at all."""

    entry: KnownFailure
    passing: tuple[RequirementId, ...] = ()

    def __str__(self) -> str:
        if not self.passing:
            return f"{self.entry.pattern!r} matches no requirement: correct or remove the entry"
        names = ", ".join(self.passing)
        return f"{self.entry.pattern!r} is listed as failing, but passes: {names}; remove it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The problems of a run, sorted by whether the baseline knows them; those that it does, with
    the entry that says so."""

    expected: tuple[tuple[RequirementResult, KnownFailure], ...]
    unexpected: tuple[RequirementResult, ...]
    stale: tuple[StaleEntry, ...]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: _Text
    reason: _Text
    link: str = ""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    # Not called `schema`: the base class has a method of that name.
    version: Annotated[Literal[1], Field(alias="schema")]
    known: list[_Entry] = []


def load_baseline(path: Path) -> Baseline:
    """Read a baseline. Raises `BaselineError`."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        found = _File.model_validate(content)
    except OSError as error:
        raise BaselineError(f"cannot read the baseline {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BaselineError(f"{path} is no TOML: {error}") from None
    except ValidationError as error:
        raise BaselineError(_explain(path, error)) from None
    return Baseline(
        entries=tuple(
            KnownFailure(pattern=entry.id, reason=entry.reason, link=entry.link)
            for entry in found.known
        )
    )


def judge(report: RunReport, baseline: Baseline) -> Judgement:
    """Compare a run with what is known of it."""
    expected: list[tuple[RequirementResult, KnownFailure]] = []
    unexpected: list[RequirementResult] = []
    for result in report.problems:
        entry = baseline.known(result.id)
        if entry is None or result.outcome is Outcome.HARNESS_ERROR:
            unexpected.append(result)
        else:
            expected.append((result, entry))
    return Judgement(
        expected=tuple(expected),
        unexpected=tuple(unexpected),
        stale=tuple(_stale(baseline.entries, report.requirements)),
    )


def _stale(
    entries: Iterable[KnownFailure], results: Sequence[RequirementResult]
) -> Iterable[StaleEntry]:
    for entry in entries:
        covered = [result for result in results if entry.covers(result.id)]
        passing = tuple(result.id for result in covered if result.outcome is Outcome.PASS)
        if passing or not covered:
            yield StaleEntry(entry=entry, passing=passing)


def baseline_of(report: RunReport, earlier: Baseline | None = None) -> Baseline:
    """One entry for every problem of a run. A reason of `earlier` is kept where the problem still
    is; a new one states what was seen, for the author to replace."""
    entries = [
        _entry(result, earlier.known(result.id) if earlier else None)
        for result in report.problems
        if result.outcome is not Outcome.HARNESS_ERROR
    ]
    return Baseline(entries=tuple(entries))


def _entry(result: RequirementResult, earlier: KnownFailure | None) -> KnownFailure:
    seen = next((finding.seen for finding in result.findings if finding.seen), _NO_REASON)
    return KnownFailure(
        pattern=result.id,
        reason=earlier.reason if earlier else f"{result.outcome}: {' '.join(seen.split())}",
        link=earlier.link if earlier else "",
    )


def baseline_text(baseline: Baseline) -> str:
    """The file of a baseline, as `load_baseline` reads it."""
    blocks = ["schema = 1\n"]
    for entry in baseline.entries:
        lines = ["[[known]]", f"id = {_quoted(entry.pattern)}", f"reason = {_quoted(entry.reason)}"]
        if entry.link:
            lines.append(f"link = {_quoted(entry.link)}")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _quoted(text: str) -> str:
    # A JSON string is a basic string of TOML, but for one control character that JSON lets through.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _explain(path: Path, error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    match problem["loc"]:
        case ("known", int(index), *rest):
            where = f"entry {index + 1} of [[known]]" + "".join(f", {part}" for part in rest)
        case location:
            where = ".".join(str(part) for part in location)
    return (
        f"{path}: {where}: {problem['msg']}; a baseline has schema = 1 and [[known]] entries "
        "with id, reason and, if you like, link"
    )

"""The requirements of `SPEC.md`, read from that file and from nowhere else.

Guarantees: a catalogue that loads holds every requirement item of the file once, each with a known
level, profile and verdict, the section it stands in and its line. A file that cannot be read that
way is refused with its path and line; nothing is skipped in silence. Code blocks and unnumbered
sections hold no requirements; in a numbered section every list item is one.

Must not: import `symphony`, or know any requirement by name.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NewType, TypeVar

RequirementId = NewType("RequirementId", str)


class Level(StrEnum):
    """How binding a requirement is."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"
    DOCUMENT = "DOCUMENT"


class Profile(StrEnum):
    """Whom a requirement binds."""

    CORE = "core"
    HTTP = "http"
    TOOLS = "tools"
    SSH = "ssh"


class Verdict(StrEnum):
    """What a check may demand: the sentence as it stands, one of its alternatives, or nothing."""

    EXACT = "exact"
    LENIENT = "lenient"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One sentence of the specification. `section` is its number there, `line` counts from 1."""

    id: RequirementId
    level: Level
    profile: Profile
    verdict: Verdict
    section: str
    title: str
    text: str
    line: int


class SpecificationError(Exception):
    """The specification cannot be read; the message begins with the file and the line."""

    def __init__(self, path: Path, line: int, explanation: str) -> None:
        super().__init__(f"{path}:{line}: {explanation}")
        self.path = path
        self.line = line
        self.explanation = explanation


class SpecificationNotFoundError(SpecificationError):
    """There is no `SPEC.md` beside the package, nor above it."""


class MalformedItemError(SpecificationError):
    """A list item in a numbered section is no requirement, or stands in the wrong place."""


class DuplicateIdError(SpecificationError):
    """Two requirements have the same id."""


class MissingLevelError(SpecificationError):
    """A requirement does not say how binding it is."""


class MissingProfileError(SpecificationError):
    """A requirement does not say whom it binds."""


class UnknownLevelError(SpecificationError):
    """A level is none of the four."""


class UnknownProfileError(SpecificationError):
    """A profile is none of those that exist."""


class UnknownVerdictError(SpecificationError):
    """A verdict is neither exact, lenient nor info."""


class UnknownRequirementError(LookupError):
    """No requirement has this id. `similar` holds the ids that come closest, best first."""

    def __init__(self, unknown: str, similar: Sequence[RequirementId]) -> None:
        super().__init__(f"no requirement is called {unknown!r}")
        self.unknown = unknown
        self.similar = tuple(similar)


class Catalogue:
    """All requirements of one specification, in the order of the file."""

    def __init__(self, path: Path, requirements: Iterable[Requirement]) -> None:
        self.path = path
        self.requirements = tuple(requirements)
        self._by_id = {requirement.id: requirement for requirement in self.requirements}

    def __iter__(self) -> Iterator[Requirement]:
        return iter(self.requirements)

    def __len__(self) -> int:
        return len(self.requirements)

    def __contains__(self, name: object) -> bool:
        return name in self._by_id

    def require(self, name: str) -> Requirement:
        """The requirement of that id, or `UnknownRequirementError` with the closest ids."""
        found = self._by_id.get(RequirementId(name))
        if found is None:
            raise UnknownRequirementError(name, self.similar(name))
        return found

    def matching(self, pattern: str) -> tuple[Requirement, ...]:
        """Those whose id is `pattern`, begins with it up to a dot, or matches it with wildcards."""
        return tuple(
            requirement
            for requirement in self.requirements
            if fnmatch.fnmatchcase(requirement.id, pattern)
            or fnmatch.fnmatchcase(requirement.id, f"{pattern}.*")
        )

    def similar(self, name: str) -> tuple[RequirementId, ...]:
        """The ids that come closest to `name`, best first."""
        close = difflib.get_close_matches(name, self._by_id, n=3)
        return tuple(RequirementId(known) for known in close)


def specification_path() -> Path:
    """Where `SPEC.md` is: in the package, as a wheel has it, else at the top of the checkout."""
    package = Path(__file__).resolve().parent
    for candidate in (package / "SPEC.md", package.parent / "SPEC.md"):
        if candidate.is_file():
            return candidate
    raise SpecificationNotFoundError(package / "SPEC.md", 0, "the specification is not there")


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read the requirements of `path`, or of the specification that comes with the suite."""
    found = path or specification_path()
    return parse_catalogue(found.read_text(encoding="utf-8"), path=found)


def parse_catalogue(text: str, *, path: Path) -> Catalogue:
    """Read the requirements in `text`; `path` only names it in errors."""
    requirements: dict[RequirementId, Requirement] = {}
    for item in _items(text.splitlines(), path):
        requirement = _requirement(item, path)
        earlier = requirements.get(requirement.id)
        if earlier is not None:
            raise DuplicateIdError(
                path,
                requirement.line,
                f"`{requirement.id}` is already defined in line {earlier.line}",
            )
        requirements[requirement.id] = requirement
    return Catalogue(path, requirements.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """A list item with its continuation lines joined, and where it stands."""

    text: str
    line: int
    section: str
    title: str


_ID = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_HEADING = re.compile(
    r"#{2,4} (?P<section>\d+(?:\.\d+)*|[A-Z](?:\.\d+)+|(?:Appendix )[A-Z])\.? (?P<title>.+)"
)
_ITEM = re.compile(
    r"- (?:`(?P<id>[^`]*)`)?\s*"
    r"(?:\*\*(?P<level>[^*]*)\*\*)?\s*"
    r"(?:\*(?P<profile>[^*]+)\*)?\s*"
    r"(?:— (?P<text>.+))?"
)


def _items(lines: Sequence[str], path: Path) -> Iterator[_Item]:
    section = title = ""
    fenced = False
    for index, line in enumerate(lines):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced and line.startswith("#"):
            section, title = _section(line)
        elif not fenced and line.startswith("- "):
            if section:
                text = " ".join([line, *_continuation(lines, index + 1, path)])
                yield _Item(text=text, line=index + 1, section=section, title=title)
            elif line.startswith("- `"):
                raise MalformedItemError(path, index + 1, "it stands outside a numbered section")


def _section(heading: str) -> tuple[str, str]:
    """Number and title of a numbered heading, else two empty texts."""
    parts = _HEADING.fullmatch(heading)
    return (parts["section"].removeprefix("Appendix "), parts["title"]) if parts else ("", "")


def _continuation(lines: Sequence[str], start: int, path: Path) -> Iterator[str]:
    """The rest of an item. Text that Markdown would add to it without an indent is refused."""
    for number, line in enumerate(lines[start:], start=start + 1):
        if not line.startswith("  "):
            if line and not line.startswith(("- ", "#", "```")):
                raise MalformedItemError(path, number, "an item goes on with two spaces of indent")
            return
        yield line.strip()


def _requirement(item: _Item, path: Path) -> Requirement:
    parts = _ITEM.fullmatch(item.text)
    if parts is None or parts["id"] is None or _ID.fullmatch(parts["id"]) is None:
        raise MalformedItemError(
            path, item.line, "a requirement begins with an id of the form `area.feature.variant`"
        )
    name = parts["id"]
    if parts["level"] is None:
        raise MissingLevelError(path, item.line, f"`{name}` has no **LEVEL**")
    if parts["profile"] is None:
        raise MissingProfileError(path, item.line, f"`{name}` has no *profile*")
    if parts["text"] is None:
        raise MalformedItemError(path, item.line, f"`{name}` has no sentence after a dash")
    profile, _, verdict = parts["profile"].partition(", ")
    return Requirement(
        id=RequirementId(name),
        level=_member(Level, parts["level"], UnknownLevelError, item.line, path),
        profile=_member(Profile, profile, UnknownProfileError, item.line, path),
        verdict=_member(Verdict, verdict or "exact", UnknownVerdictError, item.line, path),
        section=item.section,
        title=item.title,
        text=parts["text"],
        line=item.line,
    )


_Member = TypeVar("_Member", Level, Profile, Verdict)


def _member(
    kind: type[_Member], value: str, error: type[SpecificationError], line: int, path: Path
) -> _Member:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(member.value for member in kind)
        raise error(
            path, line, f"{value!r} is no {kind.__name__.lower()}; known are {known}"
        ) from None

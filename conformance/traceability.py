"""Which requirements cover which bullet of the original's checklists: `docs/spec-traceability.md`.

Guarantees: every table row of the page is read as one bullet, with at least one requirement id, and
no bullet is listed twice. Whether the ids exist is asked of a catalogue, and whether the numbering
of a section is without a gap is asked of the bullets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.catalogue import Catalogue, RequirementId


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullet:
    """One bullet of the original: `section` "17.5", `position` (16, 2) for `17.5/16.2`."""

    section: str
    position: tuple[int, ...]
    about: str
    ids: tuple[RequirementId, ...]
    line: int

    @property
    def name(self) -> str:
        return f"{self.section}/{'.'.join(map(str, self.position))}"


class TraceabilityError(Exception):
    """The page cannot be read; the message begins with the file and the line."""

    def __init__(self, path: Path, line: int, explanation: str) -> None:
        super().__init__(f"{path}:{line}: {explanation}")
        self.path = path
        self.line = line
        self.explanation = explanation


class MalformedRowError(TraceabilityError):
    """A table row does not have the form bullet, about, ids."""


class UncoveredBulletError(TraceabilityError):
    """A bullet names no requirement."""


class DuplicateBulletError(TraceabilityError):
    """A bullet is listed twice."""


_ROW = re.compile(
    r"\| (?P<section>\d+\.\d+)/(?P<position>\d+(?:\.\d+)?) \| (?P<about>[^|]+) \|(?P<ids>[^|]*)\|"
)
_IDS = re.compile(r"`[^`, ]+`(?:, `[^`, ]+`)*")
_TABLE_HEAD = ("| bullet |", "|---|")


def load_traceability(path: Path) -> tuple[Bullet, ...]:
    """Read the bullets of the page at `path`, in its order."""
    return parse_traceability(path.read_text(encoding="utf-8"), path=path)


def parse_traceability(text: str, *, path: Path) -> tuple[Bullet, ...]:
    """Read the bullets in `text`; `path` only names it in errors."""
    bullets: dict[str, Bullet] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("|") or line.startswith(_TABLE_HEAD):
            continue
        bullet = _bullet(line, number, path)
        earlier = bullets.get(bullet.name)
        if earlier is not None:
            raise DuplicateBulletError(
                path, number, f"{bullet.name} is already listed in line {earlier.line}"
            )
        bullets[bullet.name] = bullet
    return tuple(bullets.values())


def _bullet(line: str, number: int, path: Path) -> Bullet:
    row = _ROW.fullmatch(line)
    if row is None:
        raise MalformedRowError(path, number, "a row has the form | 17.1/3 | about | `id`, `id` |")
    ids = row["ids"].strip()
    if not ids:
        raise UncoveredBulletError(path, number, "the bullet names no requirement")
    if _IDS.fullmatch(ids) is None:
        raise MalformedRowError(path, number, "ids stand in backticks, separated by commas")
    return Bullet(
        section=row["section"],
        position=tuple(int(part) for part in row["position"].split(".")),
        about=row["about"].strip(),
        ids=tuple(RequirementId(part.strip("` ")) for part in ids.split(",")),
        line=number,
    )


def unknown_ids(bullets: Iterable[Bullet], catalogue: Catalogue) -> Iterator[tuple[Bullet, str]]:
    """The ids that no requirement has, each with the bullet that names it."""
    for bullet in bullets:
        for name in bullet.ids:
            if name not in catalogue:
                yield bullet, name


def gaps(bullets: Sequence[Bullet]) -> Iterator[Bullet]:
    """The bullets that do not follow from the one before them in the same section."""
    previous: dict[str, tuple[int, ...]] = {}
    for bullet in bullets:
        before = previous.get(bullet.section, (0,))
        if bullet.position not in _successors(before):
            yield bullet
        previous[bullet.section] = bullet.position


def _successors(position: tuple[int, ...]) -> set[tuple[int, ...]]:
    """What may come next: the next bullet, or the next one below the same bullet."""
    top = position[0]
    below = position[1] if len(position) > 1 else 0
    return {(top + 1,), (top, below + 1)} if top else {(1,)}

"""Every bullet of the original's checklists is covered by requirements that exist."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from conformance.catalogue import Level, load_catalogue
from conformance.traceability import (
    Bullet,
    DuplicateBulletError,
    MalformedRowError,
    TraceabilityError,
    UncoveredBulletError,
    gaps,
    load_traceability,
    parse_traceability,
    unknown_ids,
)

PAGE = Path(__file__).parents[3] / "docs" / "spec-traceability.md"

# Counted in the original at commit 1f3219b: top-level bullets, and bullets below them.
BULLETS = {
    "17.1": (15, 2),
    "17.2": (12, 0),
    "17.3": (12, 0),
    "17.4": (15, 0),
    "17.5": (16, 6),
    "17.6": (6, 0),
    "17.7": (6, 0),
    "17.8": (4, 0),
    "18.1": (18, 0),
}


@pytest.fixture(scope="module")
def bullets() -> tuple[Bullet, ...]:
    return load_traceability(PAGE)


def test_every_section_has_as_many_bullets_as_the_original(bullets: tuple[Bullet, ...]) -> None:
    top = Counter(bullet.section for bullet in bullets if len(bullet.position) == 1)
    below = Counter(bullet.section for bullet in bullets if len(bullet.position) == 2)
    sections = dict.fromkeys(bullet.section for bullet in bullets)
    assert {section: (top[section], below[section]) for section in sections} == BULLETS


def test_the_bullets_are_numbered_without_a_gap(bullets: tuple[Bullet, ...]) -> None:
    assert [bullet.name for bullet in gaps(bullets)] == []


def test_every_id_on_the_page_is_a_requirement(bullets: tuple[Bullet, ...]) -> None:
    unknown = unknown_ids(bullets, load_catalogue())
    assert [f"{bullet.name}: {name}" for bullet, name in unknown] == []


def test_no_bullet_names_an_id_twice(bullets: tuple[Bullet, ...]) -> None:
    assert [bullet.name for bullet in bullets if len(set(bullet.ids)) < len(bullet.ids)] == []


def test_no_bullet_is_covered_by_permissions_alone(bullets: tuple[Bullet, ...]) -> None:
    catalogue = load_catalogue()
    assert [
        bullet.name
        for bullet in bullets
        if all(catalogue.require(name).level is Level.MAY for name in bullet.ids)
    ] == []


def test_what_conformance_needs_is_covered_by_what_is_required(bullets: tuple[Bullet, ...]) -> None:
    catalogue = load_catalogue()
    required = {Level.MUST, Level.DOCUMENT}
    assert [
        bullet.name
        for bullet in bullets
        if bullet.section == "18.1"
        and not any(catalogue.require(name).level in required for name in bullet.ids)
    ] == []


# Reading the page

HEAD = ("| bullet | about | ids |", "|---|---|---|")


def parse(*rows: str) -> tuple[Bullet, ...]:
    return parse_traceability("\n".join((*HEAD, *rows)), path=Path("page.md"))


def test_a_row_becomes_a_bullet_with_its_ids() -> None:
    (bullet,) = parse("| 17.5/16.2 | run by the service | `tool.execute.host_side`, `a.b.c` |")
    assert bullet.name == "17.5/16.2"
    assert (bullet.section, bullet.position, bullet.line) == ("17.5", (16, 2), 3)
    assert bullet.about == "run by the service"
    assert bullet.ids == ("tool.execute.host_side", "a.b.c")


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("| 17.1/1 | which file |  |", UncoveredBulletError),
        ("| 17.1/1 | which file | |", UncoveredBulletError),
        ("| 17.1/1 | which file |", MalformedRowError),
        ("| 17.1 | which file | `a.b.c` |", MalformedRowError),
        ("| 17.1/x | which file | `a.b.c` |", MalformedRowError),
        ("| 17.1/1 | which file | a.b.c |", MalformedRowError),
        ("| 17.1/1 | which file | `a.b.c` `d.e.f` |", MalformedRowError),
        ("| 17.1/1 | which file | `a.b.c`, |", MalformedRowError),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_with_its_line(
    row: str, error: type[TraceabilityError]
) -> None:
    with pytest.raises(error, match=r"^page\.md:3: "):
        parse(row)


def test_a_bullet_that_is_listed_twice_is_refused_with_both_lines() -> None:
    with pytest.raises(DuplicateBulletError, match=r"^page\.md:4: .* line 3$"):
        parse("| 17.1/1 | one | `a.b.c` |", "| 17.1/1 | again | `a.b.c` |")


@pytest.mark.parametrize(
    ("numbers", "out_of_order"),
    [
        (("17.1/1", "17.1/1.1", "17.1/1.2", "17.1/2", "17.2/1"), []),
        (("17.1/2",), ["17.1/2"]),
        (("17.1/1", "17.1/3"), ["17.1/3"]),
        (("17.1/1", "17.1/1.2"), ["17.1/1.2"]),
        (("17.1/1", "17.2/1", "17.1/2"), []),
        (("17.1/1", "17.1/2", "17.1/1.1"), ["17.1/1.1"]),
    ],
)
def test_a_bullet_that_follows_from_none_is_a_gap(
    numbers: tuple[str, ...], out_of_order: list[str]
) -> None:
    bullets = parse(*(f"| {number} | words | `a.b.c` |" for number in numbers))
    assert [bullet.name for bullet in gaps(bullets)] == out_of_order


def test_an_id_that_no_requirement_has_is_reported_with_its_bullet() -> None:
    bullets = parse("| 17.1/1 | words | `retry.backoff.cap`, `retry.backoff.floor` |")
    found = [(bullet.name, name) for bullet, name in unknown_ids(bullets, load_catalogue())]
    assert found == [("17.1/1", "retry.backoff.floor")]

"""The catalogue reads every requirement of SPEC.md, and refuses what it cannot read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from conformance.catalogue import (
    Catalogue,
    DuplicateIdError,
    Level,
    MalformedItemError,
    MissingLevelError,
    MissingProfileError,
    Profile,
    SpecificationError,
    UnknownLevelError,
    UnknownProfileError,
    UnknownRequirementError,
    UnknownVerdictError,
    Verdict,
    load_catalogue,
    parse_catalogue,
    specification_path,
)

FILE = Path("SPEC.md")

AREAS = {
    *("workflow", "config", "reload", "template", "issue", "state", "eligibility", "order"),
    *("slots", "claim", "run", "tick", "startup", "retry", "refill", "reconcile", "stall"),
    *("workspace", "hook", "launch", "session", "turn", "policy", "tool", "usage", "ratelimit"),
    *("tracker", "log", "snapshot", "status", "http", "recovery", "security", "cli", "operator"),
    *("integration", "ssh"),
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def parse(*lines: str) -> Catalogue:
    return parse_catalogue("\n".join(("## 8. Scheduling", "", *lines)), path=FILE)


# The specification itself


def test_the_specification_of_the_checkout_is_found() -> None:
    assert specification_path().name == "SPEC.md"


def test_every_requirement_belongs_to_a_known_area(catalogue: Catalogue) -> None:
    assert {requirement.id.split(".")[0] for requirement in catalogue} == AREAS


def test_every_requirement_is_a_whole_sentence(catalogue: Catalogue) -> None:
    unfinished = [r.id for r in catalogue if not r.text.endswith(".") or "  " in r.text]
    assert unfinished == []


def test_no_two_requirements_say_the_same(catalogue: Catalogue) -> None:
    sentences = Counter(requirement.text for requirement in catalogue)
    assert [text for text, count in sentences.items() if count > 1] == []


def test_no_id_holds_an_ordinal_or_a_section_number(catalogue: Catalogue) -> None:
    ordinals = {"first", "second", "third", "fourth"}
    assert [
        requirement.id
        for requirement in catalogue
        if any(letter.isdigit() for letter in requirement.id)
        or ordinals & set(requirement.id.replace(".", "_").split("_"))
    ] == []


def test_nothing_that_is_only_recorded_is_required(catalogue: Catalogue) -> None:
    assert [
        requirement.id
        for requirement in catalogue
        if requirement.verdict is Verdict.INFO and requirement.level is Level.MUST
    ] == []


def test_each_profile_stands_where_the_specification_defines_it(catalogue: Catalogue) -> None:
    for requirement in catalogue:
        if requirement.profile is Profile.SSH:
            assert requirement.section.startswith("A")
        if requirement.id.startswith("http."):
            assert requirement.profile is Profile.HTTP
            assert requirement.section.startswith("13.7")


def test_the_areas_that_everybody_needs_are_required_of_everybody(catalogue: Catalogue) -> None:
    core = {
        requirement.id.split(".")[0]
        for requirement in catalogue
        if requirement.profile is Profile.CORE and requirement.level is Level.MUST
    }
    optional = {"http", "tool", "ssh", "integration", "snapshot", "refill", "operator"}
    assert core == AREAS - optional


# Reading an item


def test_an_item_becomes_a_requirement_with_section_and_line() -> None:
    (requirement,) = parse("- `slots.global.limit` **MUST** *core* — No more run at once.")
    assert requirement.id == "slots.global.limit"
    assert requirement.level is Level.MUST
    assert requirement.profile is Profile.CORE
    assert requirement.verdict is Verdict.EXACT
    assert (requirement.section, requirement.title, requirement.line) == ("8", "Scheduling", 3)
    assert requirement.text == "No more run at once."


def test_a_sentence_that_goes_on_over_several_lines_is_one_sentence() -> None:
    (requirement,) = parse(
        "- `slots.global.limit` **MUST** *core* — No more than the",
        "  limit run at",
        "  once.",
        "",
        "Prose.",
    )
    assert requirement.text == "No more than the limit run at once."


def test_an_item_may_be_wrapped_before_its_sentence() -> None:
    (requirement,) = parse("- `slots.global.limit` **MUST** *core,", "  lenient* — Either holds.")
    assert requirement.verdict is Verdict.LENIENT
    assert requirement.text == "Either holds."


@pytest.mark.parametrize(
    ("heading", "section", "title"),
    [
        ("## 4. Domain model", "4", "Domain model"),
        ("### 4.1 Entities", "4.1", "Entities"),
        ("#### 4.1.1 Issue", "4.1.1", "Issue"),
        ("## Appendix A. Workers over SSH", "A", "Workers over SSH"),
        ("### A.1 Execution", "A.1", "Execution"),
    ],
)
def test_a_requirement_knows_the_section_that_it_stands_in(
    heading: str, section: str, title: str
) -> None:
    (requirement,) = parse(heading, "- `slots.global.limit` **MUST** *core* — It holds.")
    assert (requirement.section, requirement.title) == (section, title)


def test_a_code_block_holds_no_requirements() -> None:
    assert len(parse("```text", "- `area.feature.variant` **LEVEL** *profile* — Form.", "```")) == 0


def test_a_list_in_an_unnumbered_section_is_prose() -> None:
    assert len(parse("## A reader's guide", "- anything at all")) == 0


# Refusing an item


def test_a_duplicate_id_is_refused_with_both_lines() -> None:
    with pytest.raises(DuplicateIdError, match=r"^SPEC\.md:4: .*already defined in line 3$") as bad:
        parse(
            "- `slots.global.limit` **MUST** *core* — It holds.",
            "- `slots.global.limit` **MAY** *core* — It may hold.",
        )
    assert (bad.value.path, bad.value.line) == (FILE, 4)


@pytest.mark.parametrize(
    ("item", "error"),
    [
        ("- `slots.global.limit` *core* — It holds.", MissingLevelError),
        ("- `slots.global.limit` **MUST** — It holds.", MissingProfileError),
        ("- `slots.global.limit` **SHALL** *core* — It holds.", UnknownLevelError),
        ("- `slots.global.limit` **must** *core* — It holds.", UnknownLevelError),
        ("- `slots.global.limit` **MUST** *all* — It holds.", UnknownProfileError),
        ("- `slots.global.limit` **MUST** *core, maybe* — It holds.", UnknownVerdictError),
        ("- `slots.global.limit` **MUST** *core*", MalformedItemError),
        ("- `slots.global.limit` **MUST** *core* - It holds.", MalformedItemError),
        ("- `slots.global.limit` **MUST** *core* — ", MalformedItemError),
        ("- slots.global.limit **MUST** *core* — It holds.", MalformedItemError),
        ("- a list item without an id", MalformedItemError),
        ("- `slots.limit` **MUST** *core* — It holds.", MalformedItemError),
        ("- `slots.global.limit.more` **MUST** *core* — It holds.", MalformedItemError),
        ("- `Slots.global.limit` **MUST** *core* — It holds.", MalformedItemError),
        ("- `slots.global-limit.more` **MUST** *core* — It holds.", MalformedItemError),
        ("- `slots.8.limit` **MUST** *core* — It holds.", MalformedItemError),
        ("- `slots..limit` **MUST** *core* — It holds.", MalformedItemError),
    ],
)
def test_an_item_that_lacks_something_is_refused_with_its_line(
    item: str, error: type[SpecificationError]
) -> None:
    with pytest.raises(error, match=r"^SPEC\.md:3: ") as refused:
        parse(item)
    assert refused.value.line == 3


def test_an_unknown_level_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownLevelError, match="'SHALL' is no level; known are MUST, SHOULD"):
        parse("- `slots.global.limit` **SHALL** *core* — It holds.")


def test_a_sentence_that_goes_on_without_an_indent_is_refused() -> None:
    with pytest.raises(MalformedItemError, match=r"^SPEC\.md:4: .*two spaces"):
        parse("- `slots.global.limit` **MUST** *core* — No more than", "the limit.")


def test_a_requirement_outside_a_numbered_section_is_refused() -> None:
    with pytest.raises(MalformedItemError, match="outside a numbered section"):
        parse("## Preface", "- `slots.global.limit` **MUST** *core* — It holds.")


# Asking the catalogue

SMALL = (
    "- `retry.backoff.failure` **MUST** *core* — It doubles.",
    "- `retry.backoff.cap` **MUST** *core* — It ends.",
    "- `retry.slots.requeue` **MUST** *core* — It waits.",
    "- `http.retry.shown` **SHOULD** *http* — It shows.",
)


@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        ("retry.backoff.cap", ["retry.backoff.cap"]),
        ("retry.backoff", ["retry.backoff.failure", "retry.backoff.cap"]),
        ("retry", ["retry.backoff.failure", "retry.backoff.cap", "retry.slots.requeue"]),
        ("*.cap", ["retry.backoff.cap"]),
        ("*.retry.*", ["http.retry.shown"]),
        ("ret", []),
    ],
)
def test_a_pattern_is_an_id_its_beginning_or_has_wildcards(pattern: str, ids: list[str]) -> None:
    assert [requirement.id for requirement in parse(*SMALL).matching(pattern)] == ids


def test_an_unknown_id_is_answered_with_the_closest_ones() -> None:
    with pytest.raises(UnknownRequirementError) as unknown:
        parse(*SMALL).require("retry.backof.failure")
    assert unknown.value.similar[0] == "retry.backoff.failure"


def test_a_known_id_is_in_the_catalogue() -> None:
    small = parse(*SMALL)
    assert "retry.backoff.cap" in small
    assert "retry.backoff.floor" not in small
    assert small.require("retry.backoff.cap").text == "It ends."

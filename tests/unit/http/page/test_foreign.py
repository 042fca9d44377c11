"""Texts of others on the page."""

from __future__ import annotations

import pytest

from symphony.http.page.foreign import (
    MAX_LINE_CHARACTERS,
    MAX_LINES,
    MAX_LINK_CHARACTERS,
    Foreign,
    issue_address,
)
from symphony.observability.redaction import MASK, Redactor
from tests.support.page_malice import HOSTILE_LINKS

SECRET = "s3cret-of-the-tracker"
FOREIGN = Foreign(Redactor([SECRET]).redact)


@pytest.mark.parametrize("url", HOSTILE_LINKS)
def test_an_address_that_is_no_plain_web_address_is_not_linked(url: str) -> None:
    assert FOREIGN.link(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://tracker.example/issue/MT-1",
        "http://127.0.0.1:8080/a?b=c&d=%20#e",
        "HTTPS://tracker.example/1",
    ],
)
def test_a_web_address_is_linked_as_it_is(url: str) -> None:
    assert FOREIGN.link(url) == url


def test_no_address_and_an_endless_one_are_not_linked() -> None:
    assert FOREIGN.link(None) is None
    assert FOREIGN.link("https://tracker.example/" + "a" * MAX_LINK_CHARACTERS) is None


@pytest.mark.proves("security.secret.http")
def test_an_address_with_a_credential_is_not_linked() -> None:
    assert FOREIGN.link(f"https://tracker.example/?key={SECRET}") is None


@pytest.mark.proves("security.secret.http")
def test_a_credential_is_masked_also_where_the_cut_would_split_it() -> None:
    text = "x" * (MAX_LINE_CHARACTERS - 5) + SECRET
    assert SECRET[:5] not in FOREIGN.line(text)
    assert MASK in FOREIGN.line(f"the key is {SECRET}")


def test_a_line_has_no_control_characters_and_turns_no_writing_around() -> None:
    assert FOREIGN.line("a\x00b\x1b[31mc\u202ed\ud800e\n f") == "a bc d e f"


def test_a_question_keeps_its_lines_up_to_a_limit() -> None:
    assert FOREIGN.lines("one\r\n\r\n two \n") == ("one", "two")
    assert len(FOREIGN.lines("line\n" * 1_000)) == MAX_LINES


@pytest.mark.parametrize(
    ("identifier", "address"),
    [
        ("MT-1", "/issues/MT-1"),
        ("owner/name#1", "/issues/owner%2Fname%231"),
        ("../../api/v1/state", "/issues/..%2F..%2Fapi%2Fv1%2Fstate"),
        ("a?b=%41", "/issues/a%3Fb%3D%2541"),
        ("\ud800", "/issues/%3F"),
    ],
)
def test_an_identifier_stays_one_step_of_an_address(identifier: str, address: str) -> None:
    assert issue_address(identifier) == address

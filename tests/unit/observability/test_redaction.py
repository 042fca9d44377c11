"""Secrets are found in the forms in which they travel, and by their shape."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symphony.observability.redaction import (
    MASK,
    MAX_REMEMBERED_SECRETS,
    MIN_SECRET_CHARACTERS,
    Redactor,
)

AWKWARD = 'p@ss"w/ö\\rd &1'
# Put together here, so that no scanner of this repository takes the test for a leak.
FILLER = "A1b2C3d4E5f6G7h8"


@pytest.mark.proves("security.secret.logs")
@pytest.mark.parametrize(
    "form",
    [
        AWKWARD,
        json.dumps(AWKWARD)[1:-1],
        json.dumps(AWKWARD, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(AWKWARD)[1:-1])[1:-1],
        json.dumps(AWKWARD)[1:-1].replace("/", "\\/"),
        quote(AWKWARD),
        quote(AWKWARD, safe=""),
        re.sub("%..", lambda code: code[0].lower(), quote(AWKWARD, safe="")),
        quote_plus(AWKWARD),
    ],
)
def test_a_secret_is_masked_in_every_spelling_that_json_and_addresses_give_it(form: str) -> None:
    masked = Redactor([AWKWARD]).redact(f"before {form} after")

    assert MASK in masked
    assert "ss" not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


def test_every_occurrence_is_masked() -> None:
    assert Redactor(["hunter2"]).redact("hunter2,hunter2") == f"{MASK},{MASK}"


def test_a_secret_that_contains_another_one_is_masked_as_a_whole() -> None:
    assert Redactor(["abcd", "abcd-efgh"]).redact("x abcd-efgh y") == f"x {MASK} y"


def test_values_too_short_to_be_secret_are_left_alone() -> None:
    short = "1" * (MIN_SECRET_CHARACTERS - 1)

    assert Redactor([short, "", "  a  "]).redact("111 a 1111") == "111 a 1111"


def test_white_space_around_a_configured_secret_does_not_hide_it() -> None:
    assert Redactor(["hunter2\n"]).redact("key=hunter2;") == f"key={MASK};"


def test_each_long_line_of_a_secret_with_several_lines_is_masked() -> None:
    key = f"-begin-\n{FILLER}{FILLER}\nword\n{FILLER}zzzz\n-end-"

    masked = Redactor([key]).redact(f"{FILLER}{FILLER} | word | {FILLER}zzzz")

    assert masked == f"{MASK} | word | {MASK}"


def test_a_replaced_secret_stays_masked_because_running_sessions_still_use_it() -> None:
    redactor = Redactor(["old-secret"])

    redactor.update(["new-secret"])

    assert redactor.redact("old-secret new-secret") == f"{MASK} {MASK}"


def test_the_number_of_remembered_secrets_is_bounded_and_the_oldest_are_forgotten() -> None:
    redactor = Redactor(f"secret-{number:04d}" for number in range(MAX_REMEMBERED_SECRETS + 1))

    assert redactor.redact("secret-0000 secret-0001") == f"secret-0000 {MASK}"


@pytest.mark.proves("security.secret.logs")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"ghp_{FILLER}", MASK),
        (f"'github_pat_{FILLER}_{FILLER}'", f"'{MASK}'"),
        (f"\\nghs_{FILLER}", f"\\n{MASK}"),
        (f"lin_api_{FILLER}", MASK),
        (f"key: sk-proj-{FILLER}.", f"key: {MASK}."),
        (f"Authorization: Bearer {FILLER}", f"Authorization: Bearer {MASK}"),
        (f"authorization: bearer  {FILLER}", f"authorization: bearer  {MASK}"),
        (f"Basic {FILLER}==", f"Basic {MASK}"),
        (f"eyJ{FILLER}.eyJ{FILLER}.{FILLER}", MASK),
        ("https://user:pa55word@example.test/x", f"https://{MASK}@example.test/x"),
        (f"AKIA{FILLER}", MASK),
        (f"-----BEGIN RSA PRIVATE KEY-----\n{FILLER}\n", f"-----BEGIN RSA PRIVATE KEY-----{MASK}"),
    ],
)
def test_what_is_shaped_like_a_credential_is_masked_although_nobody_declared_it(
    text: str, expected: str
) -> None:
    assert Redactor().redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "risk-assessment-of-the-whole-project",
        "laughs_aaaaaaaaaaaaaaaaaaaaaaaa",
        "a bearer of good news",
        "basic authentication",
        "http://127.0.0.1:4000/v1@next",
        "task-0123456789abcdef0123",
    ],
)
def test_plain_words_are_not_mistaken_for_credentials(text: str) -> None:
    assert Redactor().redact(text) == text


@pytest.mark.parametrize(
    "repeated", ["eyJ", "sk-", "://a:", "-----BEGIN PRIVATE KEY-----", "bearer ", "ghp_", "eyJa."]
)
def test_hostile_text_does_not_make_masking_slow(repeated: str) -> None:
    text = repeated * (200_000 // len(repeated))

    # Quadratic work on a line of this length would take minutes; the test would time out.
    assert len(Redactor().redact(text)) > 0


@settings(deadline=None)
@given(
    before=st.text(alphabet="0123456789 ", max_size=40),
    secret=st.text(alphabet="abcé", min_size=MIN_SECRET_CHARACTERS, max_size=20),
    after=st.text(alphabet="0123456789 ", max_size=40),
    limit=st.integers(min_value=0, max_value=100),
)
def test_a_cut_leaves_a_secret_out_as_a_whole(
    before: str, secret: str, after: str, limit: int
) -> None:
    kept = Redactor([secret]).cut(f"{before}{secret}{after}", limit)

    if limit < len(before) + len(secret):
        assert kept == before[:limit]
    else:
        assert kept == f"{before}{MASK}{after[: limit - len(before) - len(secret)]}"


def test_a_credential_by_shape_that_lies_across_a_cut_is_left_out_as_a_whole() -> None:
    text = f"token ghp_{FILLER}{FILLER} end"

    assert Redactor().cut(text, 20) == "token "


def test_text_within_the_limit_is_only_masked() -> None:
    assert Redactor(["hunter2"]).cut("hunter2", 100) == MASK


def test_text_that_is_made_of_secrets_is_dropped_instead_of_costing_time() -> None:
    assert Redactor(["aaaaaaaa"]).cut("a" * 100_000, 60_000) == ""

"""The page on security answers what the specification asks to be documented about it."""

from __future__ import annotations

import re
from pathlib import Path

from conformance.catalogue import Level, load_catalogue

PAGE = Path(__file__).parents[3] / "docs" / "security.md"
ANSWERED = set(re.findall(r"^\| `([a-z_.]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE))
ASKED = {str(each.id) for each in load_catalogue() if each.level is Level.DOCUMENT}


def test_every_statement_that_the_page_claims_to_make_is_asked_for() -> None:
    assert ASKED >= ANSWERED


def test_every_statement_on_security_and_policy_is_made() -> None:
    asked = {each for each in ASKED if each.startswith(("security.", "policy."))}

    assert asked <= ANSWERED

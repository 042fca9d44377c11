"""The name of a workspace directory."""

from __future__ import annotations

import re
import string
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony.workspaces.key import LONGEST_KEY, identifier_of, workspace_key

ALLOWED = string.ascii_letters + string.digits + "._-"
ANY_TEXT = st.text(st.characters(codec=None))
PLAIN = st.text(ALLOWED, min_size=1, max_size=LONGEST_KEY).filter(lambda text: text not in "..")


@pytest.mark.proves("workspace.key.unchanged")
@given(PLAIN)
def test_an_identifier_of_allowed_characters_is_the_key_itself(identifier: str) -> None:
    assert workspace_key(identifier) == identifier


@given(PLAIN | ANY_TEXT)
def test_a_key_names_the_identifier_that_it_was_made_of_or_none(identifier: str) -> None:
    key = workspace_key(identifier)
    assert identifier_of(key) == (identifier if key == identifier else None)


def test_an_identifier_that_ends_like_a_changed_one_is_not_told_from_it() -> None:
    assert identifier_of(workspace_key("A-0123456789abcdef0123")) is None


@given(ANY_TEXT)
def test_every_identifier_gives_a_usable_name(identifier: str) -> None:
    key = workspace_key(identifier)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,255}", key, re.ASCII)
    assert key not in {".", ".."}


@pytest.mark.proves("workspace.key.distinct")
@given(ANY_TEXT, ANY_TEXT)
def test_different_identifiers_get_different_keys(one: str, other: str) -> None:
    assert (workspace_key(one) == workspace_key(other)) == (one == other)


@given(st.lists(st.text("MT1/:_ é", min_size=1, max_size=6), unique=True, max_size=40))
def test_identifiers_that_look_alike_after_sanitising_stay_apart(identifiers: list[str]) -> None:
    assert len({workspace_key(identifier) for identifier in identifiers}) == len(identifiers)


@pytest.mark.proves("workspace.key.sanitised", "workspace.key.distinct")
def test_characters_that_are_not_allowed_become_underscores_before_a_suffix() -> None:
    keys = {name: workspace_key(name) for name in ("MT/1", "MT:1", "MT 1", "MT_1")}
    assert keys.pop("MT_1") == "MT_1"
    for key in keys.values():
        # 20 hex digits are 80 bits.
        assert re.fullmatch(r"MT_1-[0-9a-f]{20}", key)
    assert len(set(keys.values())) == 3


@pytest.mark.proves("workspace.contain.dots")
@pytest.mark.parametrize("identifier", [".", "..", "", "/", "../..", "\0", "a/../../b"])
def test_names_with_a_meaning_for_the_file_system_lose_it(identifier: str) -> None:
    key = workspace_key(identifier)
    assert "/" not in key
    assert "\0" not in key
    assert re.fullmatch(r".*-[0-9a-f]{20}", key)


def test_a_very_long_identifier_is_cut_and_stays_distinct() -> None:
    assert len(workspace_key("x" * LONGEST_KEY)) == LONGEST_KEY
    one, other = workspace_key("x" * 300), workspace_key("x" * 301)
    assert one != other
    assert max(len(one), len(other)) <= LONGEST_KEY
    assert len(workspace_key("é" * 5000)) <= LONGEST_KEY


def test_letters_outside_of_ascii_are_not_allowed() -> None:
    assert workspace_key("\uff21\uff11").startswith("__-")
    # Equal to the eye, but not to the tracker.
    assert workspace_key("\u00e9") != workspace_key("e\u0301")


@pytest.mark.proves("workspace.key.stable")
def test_another_process_finds_the_same_key() -> None:
    identifier = "Größe/1"
    program = "import sys; from symphony.workspaces.key import workspace_key\n"
    program += "print(workspace_key(sys.argv[1]))"
    result = subprocess.run(
        (sys.executable, "-X", "utf8", "-c", program, identifier),
        cwd=Path(__file__).parents[3],
        capture_output=True,
        check=True,
        env={"PYTHONHASHSEED": "7"},
    )
    assert result.stdout.decode().strip() == workspace_key(identifier)

"""`$NAME`, `~` and relative paths."""

from __future__ import annotations

import pytest

from symphony.documents.references import (
    PathReferenceError,
    referenced_name,
    referenced_names,
    resolve_path,
    resolve_reference,
    resolve_secret,
    unresolved_reference,
)

ENVIRONMENT = {
    "HOME": "/home/ada",
    "KEY": "secret",
    "EMPTY": "",
    "BLANK": "  ",
    "ROOT": "/srv/work",
}


def path_of(written: str) -> str | None:
    return resolve_path(written, environment=ENVIRONMENT, directory="/repo")


@pytest.mark.proves("config.variable.whole_value")
@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("$KEY", "secret"),
        (" $KEY ", "secret"),
        ("plain", "plain"),
        ("pre$KEY", "pre$KEY"),
        ("$KEY/more", "$KEY/more"),
        ("${KEY}", "${KEY}"),
        ("$1", "$1"),
        ("$", "$"),
    ],
)
def test_a_reference_counts_only_as_the_whole_value(written: str, value: str) -> None:
    assert resolve_reference(written, ENVIRONMENT) == value


@pytest.mark.proves("config.secret.empty")
@pytest.mark.parametrize("written", ["$MISSING", "$EMPTY", "$BLANK", "", "  ", None, 5, ["$KEY"]])
def test_an_unset_or_empty_secret_is_missing(written: str | int | list[str] | None) -> None:
    assert resolve_secret(written, ENVIRONMENT) is None


def test_names_are_found_however_deep_they_stand() -> None:
    provider = {"token": "$A", "nested": [{"x": "$B"}, "$C", "no $D", 5], "plain": "text"}
    assert referenced_names(provider) == {"A", "B", "C"}
    assert referenced_name("$A") == "A"
    assert referenced_name(" $A") is None


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("work", "/repo/work"),
        ("../work/./x", "/work/x"),
        ("/abs/x/", "/abs/x"),
        ("~", "/home/ada"),
        ("~/work", "/home/ada/work"),
        ("$ROOT", "/srv/work"),
        ("$MISSING", None),
        ("$EMPTY", None),
        ("", None),
        ("a~b", "/repo/a~b"),
        ("x/$ROOT", "/repo/x/$ROOT"),
    ],
)
def test_paths_become_absolute(written: str, path: str | None) -> None:
    assert path_of(written) == path


@pytest.mark.parametrize("written", ["~ada/work", "~+", "a\0b"])
def test_a_path_that_cannot_be_meant_is_refused(written: str) -> None:
    with pytest.raises(PathReferenceError):
        path_of(written)


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("$ROOT", None),
        ("/a/$ROOT/b", "$ROOT"),
        ("${ROOT}", "${ROOT}"),
        ("/a/b", None),
        ("a$", None),
    ],
)
def test_a_reference_that_stays_can_be_pointed_out(written: str, left: str | None) -> None:
    assert unresolved_reference(written) == left

"""`$NAME` and `~` in settings: which values they stand for (`config.variable.whole_value`).

Pure functions of the value and the environment that is passed in. A `$NAME` counts only where it is
the whole value; within longer text it stays as it is. URIs and commands must not be passed through
here.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator, Mapping
from typing import Final

from symphony.domain.json import JsonValue, as_array, as_object, as_text

_REFERENCE: Final = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_LEFT_IN_PATH: Final = re.compile(r"\$(?:[A-Za-z_][A-Za-z0-9_]*|\{[^}/]*\})")


class PathReferenceError(ValueError):
    """The path cannot be resolved; the text says why, without naming the key."""


def referenced_name(value: JsonValue) -> str | None:
    """`NAME` where the value is exactly the text `$NAME`, else None."""
    text = as_text(value)
    match = _REFERENCE.fullmatch(text) if text is not None else None
    return match.group(1) if match is not None else None


def referenced_names(value: JsonValue) -> frozenset[str]:
    """Every name that the value refers to, however deep inside maps and lists."""
    return frozenset(_names(value))


def _names(value: JsonValue) -> Iterator[str]:
    if (name := referenced_name(value)) is not None:
        yield name
    elif (members := as_object(value)) is not None:
        for member in members.values():
            yield from _names(member)
    elif (items := as_array(value)) is not None:
        for item in items:
            yield from _names(item)


def resolve_reference(value: str, environment: Mapping[str, str]) -> str | None:
    """What the text stands for: the variable for `$NAME`, else the text itself. Whitespace around
    it is not part of it. None where nothing is left: unset, empty or blank."""
    text = value.strip()
    name = referenced_name(text)
    resolved = text if name is None else environment.get(name, "").strip()
    return resolved or None


def resolve_secret(value: JsonValue, environment: Mapping[str, str]) -> str | None:
    """`resolve_reference` for a secret: None means that it is missing."""
    text = as_text(value)
    return None if text is None else resolve_reference(text, environment)


def resolve_path(value: str, *, environment: Mapping[str, str], directory: str) -> str | None:
    """The absolute, normalised path that a setting names, or None where it names none.

    `directory` is absolute; relative paths count from it. Symbolic links are not followed. Raises
    `PathReferenceError`.
    """
    text = resolve_reference(value, environment)
    if text is None:
        return None
    if "\0" in text:
        raise PathReferenceError("a path cannot contain the character U+0000")
    return os.path.normpath(os.path.join(directory, _with_home(text, environment)))


def unresolved_reference(value: str) -> str | None:
    """A `$NAME` or `${NAME}` within longer text, which the writer may expect to be replaced."""
    text = value.strip()
    match = None if referenced_name(text) is not None else _LEFT_IN_PATH.search(text)
    return match.group() if match is not None else None


def _with_home(text: str, environment: Mapping[str, str]) -> str:
    if not text.startswith("~"):
        return text
    first, _, rest = text.partition("/")
    if first != "~":
        raise PathReferenceError(f"`{first}` is not replaced; only `~` alone stands for a home")
    home = environment.get("HOME") or os.path.expanduser("~")
    return os.path.join(home, rest)

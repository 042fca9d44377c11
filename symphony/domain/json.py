"""JSON as Python sees it, with the narrowing helpers that strict typing asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

JsonValue: TypeAlias = (
    "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)
JsonObject: TypeAlias = "Mapping[str, JsonValue]"


def parse_json(text: str | bytes) -> JsonValue:
    """What this JSON says; None where it is none, or is nested too deeply to be read."""
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def as_object(value: object) -> JsonObject | None:
    """The value as a JSON object, or None where it is something else."""
    return cast("JsonObject", value) if isinstance(value, dict) else None


def as_array(value: object) -> Sequence[JsonValue] | None:
    """The value as a JSON array, or None where it is something else."""
    return cast("Sequence[JsonValue]", value) if isinstance(value, list) else None


def as_text(value: object) -> str | None:
    """The value as a string, or None where it is something else."""
    return value if isinstance(value, str) else None


def as_whole_number(value: object) -> int | None:
    """The value as an integer, or None; a boolean is not a number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None

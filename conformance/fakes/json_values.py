"""JSON as Python sees it, with the narrowing that strict typing asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

JsonValue: TypeAlias = (
    "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)
JsonObject: TypeAlias = "Mapping[str, JsonValue]"


def read_json(text: str | bytes) -> JsonValue:
    """What somebody else wrote. Raises `ValueError` where it is no JSON, or nested so deeply that
    nobody means it."""
    try:
        return cast("JsonValue", json.loads(text))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def as_object(value: object) -> JsonObject:
    """The value as a JSON object; an empty one where it is something else."""
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def as_array(value: object) -> Sequence[JsonValue]:
    """The value as a JSON array; an empty one where it is something else."""
    return cast("Sequence[JsonValue]", value) if isinstance(value, (list, tuple)) else ()


def as_text(value: object) -> str | None:
    """The value as a string, or None where it is something else."""
    return value if isinstance(value, str) else None


def texts(value: object) -> list[str]:
    """The strings in a JSON array."""
    return [each for each in as_array(value) if isinstance(each, str)]

"""The latest rate limits of the coding agent. A sparse update clears nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symphony.domain.json import JsonObject, JsonValue

# A report that is wider than this is not a rate limit; what goes beyond is left out.
MAX_KEYS = 200
# Known reports nest three deep. What lies deeper is replaced as a whole, not merged.
MAX_DEPTH = 5
# A handful of limits has a handful of figures each. More than this are not kept over an update.
MAX_VALUES = 500


def merge(known: JsonObject | None, update: JsonObject) -> JsonObject:
    """What `overlay` makes; null in the update keeps what is known (`ratelimit.sparse.kept`).

    Where both together hold more than `MAX_VALUES`, only the update is kept: reports that differ
    each time must not make the state grow.
    """
    merged = overlay(known or {}, update)
    return merged if _values(merged) <= MAX_VALUES else update


def overlay(known: JsonObject, update: JsonObject, depth: int = 1) -> JsonObject:
    """`update` over `known`, at most so wide and so deep; sessions merge each of their limits."""
    merged: dict[str, JsonValue] = dict(known)
    for key, value in update.items():
        if key not in merged and len(merged) >= MAX_KEYS:
            continue
        before = merged.get(key)
        if value is None:
            merged.setdefault(key, None)
        elif isinstance(value, Mapping) and isinstance(before, Mapping) and depth < MAX_DEPTH:
            merged[key] = overlay(before, value, depth + 1)
        else:
            merged[key] = value
    return merged


def _values(limits: JsonValue) -> int:
    """How many figures there are, at whatever depth."""
    count, rest = 0, [limits]
    while rest:
        value = rest.pop()
        if isinstance(value, Mapping):
            rest += value.values()
        elif isinstance(value, Sequence) and not isinstance(value, str):
            rest += value
        else:
            count += 1
    return count

"""The latest rate limits of the coding agent. A sparse update clears nothing."""

from __future__ import annotations

from collections.abc import Mapping

from symphony.domain.json import JsonObject, JsonValue

# A report that is wider than this is not a rate limit; what goes beyond is left out.
MAX_KEYS = 200
# Known reports nest three deep. What lies deeper is replaced as a whole, not merged.
MAX_DEPTH = 5


def merge(known: JsonObject | None, update: JsonObject, depth: int = 1) -> JsonObject:
    """`update` over `known`; null in the update keeps what is known (`ratelimit.sparse.kept`)."""
    merged: dict[str, JsonValue] = dict(known or {})
    for key, value in update.items():
        if key not in merged and len(merged) >= MAX_KEYS:
            continue
        before = merged.get(key)
        if value is None:
            merged.setdefault(key, None)
        elif isinstance(value, Mapping) and isinstance(before, Mapping) and depth < MAX_DEPTH:
            merged[key] = merge(before, value, depth + 1)
        else:
            merged[key] = value
    return merged

"""A tool's result as the text that goes to the model, bounded (`tool.result.bounded`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

from symphony.domain.json import JsonValue
from symphony.domain.tools import ToolResult


def render_tool_result(result: ToolResult, *, max_bytes: int) -> str:
    """Text as it is, anything else as JSON; what was cut off is said at the end."""
    content = result.content
    text = content if isinstance(content, str) else _as_json(content)
    encoded = text.encode(errors="replace")
    if len(encoded) <= max_bytes:
        return text
    kept = encoded[:max_bytes].decode(errors="ignore")
    return f"{kept}\n[The result was cut: {max_bytes} of {len(encoded)} bytes are shown.]"


def _as_json(content: JsonValue) -> str:
    return json.dumps(content, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    """Read-only mappings and sequences, which the JSON module does not know."""
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, JsonValue]", value))
    if isinstance(value, Sequence):
        return list(cast("Sequence[JsonValue]", value))
    raise TypeError(f"a tool gave {type(value).__name__}, which is not JSON")

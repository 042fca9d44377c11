"""Tools that the agent calls and the daemon executes, as values.

Names, schemas and results belong to the tracker adapter; nothing here knows a provider.
"""

from __future__ import annotations

from dataclasses import dataclass

from symphony.domain.issue import Issue
from symphony.domain.json import JsonObject, JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as it is advertised to the agent. `name` matches `[A-Za-z0-9_-]{1,128}`."""

    name: str
    description: str
    input_schema: JsonObject
    changes_tracker: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool call gave. `content` is JSON-safe and holds no secret."""

    success: bool
    content: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """What a tool may know about the session that calls it; never a credential."""

    issue: Issue

"""Notifications in plain words, for people only: nothing is decided on what stands here.

Event names are those of the specification (10.4). A notice that the agent tries its own connection
again is no progress: counted as such, a provider that is away would look busy for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from symphony.agents.messages import read_error_notice
from symphony.agents.text import one_line
from symphony.domain.json import JsonObject, as_array, as_object, as_text, as_whole_number
from symphony.domain.run import AgentActivity

MAX_MESSAGE_CHARACTERS: Final = 200
"""One row of a status table."""

_Describe: TypeAlias = Callable[[JsonObject], str]


def describe(method: str, params: JsonObject) -> AgentActivity | None:
    """One line about one notification; None for what is no news to anybody. Unknown methods are
    `other_message`."""
    if method in _HOUSEKEEPING:
        return None
    if method == "error":
        return _describe_error(params)
    words = _WORDS.get(method)
    if words is not None:
        text = words if isinstance(words, str) else words(params)
        return AgentActivity(event="notification", message=_line(text))
    return AgentActivity(event="other_message", message=_line(method))


def is_stream(method: str) -> bool:
    """Whether notifications of this name come in floods, so that one of many will do."""
    return method.endswith(("Delta", "/delta"))


def _describe_error(params: JsonObject) -> AgentActivity:
    will_retry = params.get("willRetry") is True
    text = read_error_notice(params)
    return AgentActivity(
        event="notification",
        message=_line(f"retrying: {text}" if will_retry else f"error: {text}"),
        is_progress=not will_retry,
    )


def _line(text: str) -> str:
    return one_line(text, MAX_MESSAGE_CHARACTERS)


def _item_started(params: JsonObject) -> str:
    kind, subject = _item(params)
    return f"{_ITEM_STARTS.get(kind, f'began {kind}')}{subject}"


def _item_completed(params: JsonObject) -> str:
    kind, subject = _item(params)
    item = as_object(params.get("item")) or {}
    status = as_text(item.get("status"))
    code = as_whole_number(item.get("exitCode"))
    ending = f" (exit {code})" if code else f" ({status})" if status in _BAD_STATUSES else ""
    return f"{_ITEM_ENDS.get(kind, f'finished {kind}')}{subject}{ending}"


_BAD_STATUSES: Final = frozenset({"failed", "declined"})
_ITEM_STARTS: Final = {
    "userMessage": "received the prompt",
    "agentMessage": "is writing a message",
    "reasoning": "is thinking",
    "commandExecution": "runs",
    "dynamicToolCall": "calls",
    "mcpToolCall": "calls",
    "fileChange": "changes files",
    "webSearch": "searches the web",
    "subAgentActivity": "works with a sub-agent",
}
_ITEM_ENDS: Final = {
    "userMessage": "received the prompt",
    "agentMessage": "said",
    "reasoning": "thought",
    "commandExecution": "ran",
    "dynamicToolCall": "called",
    "mcpToolCall": "called",
    "fileChange": "changed files",
    "webSearch": "searched the web",
    "subAgentActivity": "worked with a sub-agent",
}


def _item(params: JsonObject) -> tuple[str, str]:
    """The type of an item, and what it is about with a leading separator."""
    item = as_object(params.get("item")) or {}
    kind = as_text(item.get("type")) or "something"
    if kind == "userMessage":
        return kind, ""
    subject = next((text for name in _SUBJECTS if (text := as_text(item.get(name)))), "")
    if not subject:
        subject = ", ".join(_changed_paths(item))
    return kind, f": {subject}" if subject else ""


_SUBJECTS: Final = ("command", "tool", "text", "query", "agentPath")


def _changed_paths(item: JsonObject) -> list[str]:
    changes = [as_object(change) or {} for change in as_array(item.get("changes")) or ()]
    return [path for change in changes if (path := as_text(change.get("path")))]


def _told(prefix: str, *names: str) -> _Describe:
    def words(params: JsonObject) -> str:
        text = next((value for name in names if (value := as_text(params.get(name)))), "")
        return f"{prefix}: {text}" if text else prefix

    return words


def _mcp_startup(params: JsonObject) -> str:
    name, status = as_text(params.get("name")) or "?", as_text(params.get("status")) or "?"
    error = as_text(params.get("error"))
    return f"MCP server {name}: {status}{f' ({error})' if error else ''}"


_WORDS: Final[dict[str, str | _Describe]] = {
    "thread/started": "thread started",
    "thread/name/updated": _told("thread is named", "threadName"),
    "thread/compacted": "condensed its history",
    "turn/started": "turn started",
    "turn/completed": "turn ended",
    "turn/diff/updated": "changed files",
    "turn/plan/updated": "updated its plan",
    "item/started": _item_started,
    "item/completed": _item_completed,
    "item/agentMessage/delta": "is writing a message",
    "item/plan/delta": "is planning",
    "item/reasoning/textDelta": "is thinking",
    "item/reasoning/summaryTextDelta": "is thinking",
    "item/reasoning/summaryPartAdded": "is thinking",
    "item/commandExecution/outputDelta": "a command prints",
    "item/fileChange/outputDelta": "is changing files",
    "item/mcpToolCall/progress": _told("MCP tool", "message"),
    "mcpServer/startupStatus/updated": _mcp_startup,
    "model/rerouted": "was moved to another model",
    "warning": _told("warning", "message"),
    "configWarning": _told("configuration warning", "summary"),
    "deprecationNotice": _told("deprecation", "summary"),
}
# Usage and rate limits are updates of their own; the rest would hide what the agent last did.
_HOUSEKEEPING: Final = frozenset(
    {
        "thread/tokenUsage/updated",
        "account/rateLimits/updated",
        "thread/status/changed",
        "thread/readState/changed",
        "thread/goal/cleared",
        "thread/settings/updated",
        "serverRequest/resolved",
        "remoteControl/status/changed",
    }
)

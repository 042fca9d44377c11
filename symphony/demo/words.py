"""Plain words for a person who watches: which of an agent's messages matter, and text made safe.

Whatever an issue or an agent says is foreign: it is shown as text, never as markup, and without
characters that could steer a terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from symphony.agents.activity import describe
from symphony.agents.text import one_line
from symphony.domain.json import JsonObject
from symphony.scheduler.state import RecentEvent

MAX_TEXT_CHARACTERS: Final = 300
"""Four lines of a narrow terminal."""


def plain(text: str) -> str:
    """One line that is safe to print."""
    return one_line(text, MAX_TEXT_CHARACTERS)


def count(number: int, noun: str) -> str:
    """`1 turn`, `2 turns`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def failure(error: str | None) -> str:
    """Why a run failed, without the category that log lines begin with."""
    if error is None:
        return "the last run failed"
    category, _, message = error.partition(": ")
    return message if message and category.replace("_", "").isalpha() else error


_TOLD_EVENTS: Final = frozenset(
    {"notification", "approval_auto_approved", "unsupported_tool_call", "malformed"}
)
"""What else there is (`session_started`, `turn_completed`, ...) shows in the run itself."""

_OF_THE_TURN: Final = (
    "turn/started",
    "turn/completed",
    "turn/diff/updated",
    "item/commandExecution/outputDelta",
    "item/fileChange/outputDelta",
)
_ACTS: Final = ("agentMessage", "commandExecution", "dynamicToolCall", "mcpToolCall", "fileChange")


def _words(method: str, kind: str | None = None) -> str:
    """How the daemon words such a notification, so that its wording is nowhere repeated."""
    params: JsonObject = {"item": {"type": kind}}
    activity = describe(method, params)
    return "" if activity is None else activity.message


_IDLE: Final = frozenset(
    {_words(method) for method in _OF_THE_TURN}
    | {_words("item/started", kind) for kind in ("userMessage", "reasoning", "agentMessage")}
    | {_words("item/completed", kind) for kind in ("userMessage", "reasoning")}
)
_IDLE_HEADS: Final = ("thread ", "error: ")
"""Of messages about the thread itself, and of one that comes again as the reason of a failure."""
_BEGINNINGS: Final = frozenset(_words("item/started", kind) for kind in _ACTS)


def doing(recent: Sequence[RecentEvent]) -> str | None:
    """The last thing of note that the agent said or did; None where there is nothing yet."""
    notable = (event.message for event in reversed(recent) if _is_notable(event))
    return next(notable, None)


def _is_notable(event: RecentEvent) -> bool:
    message = event.message
    return (
        event.event in _TOLD_EVENTS and message not in _IDLE and not message.startswith(_IDLE_HEADS)
    )


def is_warning(text: str) -> bool:
    """Whether the text is the agent's warning about its own set-up: the same in every session."""
    return text.startswith(_WARNING_HEADS)


_WARNING_HEADS: Final = tuple(
    _words(method) for method in ("warning", "configWarning", "deprecationNotice")
)


def is_deed(event: RecentEvent) -> bool:
    """Whether the event is the end of an act, or something else that is worth a line of its own:
    the beginning of an act is not, for its end follows."""
    return _is_notable(event) and event.message.partition(":")[0] not in _BEGINNINGS


_STOPS: Final = {
    "terminal": "its issue is finished, so the run ends",
    "not_active": "its issue is not active any more, so the run ends",
    "not_routable": "its issue is held back now, so the run ends",
    "not_visible": "its issue is gone, so the run ends",
    "stalled": "was silent for too long, so the run is stopped",
    "shutdown": "is stopped with the daemon",
}


def stopping(reason: str) -> str:
    """Why a run is being ended, in plain words."""
    return _STOPS.get(reason, f"is being stopped: {reason}")

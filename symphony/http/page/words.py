"""Plain words for what the scheduler knows by code. Pure; the page says nothing in codes alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


def duration(length: float | timedelta) -> str:
    """`45s`, `12m 05s`, `3h 07m`, `2d 04h`. The script of the page counts on in the same form."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    whole = max(int(seconds), 0)
    if whole < MINUTE:
        return f"{whole}s"
    if whole < HOUR:
        return f"{whole // MINUTE}m {whole % MINUTE:02d}s"
    if whole < DAY:
        return f"{whole // HOUR}h {whole % HOUR // MINUTE:02d}m"
    return f"{whole // DAY}d {whole % DAY // HOUR:02d}h"


def clock(at: datetime, now: datetime) -> str:
    """`03:14:22 UTC`, with the date where it is not today's."""
    utc = at.astimezone(UTC)
    form = "%H:%M:%S UTC" if utc.date() == now.astimezone(UTC).date() else "%d %b %H:%M UTC"
    return utc.strftime(form)


def count(number: int, noun: str) -> str:
    """`1 turn`, `2 turns`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


_PHASES: Final = {
    "preparing_workspace": "prepares the workspace",
    "building_prompt": "builds the prompt",
    "launching_agent_process": "starts the agent",
    "initializing_session": "opens the session",
    "streaming_turn": "works",
    "finishing": "finishes",
}

_STOPS: Final = {
    "stalled": "silent for too long: being stopped",
    "terminal": "its issue is finished: being ended",
    "not_active": "its issue is not active any more: being ended",
    "not_routable": "its issue is held back now: being ended",
    "not_visible": "its issue is gone: being ended",
    "shutdown": "being stopped with the daemon",
    "operator": "being stopped by an operator",
}

_EVENTS: Final = {
    "turn_started": "began a turn",
    "session_started": "session opened",
    "turn_completed": "the turn is complete",
}
"""Events whose message adds nothing."""

_LEADS: Final = {
    "turn_failed": "the turn failed",
    "turn_cancelled": "the turn was cancelled",
    "turn_ended_with_error": "the turn ended with an error",
    "turn_input_required": "asks a person",
    "startup_failed": "could not start",
    "unsupported_tool_call": "asked for something that is not offered",
    "malformed": "printed something that is no message",
    "other_message": "sent",
}

_SPEAKING: Final = frozenset({"notification", "approval_auto_approved"})
"""Events whose message is a sentence of its own."""


def event(name: str, message: str) -> str:
    """What an agent did last."""
    if name in _EVENTS:
        return _EVENTS[name]
    if name in _SPEAKING and message:
        return message
    lead = _LEADS.get(name) or plain(name)
    return f"{lead}: {message}" if message else lead


def phase(name: str) -> str:
    """How far a run is."""
    return _PHASES.get(name) or plain(name)


def stop(reason: str) -> str:
    """Why a run is being ended."""
    return _STOPS.get(reason) or f"being stopped: {plain(reason)}"


def run_number(attempt: int | None) -> str:
    """Whether this is a first run."""
    return "first run" if not attempt else f"attempt {attempt}"


_REQUESTS: Final = {
    "user_input": "asks a question",
    "elicitation": "asks for an input that a tool needs",
    "approval": "asks for an approval",
    "stopped": "was stopped by an operator",
}


def request(kind: str) -> str:
    """What a blocked agent wants."""
    return _REQUESTS.get(kind) or f"asks: {plain(kind)}"


_GOING_ON: Final = {
    "continuation": "goes on: the last run ended well, and the issue is still active",
    "answer": "goes on with the answer of an operator",
}


def going_on(kind: str) -> str | None:
    """Why an issue runs again; None where its last run failed."""
    return _GOING_ON.get(kind)


_RETRY_WAITS: Final = {
    "slot": "waits for a free slot",
    "workflow": "waits for a WORKFLOW.md that can be used",
    "refresh": "asks the tracker whether it still should run",
}


def retry_wait(waiting_for: str) -> str | None:
    """What a retry waits for; None where it is only its time."""
    return None if waiting_for == "time" else _RETRY_WAITS.get(waiting_for) or plain(waiting_for)


def failure(error: str) -> str:
    """Why a run failed, without the category that log lines begin with."""
    category, _, message = error.partition(": ")
    is_category = category.islower() and category.replace("_", "").isalpha()
    return message if message and is_category else error


def plain(code: str) -> str:
    """A code that has no words of its own yet."""
    return code.replace("_", " ")

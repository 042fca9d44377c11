"""What an agent told, as one line for people.

Guarantees: a line is short, whatever was told. Must not: interpret; the event is kept whole beside
the line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from conformance.fakes.json_values import JsonObject, as_object, as_text

LONGEST: Final = 160
"""Characters of a line: a timeline in a report has to fit a terminal with some indentation."""


def told(number: int, event: JsonObject) -> str:
    """The line for an event of the session with this number."""
    line = " ".join(f"session {number}: {_words(event)}".split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _words(event: JsonObject) -> str:
    kind = as_text(event.get("event")) or "unknown"
    words = _WORDS.get(kind)
    return kind if words is None else words(event)


def _answer(event: JsonObject) -> str:
    outcome = event.get("result") if "result" in event else event.get("error")
    return f"{event.get('method')} was answered {_short(outcome)}"


def _ran(event: JsonObject) -> str:
    return f"ran {_short(event.get('command'))}, exit code {event.get('code')}"


def _message(event: JsonObject) -> str:
    message = as_object(event.get("message"))
    if not message:
        return f"{event.get('bytes')} bytes as they are: {_short(event.get('raw'))}"
    if "method" in message:
        return f"{message['method']} {_short(message.get('params'))}"
    if "error" in message:
        return f"the error {_short(message['error'])} to {message.get('id')}"
    return f"the result {_short(message.get('result'))} to {message.get('id')}"


def _short(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)[:LONGEST]


_WORDS: Final[Mapping[str, Callable[[JsonObject], str]]] = {
    "start": lambda event: f"started, pid {event.get('pid')}",
    "received": lambda event: f"received {_message(event)}",
    "sent": lambda event: f"sent {_message(event)}",
    "answered": _answer,
    "violation": lambda event: f"violation: {event.get('text')}",
    "refused": lambda event: f"refused {event.get('method')}: {event.get('text')}",
    "gate": lambda event: f"stands at the gate {event.get('name')}",
    "gate_left": lambda event: f"left the gate {event.get('name')}",
    "ran": _ran,
    "child": lambda event: f"left a child, pid {event.get('pid')}",
    "defect": lambda event: f"DEFECT of the fake agent: {event.get('text')}",
    "end": lambda event: f"ends: {event.get('reason')}",
}

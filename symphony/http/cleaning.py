"""What stands in a document before it is sent: no credential, nothing that JSON has no form for.

Texts come from trackers, agents and their programs. Each is redacted on its own
(`security.secret.http`), because a pattern that ran over the finished JSON could eat its structure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from symphony.domain.json import JsonObject, JsonValue

MAX_DEPTH = 12
"""Of foreign values such as rate limits; deeper ones would exhaust the stack of whoever reads."""
MAX_MEMBERS = 200
"""Of one map or list that an agent sent; the rows of the state are ours and are not cut."""
MAX_CHARACTERS = 4_000
"""Of one text: a question may be long, and a page of thousands of rows must not be."""

CUT = "..."

Redact = Callable[[str], str]


def clean_text(text: str, redact: Redact) -> str:
    """One text as it may be shown; redacted before it is cut, so that no half secret is left."""
    shown = redact(text)
    return shown if len(shown) <= MAX_CHARACTERS else shown[:MAX_CHARACTERS] + CUT


def remembering(redact: Redact) -> Redact:
    """The same, for one document: states, reasons and ids stand in it again and again."""
    known: dict[str, str] = {}

    def look_up(text: str) -> str:
        shown = known.get(text)
        if shown is None:
            shown = known[text] = redact(text)
        return shown

    return look_up


def clean_object(value: JsonObject, redact: Redact) -> JsonObject:
    """A foreign map as it may be shown."""
    return _object(value, redact, MAX_DEPTH)


def _object(value: JsonObject, redact: Redact, depth: int) -> JsonObject:
    shown = list(value.items())[:MAX_MEMBERS]
    return {clean_text(name, redact): _value(member, redact, depth - 1) for name, member in shown}


def _value(value: JsonValue, redact: Redact, depth: int) -> JsonValue:
    if isinstance(value, str):
        return clean_text(value, redact)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return _object(value, redact, depth) if depth > 0 else CUT
    if isinstance(value, Sequence):
        return [_value(item, redact, depth - 1) for item in value[:MAX_MEMBERS]] if depth else CUT
    return value

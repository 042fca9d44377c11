"""One log record as one line: `key=value` text, or JSON with the same keys (`log.format.keys`).

A line is always one line and always printable, whatever a tracker or an agent put into a value:
line ends, terminal escapes and invisible characters are escaped. Nothing here does I/O.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Literal, TypeAlias, cast

from symphony.observability.events import default_outcome
from symphony.observability.redaction import Redactor

LogFormat: TypeAlias = Literal["text", "json"]
Scalar: TypeAlias = str | int | float | bool

# A log is for reading: what is longer belongs into the session log (`log.payload.limited`).
MAX_VALUE_CHARACTERS = 2_000

# The end of a traceback tells the cause, so that the end is what is kept.
MAX_TRACEBACK_CHARACTERS = 8_000

# Far above what any event of the daemon has; bounds a line together with the length of a value.
MAX_FIELDS = 40

# These come first, in this order, so that lines can be compared by eye.
LEADING_KEYS = (
    "issue_id",
    "issue_identifier",
    "session_id",
    "run_id",
    "attempt",
    "outcome",
    "reason",
)

# A record of somebody else's library, which knows nothing of events.
LIBRARY_EVENT = "library_message"

# What the line itself says; a field cannot take its place.
_RESERVED = frozenset({"at", "level", "event"})
_EVENT_NAME = re.compile(r"[a-z][a-z0-9_]*")
_UNSAFE_KEY = re.compile(r"[^A-Za-z0-9_.]")
_NEEDS_QUOTES = re.compile(r'[\s"=\\]')


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """What one line says. `at` is in seconds since the epoch; values are redacted and bounded."""

    at: float
    level: str
    event: str
    fields: Sequence[tuple[str, Scalar]] = ()


def line_of(record: logging.LogRecord, redactor: Redactor) -> LogLine:
    """Read a record whose message is an event name and whose `fields` are a mapping.

    Fields without a value (None) are left out. A message that is no event name, such as a
    library's, becomes the field `message` of the event `library_message`.
    """
    message = record.getMessage()
    given = _given_fields(record)
    if _EVENT_NAME.fullmatch(message) and record.name.partition(".")[0] == "symphony":
        event = message
    else:
        event = LIBRARY_EVENT
        given = {"logger": record.name, "message": message, **given}
    given.setdefault("outcome", default_outcome(event))
    trace = _traceback(record)
    if trace is not None:
        given["traceback"] = redactor.redact(trace)[-MAX_TRACEBACK_CHARACTERS:]
    return LogLine(
        at=record.created,
        level=record.levelname.lower(),
        event=event,
        fields=tuple(_ordered(given, redactor)),
    )


def as_text(line: LogLine) -> str:
    """`2026-11-21T03:00:00.123Z level=info event=run_started issue_id=7 reason="no slot"`.

    A quoted value is a JSON string. Values are quoted exactly where they are empty or hold white
    space, quotes, `=`, backslashes or anything that is not printable.
    """
    parts = [instant(line.at), f"level={line.level}", f"event={line.event}"]
    parts += [f"{key}={_text_value(value)}" for key, value in line.fields]
    return " ".join(parts)


def as_json(line: LogLine) -> str:
    """The same keys as one JSON object; the time is under `at`."""
    members: dict[str, Scalar] = {
        "at": instant(line.at),
        "level": line.level,
        "event": line.event,
        **dict(line.fields),
    }
    return printable(json.dumps(members, ensure_ascii=False))


def instant(seconds: float) -> str:
    """UTC with milliseconds, such as `2026-11-21T03:00:00.123Z`."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def printable(json_text: str) -> str:
    """JSON text with every unprintable character as an escape of JSON.

    Such a character can only stand within a string there, so the meaning stays the same.
    """
    if json_text.isprintable():
        return json_text
    return "".join(char if char.isprintable() else _escape(char) for char in json_text)


def _escape(char: str) -> str:
    return json.dumps(char)[1:-1] if char != "\x7f" else "\\u007f"


def _text_value(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if text and text.isprintable() and not _NEEDS_QUOTES.search(text):
        return text
    return printable(json.dumps(text, ensure_ascii=False))


def _given_fields(record: logging.LogRecord) -> dict[str, object]:
    fields: object = record.__dict__.get("fields")
    if not isinstance(fields, Mapping):
        return {}
    return {str(key): value for key, value in cast("Mapping[object, object]", fields).items()}


def _ordered(given: Mapping[str, object], redactor: Redactor) -> Iterator[tuple[str, Scalar]]:
    keys = [key for key in LEADING_KEYS if key in given]
    keys += [key for key in given if key not in LEADING_KEYS]
    present = [key for key in keys if given[key] is not None]
    for key in present[:MAX_FIELDS]:
        yield _key(key, redactor), _value(given[key], redactor, is_traceback=key == "traceback")
    if len(present) > MAX_FIELDS:
        yield "fields_left_out", len(present) - MAX_FIELDS


def _key(key: str, redactor: Redactor) -> str:
    name = _UNSAFE_KEY.sub("_", redactor.redact(key))[:MAX_VALUE_CHARACTERS] or "_"
    return f"field_{name}" if name in _RESERVED else name


def _value(value: object, redactor: Redactor, *, is_traceback: bool) -> Scalar:
    plain = _plain(value)
    if not isinstance(plain, str):
        # A number can be somebody's password.
        return plain if redactor.redact(str(plain)) == str(plain) else redactor.redact(str(plain))
    if is_traceback:
        return plain
    kept = redactor.cut(plain, MAX_VALUE_CHARACTERS)
    left_out = len(plain) - MAX_VALUE_CHARACTERS
    return f"{kept}... ({left_out} more characters)" if left_out > 0 else kept


def _plain(value: object) -> Scalar:
    """The value as something that both formats can show."""
    if isinstance(value, Enum):
        return _plain(cast("object", value.value))
    if isinstance(value, float):
        # JSON has neither infinities nor NaN.
        return value if abs(value) < float("inf") else str(value)
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return instant(value.timestamp())
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _traceback(record: logging.LogRecord) -> str | None:
    if record.exc_info and record.exc_info[1] is not None:
        return "".join(traceback.format_exception(record.exc_info[1])).rstrip()
    return None

"""The end of a session log, line by line in words (I/O: one bounded read of one file).

The log is what an agent said and may hold anything: a line that is not what the daemon writes is
shown as text, and a file that cannot be read is said to be so.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from symphony.agents.activity import describe, is_stream
from symphony.domain.json import as_object, as_text, parse_json
from symphony.http.page.foreign import Foreign

MAX_BYTES: Final = 256 * 1024
"""From the end. One line has at most 64 KiB, so that there is always more than one."""
MAX_LINES: Final = 100
"""A screenful or two; whoever needs more opens the file."""
MAX_TEXT_CHARACTERS: Final = 400

_SPEAKERS: Final = {
    "from_agent": "agent",
    "to_agent": "daemon",
    "stderr": "stderr",
    "note": "note",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """`times` counts lines of a stream that would look the same one after the other."""

    at: datetime | None
    speaker: str
    method: str
    text: str
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTail:
    """`problem` is set where the file could not be read. `is_cut`: there is more above."""

    path: str
    lines: tuple[LogLine, ...]
    is_cut: bool = False
    problem: str | None = None


def read_tail(path: str, foreign: Foreign) -> LogTail:
    """The last lines of the file. Never raises for what is wrong with it."""
    shown = foreign.line(path, 1_000)
    try:
        data, is_cut = _end_of(path)
    except OSError as error:
        problem = f"it cannot be read: {error.strerror or type(error).__name__}"
        return LogTail(path=shown, lines=(), problem=problem)
    rows = data.splitlines()[1:] if is_cut else data.splitlines()
    lines = tuple(_folded(_line(row, foreign) for row in rows))
    return LogTail(path=shown, lines=lines[-MAX_LINES:], is_cut=is_cut or len(lines) > MAX_LINES)


def _end_of(path: str) -> tuple[bytes, bool]:
    """The last bytes, and whether there are others before them. Raises OSError."""
    # A pipe in its place would hold us for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is no regular file")
        start = max(status.st_size - MAX_BYTES, 0)
        return os.pread(descriptor, MAX_BYTES, start), start > 0
    finally:
        os.close(descriptor)


def _line(row: bytes, foreign: Foreign) -> LogLine:
    entry = as_object(parse_json(row.decode("utf-8", "replace")))
    line = as_text(entry.get("line")) if entry is not None else None
    if entry is None or line is None:
        text = foreign.line(row.decode("utf-8", "replace"), MAX_TEXT_CHARACTERS)
        return LogLine(at=None, speaker="note", method="", text=text)
    direction = as_text(entry.get("direction")) or ""
    method, text = _words(line) if direction in {"from_agent", "to_agent"} else ("", line)
    return LogLine(
        at=_instant(as_text(entry.get("at")) or ""),
        speaker=_SPEAKERS.get(direction, "note"),
        method=foreign.line(method, 80),
        text=foreign.line(text, MAX_TEXT_CHARACTERS),
    )


def _words(line: str) -> tuple[str, str]:
    """The method of a message, and what it is about."""
    message = as_object(parse_json(line))
    if message is None:
        return "", line
    method = as_text(message.get("method"))
    if method is None:
        answer = "error" if "error" in message else "result"
        return "answer", json.dumps(message.get(answer), ensure_ascii=False)
    params = as_object(message.get("params")) or {}
    activity = describe(method, params)
    if activity is not None and activity.message != method:
        return method, activity.message
    return method, json.dumps(params, ensure_ascii=False) if params else ""


def _folded(lines: Iterator[LogLine]) -> Iterator[LogLine]:
    """Streamed lines of one kind as one: hundreds of them make one message."""
    last: LogLine | None = None
    for line in lines:
        if last is not None and is_stream(line.method) and _looks_like(line, last):
            last = replace(last, times=last.times + 1, at=line.at)
            continue
        if last is not None:
            yield last
        last = line
    if last is not None:
        yield last


def _looks_like(line: LogLine, other: LogLine) -> bool:
    mine, others = (line.speaker, line.method), (other.speaker, other.method)
    return mine == others and line.text == other.text


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None

"""Sets up logging: which lines are written, in which form, and where they go.

The project's own code logs an event name and a mapping:

    logger.info("run_started", extra={"fields": {"issue_id": "7", "outcome": "started"}})

The caller pays for making the line and for nothing else: each sink writes on a thread of its own,
so that a full pipe or a hanging disk holds up neither the event loop nor the other sink
(`log.sink.survives`). Standard error that is closed or gone is a failed sink like any other: the
daemon goes on, with its file if it has one, else in silence.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Literal, TextIO, TypeAlias

from symphony.observability.events import EVENTS
from symphony.observability.log_lines import LogFormat, as_json, as_text, line_of
from symphony.observability.redaction import Redactor
from symphony.observability.sinks import LineTarget, RotatingFile, Sink, StreamTarget

LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]

LOG_FILE_NAME = "symphony.log"

# One file holds about 50,000 lines; together they hold a busy week and take 60 MiB.
LOG_FILE_BYTES = 10 * 1024 * 1024
LOG_FILES_KEPT = 5

# How long the end of the process waits for lines that are still queued.
CLOSE_SECONDS = 2.0


class Logs(logging.Handler):
    """The installed handler. `close` ends it; records after that are dropped."""

    def __init__(
        self,
        *,
        line_format: LogFormat,
        stream: TextIO | None,
        redactor: Redactor,
        logs_root: str | None,
        terminal: LineTarget | None = None,
    ) -> None:
        super().__init__()
        self._redactor = redactor
        self._render = as_json if line_format == "json" else as_text
        self._sinks: Sequence[Sink] = ()
        sinks: list[Sink] = []
        if stream is not None:
            sinks.append(Sink("stderr", terminal or StreamTarget(stream), self._report))
        if logs_root is not None:
            path = os.path.join(os.path.abspath(logs_root), LOG_FILE_NAME)
            file = RotatingFile(path, max_bytes=LOG_FILE_BYTES, keep=LOG_FILES_KEPT)
            sinks.append(Sink(path, file, self._report))
        self._sinks = tuple(sinks)

    def emit(self, record: logging.LogRecord) -> None:
        """Make the line and queue it everywhere. Never raises."""
        line = self._line(record)
        for sink in self._sinks:
            sink.put(line)

    def flush_lines(self, seconds: float = CLOSE_SECONDS) -> bool:
        """Wait until every line is written; False where a sink takes longer. Not for the loop."""
        flushed = [sink.flush(seconds) for sink in self._sinks]
        return all(flushed)

    def close(self) -> None:
        """Write what is queued, in bounded time, and stop. Idempotent."""
        sinks, self._sinks = self._sinks, ()
        for sink in sinks:
            sink.close(CLOSE_SECONDS)
        super().close()

    def _line(self, record: logging.LogRecord) -> str:
        try:
            return self._render(line_of(record, self._redactor))
        except Exception as error:
            # A value whose text cannot be had must not cost the line or the caller.
            return self._made(
                "log_record_unreadable",
                {"logger": record.name, "reason": type(error).__name__},
                at=record.created,
            )

    def _report(self, sink: Sink, event: str, fields: Mapping[str, object]) -> None:
        """What a sink says about itself goes to the others; a recovery to all of them."""
        line = self._made(event, fields)
        for other in self._sinks:
            if other is not sink or event == "log_sink_recovered":
                other.put(line)

    def _made(self, event: str, fields: Mapping[str, object], at: float | None = None) -> str:
        level = logging.getLevelNamesMapping()[EVENTS[event].levels[0].upper()]
        record = logging.LogRecord(__name__, level, __file__, 0, event, None, None)
        record.__dict__["fields"] = fields
        record.created = record.created if at is None else at
        return self._render(line_of(record, self._redactor))


def configure_logging(
    *,
    line_format: LogFormat,
    stream: TextIO | None,
    redactor: Redactor,
    logs_root: str | None = None,
    level: LogLevel = "info",
    terminal: LineTarget | None = None,
) -> Logs:
    """Send all logging of the process to `stream` and, with `logs_root`, to a rotated file there.
    Where `stream` is a terminal that shows something else as well, `terminal` writes to it.

    Replaces what an earlier call installed. `level` holds for this project's loggers; libraries
    are heard from warnings upwards, and Python's own warnings become log lines.
    """
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, Logs)]:
        root.removeHandler(handler)
        handler.close()
    logs = Logs(
        line_format=line_format,
        stream=stream,
        redactor=redactor,
        logs_root=logs_root,
        terminal=terminal,
    )
    root.addHandler(logs)
    root.setLevel(logging.WARNING)
    logging.getLogger("symphony").setLevel(level.upper())
    logging.captureWarnings(True)
    return logs

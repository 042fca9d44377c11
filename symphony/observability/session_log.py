"""What was said in each agent session, line by line, for whoever has to find out what went wrong.

One JSON object per line: `{"at", "direction", "line"}`, and `bytes` with the true length where the
line was cut. `direction` is `to_agent`, `from_agent`, `stderr`, or `note` where the log speaks of
itself. Lines are redacted. They reach the disk as they come, on one thread for all sessions; a
disk that fails costs a warning and the rest of that log, never the session.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from symphony.domain.run import RunRequest
from symphony.observability.background import BackgroundWriter
from symphony.observability.fields import run_fields
from symphony.observability.log_lines import instant, printable
from symphony.observability.redaction import Redactor
from symphony.observability.session_files import SessionLogLimits, check_key, create, prune
from symphony.observability.sinks import write_all

Direction: TypeAlias = Literal["to_agent", "from_agent", "stderr"]

logger = logging.getLogger(__name__)

# Command output makes lines of a megabyte. Their beginning tells what they are.
MAX_LINE_BYTES = 64 * 1024

# What is read beyond a cut, so that a secret that lies across it is recognised.
CUT_REACH_BYTES = 8 * 1024

# Lines that wait for a slow disk, all sessions together. More are dropped and counted.
MAX_WAITING_BYTES = 32 * 1024 * 1024

# How long a line may wait for others before it goes to disk: too short for a reader to notice.
GATHER_S = 0.1

# What a waiting line costs besides its text.
LINE_OVERHEAD_BYTES = 200

SESSIONS_DIRECTORY = "sessions"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    log: SessionLog
    at: datetime
    direction: Direction
    data: bytes
    true_length: int
    dropped_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    log: SessionLog
    dropped_before: int


class SessionLogs:
    """All session logs of one daemon, under `<logs_root>/sessions`."""

    def __init__(
        self,
        logs_root: str,
        redactor: Redactor,
        *,
        limits: SessionLogLimits | None = None,
        waiting_limit: int = MAX_WAITING_BYTES,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.directory = os.path.join(os.path.abspath(logs_root), SESSIONS_DIRECTORY)
        self._redactor = redactor
        self._limits = limits or SessionLogLimits()
        self._now = now
        self._files: dict[SessionLog, _OpenFile | None] = {}
        self._writer = BackgroundWriter[_Line | _End](
            self._write, name="symphony-session-logs", limit=waiting_limit, gather_s=GATHER_S
        )

    def open(self, request: RunRequest, workspace_key: str) -> SessionLog:
        """Begin the log of one run. Its file is made with its first line.

        Raises ValueError where `workspace_key` is not the name of a directory.
        """
        check_key(workspace_key)
        return SessionLog(self._writer, request, workspace_key, self._now)

    def flush(self, seconds: float) -> bool:
        """Wait until all that was recorded is on disk; False where that takes longer."""
        return self._writer.flush(seconds)

    def close(self, seconds: float = 2.0) -> None:
        """Write what is waiting, for this long at most, and take nothing more."""
        if self._writer.close(seconds):
            for file in self._files.values():
                if file is not None:
                    file.close()
            self._files.clear()

    # Everything below runs on the writer's thread.

    def _write(self, items: list[_Line | _End]) -> None:
        for log, batch in _by_log(items).items():
            if log in self._files and self._files[log] is None:
                continue  # This log has failed before.
            try:
                self._write_lines(log, batch)
            except OSError as error:
                self._give_up(log, error)
        for item in items:
            if isinstance(item, _End):
                file = self._files.pop(item.log, None)
                if file is not None:
                    file.close()

    def _write_lines(self, log: SessionLog, items: list[_Line | _End]) -> None:
        text = "".join(self._rendered(item) for item in items)
        if not text:
            return
        file = self._files.get(log)
        if file is None or file.size >= self._limits.file_bytes:
            file = self._next_file(log)
        file.write(text.encode("utf-8"))

    def _next_file(self, log: SessionLog) -> _OpenFile:
        old = self._files.pop(log, None)
        if old is not None:
            old.close()
        path, descriptor = create(
            self.directory, log.workspace_key, self._now(), log.request.run_id
        )
        file = _OpenFile(path, descriptor)
        self._files[log] = file
        log.path = path
        with contextlib.suppress(OSError):
            # Old logs that cannot be removed are no reason to lose the new one.
            in_use = {file.path for file in self._files.values() if file is not None}
            prune(self.directory, self._limits, in_use)
        return file

    def _give_up(self, log: SessionLog, error: OSError) -> None:
        file = self._files.get(log)
        if file is not None:
            file.close()
        self._files[log] = None
        path = file.path if file is not None else os.path.join(self.directory, log.workspace_key)
        fields = {**run_fields(log.request), "path": path, "reason": str(error)}
        logger.warning("session_log_failed", extra={"fields": fields})

    def _rendered(self, item: _Line | _End) -> str:
        text = ""
        if item.dropped_before:
            lost = f"{item.dropped_before} lines are missing here: the disk was too slow for them"
            text = _json_line(self._now(), "note", lost)
        if isinstance(item, _Line):
            text += self._rendered_line(item)
        return text

    def _rendered_line(self, item: _Line) -> str:
        line = item.data.decode("utf-8", "backslashreplace")
        if item.true_length <= MAX_LINE_BYTES:
            return _json_line(item.at, item.direction, self._redactor.redact(line))
        limit = len(item.data[:MAX_LINE_BYTES].decode("utf-8", "ignore"))
        kept = self._redactor.cut(line, limit)
        return _json_line(item.at, item.direction, kept, {"bytes": item.true_length})


class SessionLog:
    """The log of one run. `path` is its present file, None before the first line is on disk."""

    def __init__(
        self,
        writer: BackgroundWriter[_Line | _End],
        request: RunRequest,
        workspace_key: str,
        now: Callable[[], datetime],
    ) -> None:
        self.request = request
        self.workspace_key = workspace_key
        self.path: str | None = None
        self._writer = writer
        self._now = now
        self._dropped = 0

    def record(self, direction: Direction, line: bytes) -> None:
        """Record one line of the session, with or without its line end. Never waits or raises."""
        line = line.rstrip(b"\r\n")
        item = _Line(
            log=self,
            at=self._now(),
            direction=direction,
            data=line[: MAX_LINE_BYTES + CUT_REACH_BYTES],
            true_length=len(line),
            dropped_before=self._dropped,
        )
        if self._writer.put(item, len(item.data) + LINE_OVERHEAD_BYTES):
            self._dropped = 0
        else:
            self._dropped += 1

    def close(self) -> None:
        """No more lines follow. What was recorded is still written."""
        self._writer.put(_End(log=self, dropped_before=self._dropped), 0)


class _OpenFile:
    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.size = 0
        self._descriptor = descriptor

    def write(self, data: bytes) -> None:
        write_all(self._descriptor, data)
        self.size += len(data)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


def _by_log(items: list[_Line | _End]) -> dict[SessionLog, list[_Line | _End]]:
    batches: dict[SessionLog, list[_Line | _End]] = {}
    for item in items:
        batches.setdefault(item.log, []).append(item)
    return batches


def _json_line(
    at: datetime, direction: str, line: str, more: Mapping[str, int] | None = None
) -> str:
    entry = {"at": instant(at.timestamp()), "direction": direction, "line": line, **(more or {})}
    return printable(json.dumps(entry, ensure_ascii=False)) + "\n"


def default_logs_root(workspace_root: str, environment: Mapping[str, str]) -> str | None:
    """Where session logs go when no `--logs-root` is given; None where there is no home.

    `$XDG_STATE_HOME/symphony/<name of the root>-<fingerprint>`, or the same under
    `~/.local/state`: outside of every workspace, and different for each workspace root.
    """
    root = os.path.realpath(workspace_root)
    fingerprint = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    state = environment.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):
        home = environment.get("HOME") or os.path.expanduser("~")
        if not os.path.isabs(home):
            return None
        state = os.path.join(home, ".local", "state")
    return os.path.join(state, "symphony", f"{os.path.basename(root)}-{fingerprint}")

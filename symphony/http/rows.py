"""Rows of the state document: running, retrying, blocked, skipped, cleaning (`http.state.shape`).

Pure. The members that section 13.7.2 names have its names and meanings; others are added to them.
"""

from __future__ import annotations

from datetime import UTC, datetime

from symphony.domain.issue import Issue
from symphony.domain.json import JsonObject, JsonValue
from symphony.domain.run import TokenUsage
from symphony.http.cleaning import Redact, clean_text
from symphony.scheduler.snapshot import BlockedRow, RetryRow, RunningRow
from symphony.scheduler.state import RecentEvent, Waiting

SECONDS_DIGITS = 3


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def optional_timestamp(at: datetime | None) -> str | None:
    """`timestamp`, or null."""
    return None if at is None else timestamp(at)


def tokens(usage: TokenUsage | None) -> JsonObject:
    """Null members where nothing was measured: unknown is not zero."""
    return {
        "input_tokens": None if usage is None else usage.input_tokens,
        "output_tokens": None if usage is None else usage.output_tokens,
        "total_tokens": None if usage is None else usage.total_tokens,
    }


def issue_members(issue: Issue, redact: Redact) -> dict[str, JsonValue]:
    """What every row says of its issue."""
    return {
        "issue_id": clean_text(issue.id, redact),
        "issue_identifier": clean_text(issue.identifier, redact),
        "issue_url": optional_text(issue.url, redact),
        "title": clean_text(issue.title, redact),
        "state": clean_text(issue.state, redact),
    }


def optional_text(text: str | None, redact: Redact) -> str | None:
    """`clean_text`, or null."""
    return None if text is None else clean_text(text, redact)


def running_members(row: RunningRow, redact: Redact) -> dict[str, JsonValue]:
    """What the list of sessions and the page of an issue both say of a run."""
    return {
        "state": clean_text(row.issue.state, redact),
        "session_id": optional_text(row.session_id, redact),
        "turn_count": row.turn_count,
        "phase": row.phase,
        "stopping": row.stopping,
        "attempt": row.attempt,
        "last_event": optional_text(row.last_event, redact),
        "last_message": clean_text(row.last_message, redact),
        "started_at": timestamp(row.started_at),
        "seconds": round(row.seconds, SECONDS_DIGITS),
        "last_event_at": optional_timestamp(row.last_event_at),
        "tokens": tokens(row.tokens),
        "pid": row.pid,
    }


def running_row(row: RunningRow, redact: Redact) -> JsonObject:
    """A session that goes on (`snapshot.running.rows`)."""
    return {
        **issue_members(row.issue, redact),
        **running_members(row, redact),
        "workspace_path": optional_text(row.workspace_path, redact),
    }


def retry_members(row: RetryRow, redact: Redact) -> dict[str, JsonValue]:
    """What the list of retries and the page of an issue both say of one."""
    return {
        "attempt": row.attempt,
        "kind": row.kind,
        "due_at": timestamp(row.due_at),
        "due_in_ms": row.due_in_ms,
        "waiting_for": row.waiting_for,
        "error": optional_text(row.error, redact),
    }


def retry_row(row: RetryRow, redact: Redact) -> JsonObject:
    """A queued retry (`snapshot.retrying.rows`)."""
    return {**issue_members(row.issue, redact), **retry_members(row, redact)}


def blocked_row(row: BlockedRow, redact: Redact) -> JsonObject:
    """An issue that waits for a person, and what it asks."""
    return {
        **issue_members(row.issue, redact),
        "request": clean_text(row.request, redact),
        "question": clean_text(row.question, redact),
        "question_number": row.number,
        "since": timestamp(row.since),
    }


def skipped_row(row: Waiting, redact: Redact) -> JsonObject:
    """A candidate of the last poll that was not started, and why."""
    return {
        **issue_members(row.issue, redact),
        "code": row.code,
        "reason": clean_text(row.reason, redact),
    }


def event_row(event: RecentEvent, redact: Redact) -> JsonObject:
    """Something that an agent did."""
    return {
        "at": timestamp(event.at),
        "event": clean_text(event.event, redact),
        "message": clean_text(event.message, redact),
    }

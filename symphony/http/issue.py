"""The document of `GET /api/v1/<issue_identifier>` (`http.issue.served`, `http.issue.envelope`).

Pure. An issue is known while it runs, waits for a retry or for a person, is cleaned up after, or
was a candidate of the last poll.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from dataclasses import dataclass

from symphony.domain.issue import Issue
from symphony.domain.json import JsonObject, JsonValue
from symphony.domain.settings import Settings
from symphony.http.cleaning import Redact, clean_text
from symphony.http.rows import (
    blocked_row,
    event_row,
    optional_text,
    optional_timestamp,
    retry_members,
    running_members,
    skipped_row,
)
from symphony.scheduler.snapshot import BlockedRow, RetryRow, RunningRow, Snapshot
from symphony.scheduler.state import Waiting
from symphony.workspaces.key import workspace_key


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIssue:
    """All that a snapshot has of one issue. `status`: running, retrying, blocked, cleaning or
    waiting."""

    issue: Issue
    status: str
    running: RunningRow | None = None
    retry: RetryRow | None = None
    blocked: BlockedRow | None = None
    skipped: Waiting | None = None


def find_issue(snapshot: Snapshot, identifier: str) -> KnownIssue | None:
    """The issue that is called so; the one that holds a claim, where several are."""
    return next(
        (known for known in known_issues(snapshot) if known.issue.identifier == identifier), None
    )


def known_issues(snapshot: Snapshot) -> Iterator[KnownIssue]:
    """Every issue of the snapshot; those that hold a claim come first."""
    for running in snapshot.running:
        yield KnownIssue(issue=running.issue, status="running", running=running)
    for retry in snapshot.retrying:
        yield KnownIssue(issue=retry.issue, status="retrying", retry=retry)
    for blocked in snapshot.blocked:
        yield KnownIssue(issue=blocked.issue, status="blocked", blocked=blocked)
    for issue in snapshot.cleaning:
        yield KnownIssue(issue=issue, status="cleaning")
    for skipped in snapshot.skipped:
        yield KnownIssue(issue=skipped.issue, status="waiting", skipped=skipped)


def issue_document(
    known: KnownIssue, settings: Settings, log_path: str | None, redact: Redact
) -> JsonObject:
    """Everything about one issue at one moment."""
    running, retry = known.running, known.retry
    return {
        "issue_identifier": clean_text(known.issue.identifier, redact),
        "issue_id": clean_text(known.issue.id, redact),
        "status": known.status,
        "workspace": {"path": clean_text(_workspace(known, settings), redact)},
        "attempts": _attempts(known),
        "running": None if running is None else running_members(running, redact),
        "retry": None if retry is None else retry_members(retry, redact),
        "blocked": None if known.blocked is None else blocked_row(known.blocked, redact),
        "skipped": None if known.skipped is None else skipped_row(known.skipped, redact),
        "logs": {"codex_session_logs": _logs(log_path, redact)},
        "recent_events": []
        if running is None
        else [event_row(event, redact) for event in running.recent],
        "last_error": None if retry is None else optional_text(retry.error, redact),
        "tracked": _tracked(known.issue, redact),
    }


def _workspace(known: KnownIssue, settings: Settings) -> str:
    """Where the run works; before that is known, where it would."""
    if known.running is not None and known.running.workspace_path is not None:
        return known.running.workspace_path
    return os.path.join(settings.workspace.root, workspace_key(known.issue.identifier))


def _attempts(known: KnownIssue) -> JsonObject:
    """A first run is attempt 0 and has no restart before it."""
    attempt = 0
    if known.running is not None:
        attempt = known.running.attempt or 0
    elif known.retry is not None:
        attempt = known.retry.attempt
    return {"restart_count": max(attempt - 1, 0), "current_retry_attempt": attempt}


def _logs(path: str | None, redact: Redact) -> list[JsonObject]:
    return (
        [] if path is None else [{"label": "latest", "path": clean_text(path, redact), "url": None}]
    )


def _tracked(issue: Issue, redact: Redact) -> JsonObject:
    """The issue as the tracker told it last, without its text."""
    labels: list[JsonValue] = [clean_text(label, redact) for label in issue.labels]
    return {
        "title": clean_text(issue.title, redact),
        "state": clean_text(issue.state, redact),
        "url": optional_text(issue.url, redact),
        "priority": issue.priority,
        "labels": labels,
        "branch_name": optional_text(issue.branch_name, redact),
        "assignee_id": optional_text(issue.assignee_id, redact),
        "created_at": optional_timestamp(issue.created_at),
        "updated_at": optional_timestamp(issue.updated_at),
        "blocked_by": [
            {
                "identifier": optional_text(blocker.identifier, redact),
                "state": optional_text(blocker.state, redact),
            }
            for blocker in issue.blocked_by
        ],
    }

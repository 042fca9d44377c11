"""The fields that say whose line of the log it is."""

from __future__ import annotations

from symphony.domain.ids import SessionId
from symphony.domain.issue import Issue
from symphony.domain.run import RunRequest


def issue_fields(issue: Issue) -> dict[str, object]:
    """What every line about an issue carries (`log.context.issue`)."""
    return {"issue_id": issue.id, "issue_identifier": issue.identifier}


def run_fields(request: RunRequest, session_id: SessionId | None = None) -> dict[str, object]:
    """What every line about a run carries; `session_id` once there is a session
    (`log.context.session`). Fields without a value do not appear in the line."""
    return {
        **issue_fields(request.issue),
        "session_id": session_id,
        "run_id": request.run_id,
        "attempt": request.attempt,
    }

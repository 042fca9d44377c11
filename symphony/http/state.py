"""The document of `GET /api/v1/state` (`http.state.served`, `http.state.shape`).

Pure, and safe to be made in another thread: a snapshot shares nothing that changes.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from symphony.domain.issue import state_key
from symphony.domain.json import JsonObject
from symphony.domain.settings import Settings
from symphony.http.cleaning import Redact, clean_object, clean_text, remembering
from symphony.http.rows import (
    SECONDS_DIGITS,
    blocked_row,
    issue_members,
    optional_text,
    optional_timestamp,
    retry_row,
    running_row,
    skipped_row,
    timestamp,
    tokens,
)
from symphony.http.settings import settings_document
from symphony.scheduler.snapshot import Snapshot


def state_document(
    snapshot: Snapshot, settings: Settings, redact: Redact, *, requests_sent: int | None = None
) -> JsonObject:
    """Everything at one moment. `requests_sent` counts requests to the tracker."""
    redact = remembering(redact)
    limits = snapshot.rate_limits
    return {
        "generated_at": timestamp(snapshot.generated_at),
        "counts": _counts(snapshot),
        "running": [running_row(row, redact) for row in snapshot.running],
        "retrying": [retry_row(row, redact) for row in snapshot.retrying],
        "blocked": [blocked_row(row, redact) for row in snapshot.blocked],
        "skipped": [skipped_row(row, redact) for row in snapshot.skipped],
        "cleaning": [issue_members(issue, redact) for issue in snapshot.cleaning],
        "codex_totals": {
            **tokens(snapshot.totals),
            "seconds_running": round(snapshot.seconds_running, SECONDS_DIGITS),
        },
        "completed_runs": snapshot.completed_runs,
        "rate_limits": None if limits is None else clean_object(limits, redact),
        "limits": _limits(snapshot, settings),
        "last_poll": _last_poll(snapshot, settings, redact),
        "tracker": {"requests_sent": requests_sent},
        "workflow": {
            "path": clean_text(settings.workflow_path, redact),
            "revision": settings.revision,
            "problem": optional_text(snapshot.workflow_problem, redact),
        },
        "draining": snapshot.draining,
        "settings": settings_document(settings, redact),
    }


def _counts(snapshot: Snapshot) -> JsonObject:
    return {
        "running": len(snapshot.running),
        "retrying": len(snapshot.retrying),
        "blocked": len(snapshot.blocked),
        "skipped": len(snapshot.skipped),
        "cleaning": len(snapshot.cleaning),
    }


def _limits(snapshot: Snapshot, settings: Settings) -> JsonObject:
    """The slots, and of the states that have a limit of their own how much of it is in use."""
    used = Counter(state_key(row.issue.state) for row in snapshot.running)
    by_state = settings.agent.max_concurrent_agents_by_state
    return {
        "max_concurrent_agents": snapshot.max_concurrent_agents,
        "free_slots": snapshot.free_slots,
        "by_state": [
            {"state": state, "limit": limit, "running": used[state]}
            for state, limit in by_state.items()
        ],
    }


def _last_poll(snapshot: Snapshot, settings: Settings, redact: Redact) -> JsonObject | None:
    poll = snapshot.last_poll
    if poll is None:
        return None
    return {
        "at": timestamp(poll.at),
        "candidates": poll.candidates,
        "problem": optional_text(poll.problem, redact),
        "next_at": optional_timestamp(next_poll(snapshot, settings)),
    }


def next_poll(snapshot: Snapshot, settings: Settings) -> datetime | None:
    """When the next poll is expected, to a second or so; None where there will be none.

    A provider that asked to be left alone is not asked before that time is over.
    """
    if snapshot.last_poll is None or snapshot.draining or snapshot.workflow_problem is not None:
        return None
    regular = snapshot.last_poll.at + timedelta(milliseconds=settings.polling.interval_ms)
    allowed = snapshot.generated_at + timedelta(milliseconds=snapshot.reads_held_ms)
    return max(regular, allowed)

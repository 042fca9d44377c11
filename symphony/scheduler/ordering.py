"""The order in which candidates are dispatched (`order.*`)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from symphony.domain.issue import Issue

_LAST = datetime.max.replace(tzinfo=UTC)
_UNRANKED = 5


def dispatch_order(issue: Issue) -> tuple[int, datetime, str]:
    """Sort key: priority 1 to 4 ascending and all else after, then oldest, then identifier."""
    priority = issue.priority
    rank = priority if priority is not None and 1 <= priority <= 4 else _UNRANKED
    return rank, issue.created_at or _LAST, issue.identifier


def in_dispatch_order(issues: Iterable[Issue]) -> list[Issue]:
    """A new list in dispatch order."""
    return sorted(issues, key=dispatch_order)

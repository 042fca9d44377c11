"""The normalised issue: what every adapter produces and everything else consumes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.json import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockerRef:
    """An issue that must be finished first, as far as the provider tells."""

    id: str | None = None
    identifier: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One schedulable work item, as an adapter normalised it.

    `id`, `identifier`, `title` and `state` are non-empty. `state` keeps the provider's spelling.
    `labels` are trimmed, lower case and unique. `created_at` and `updated_at` carry a time zone.
    `native_ref` holds non-secret, JSON-safe provider ids. `dispatchable` is the adapter's own
    verdict on assignment, board membership and blockers.
    """

    id: IssueId
    identifier: IssueIdentifier
    title: str
    state: str
    dispatchable: bool
    native_ref: JsonObject | None = None
    description: str | None = None
    priority: int | None = None
    branch_name: str | None = None
    url: str | None = None
    assignee_id: str | None = None
    labels: tuple[str, ...] = ()
    blocked_by: tuple[BlockerRef, ...] = field(default=())
    created_at: datetime | None = None
    updated_at: datetime | None = None


def state_key(name: str) -> str:
    """The form in which states are compared: trimmed and lower case."""
    return name.strip().lower()


def state_keys(names: tuple[str, ...]) -> frozenset[str]:
    """`state_key` over a list of configured names."""
    return frozenset(state_key(name) for name in names)

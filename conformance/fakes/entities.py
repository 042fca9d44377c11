"""What the world of issues is made of.

The words are those of issue trackers in general; each fake maps them to its provider's. Times carry
a zone. References are ids, so that an entity never goes stale when another one changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True, kw_only=True)
class Entity:
    """`archived_at` is None while the entity is in everyday view."""

    id: str
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class User(Entity):
    name: str
    display_name: str
    email: str
    active: bool = True
    admin: bool = False


@dataclass(slots=True, kw_only=True)
class Team(Entity):
    """`key` begins the identifiers of its issues. `next_number` is that of the next issue."""

    key: str
    name: str
    private: bool = False
    next_number: int = 1


@dataclass(slots=True, kw_only=True)
class State(Entity):
    """A column of a team's board. `type` is one of `triage`, `backlog`, `unstarted`, `started`,
    `completed`, `canceled` and `duplicate`."""

    name: str
    type: str
    team_id: str
    position: float = 0.0


@dataclass(slots=True, kw_only=True)
class Project(Entity):
    name: str
    slug: str
    team_ids: list[str] = field(default_factory=list[str])
    lead_id: str | None = None
    member_ids: list[str] = field(default_factory=list[str])


@dataclass(slots=True, kw_only=True)
class Label(Entity):
    """Names need not be unique and are kept as they were written."""

    name: str
    team_id: str | None = None


@dataclass(slots=True, kw_only=True)
class Issue(Entity):
    """`identifier` is free text, because suites need identifiers that collide once sanitised."""

    identifier: str
    number: int
    title: str
    team_id: str
    state_id: str
    project_id: str | None = None
    description: str | None = None
    priority: int = 0
    estimate: float | None = None
    assignee_id: str | None = None
    creator_id: str | None = None
    parent_id: str | None = None
    label_ids: list[str] = field(default_factory=list[str])
    subscriber_ids: list[str] = field(default_factory=list[str])
    branch_name: str = ""
    url: str = ""
    due_date: str | None = None
    sort_order: float = 0.0
    trashed: bool | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    canceled_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Comment(Entity):
    body: str
    issue_id: str
    user_id: str | None = None
    parent_id: str | None = None
    edited_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Relation(Entity):
    """`blocks`: the issue blocks the related issue."""

    type: str
    issue_id: str
    related_issue_id: str


@dataclass(slots=True, kw_only=True)
class Attachment(Entity):
    title: str
    url: str
    issue_id: str
    subtitle: str | None = None
    creator_id: str | None = None
    metadata: dict[str, object] = field(default_factory=dict[str, object])

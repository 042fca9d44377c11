"""What a GitHub is made of, as far as issues go.

Numbers are those of a repository; pull requests are issues with `pull_request` set, as GitHub has
it. References between issues are (repository, number), so that they survive a change of fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

OwnerKind: TypeAlias = Literal["Organization", "User"]
Reference: TypeAlias = "tuple[str, int]"
"""Repository as `owner/name` in lower case, and number."""


@dataclass(slots=True, kw_only=True)
class Comment:
    id: int
    body: str
    author: str
    created_at: datetime


@dataclass(slots=True, kw_only=True)
class PullRequestPart:
    """What a pull request has beyond an issue. `closes` are issues that its merge closes."""

    head: str
    base: str = "main"
    is_draft: bool = False
    is_merged: bool = False
    closes: list[Reference] = field(default_factory=list[Reference])


@dataclass(slots=True, kw_only=True)
class Issue:
    id: int
    number: int
    title: str | None
    created_at: datetime
    updated_at: datetime
    body: str | None = None
    is_open: bool = True
    state_reason: str | None = None
    author: str = "ada"
    labels: list[str] = field(default_factory=list[str])
    assignees: list[str] = field(default_factory=list[str])
    blocked_by: list[Reference] = field(default_factory=list[Reference])
    parent: Reference | None = None
    comments: list[Comment] = field(default_factory=list[Comment])
    closed_at: datetime | None = None
    pull_request: PullRequestPart | None = None

    @property
    def node_id(self) -> str:
        return f"I_kw{self.id:010d}"


@dataclass(slots=True, kw_only=True)
class Repository:
    """`labels` by their name in lower case, because GitHub has no two that differ in case only.
    `moved` are issues that were transferred to elsewhere, `deleted` those that are gone."""

    id: int
    owner: str
    name: str
    has_issues: bool = True
    issues: dict[int, Issue] = field(default_factory=dict[int, Issue])
    labels: dict[str, str] = field(default_factory=dict[str, str])
    moved: dict[int, Reference] = field(default_factory=dict[int, Reference])
    deleted: set[int] = field(default_factory=set[int])
    next_number: int = 1

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def key(self) -> str:
        return self.full_name.lower()

    @property
    def node_id(self) -> str:
        return f"R_kg{self.id:010d}"


@dataclass(slots=True, kw_only=True)
class ProjectField:
    """`options` are the ids of a single-select field's options by name; None for other types."""

    id: str
    name: str
    type: str
    options: dict[str, str] | None = None


@dataclass(slots=True, kw_only=True)
class ProjectItem:
    """`content` is None for a draft. `values` are texts, numbers or names of options, by field."""

    id: str
    content: Reference | None
    values: dict[str, str | float] = field(default_factory=dict[str, str | float])
    is_archived: bool = False


@dataclass(slots=True, kw_only=True)
class Project:
    id: str
    owner: str
    number: int
    title: str
    fields: dict[str, ProjectField] = field(default_factory=dict[str, ProjectField])
    items: list[ProjectItem] = field(default_factory=list[ProjectItem])


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a credential may do. `login` is None for the token of an app's installation, which has
    no user behind it."""

    login: str | None = "symphony-bot"
    can_write: bool = True
    can_read_projects: bool = True
    scopes: str | None = None
    """Of a classic token; None for others, which do not show theirs."""

    repositories: frozenset[str] | None = None
    """In lower case; None means all."""

"""One world of issues in memory, behind every fake tracker.

Reading and changing happen under `lock`, so that a request sees one moment of the world. Ids are
UUIDs that follow from the order of creation and the seed: the same calls give the same ids.
"""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack

from conformance.fakes.entities import (
    Attachment,
    Comment,
    Issue,
    Label,
    Project,
    Relation,
    State,
    Team,
    User,
)
from conformance.fakes.json_values import texts

STANDARD_STATES: Sequence[tuple[str, str]] = (
    ("Backlog", "backlog"),
    ("Todo", "unstarted"),
    ("In Progress", "started"),
    ("Human Review", "started"),
    ("Done", "completed"),
    ("Canceled", "canceled"),
    ("Cancelled", "canceled"),
    ("Duplicate", "duplicate"),
)
"""The board of a new team. A state that is named later and is not here counts as started."""


class IssueFields(TypedDict, total=False):
    """What can be said of an issue by name. What is left out stays as it is."""

    title: str
    description: str | None
    state: str
    labels: Sequence[str]
    priority: int
    project: str | None
    assignee: str | None
    blocked_by: Sequence[str]
    created_at: str | None
    id: str
    branch_name: str
    url: str


class Stamp(TypedDict):
    """What every new entity begins with."""

    id: str
    created_at: datetime
    updated_at: datetime


class World:
    """Users, teams, projects, issues. `now` is the clock of its time stamps."""

    def __init__(
        self, *, seed: int = 0, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.lock = threading.RLock()
        self.users: dict[str, User] = {}
        self.teams: dict[str, Team] = {}
        self.states: dict[str, State] = {}
        self.projects: dict[str, Project] = {}
        self.labels: dict[str, Label] = {}
        self.issues: dict[str, Issue] = {}
        self.comments: dict[str, Comment] = {}
        self.relations: dict[str, Relation] = {}
        self.attachments: dict[str, Attachment] = {}
        self._random = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self._now = now
        self._latest = now()

    def now(self) -> datetime:
        """The time, always later than it was before: equal stamps would make order a matter of
        luck."""
        with self.lock:
            self._latest = max(self._now(), self._latest + timedelta(milliseconds=1))
            return self._latest

    def stamp(self, id: str | None = None) -> Stamp:  # noqa: A002 - the field's name
        """Id and times of a new entity."""
        with self.lock:
            now = self.now()
            fresh = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
            return Stamp(id=id or fresh, created_at=now, updated_at=now)

    # People and places.

    def add_user(self, name: str, *, email: str | None = None, admin: bool = False) -> User:
        with self.lock:
            handle = name.split()[0].lower()
            user = User(
                **self.stamp(),
                name=name,
                display_name=handle,
                email=email or f"{handle}@example.com",
                admin=admin,
            )
            self.users[user.id] = user
            return user

    def add_team(
        self,
        key: str,
        name: str | None = None,
        *,
        states: Sequence[tuple[str, str]] = STANDARD_STATES,
    ) -> Team:
        with self.lock:
            team = Team(**self.stamp(), key=key, name=name or key)
            self.teams[team.id] = team
            for each, type_ in states:
                self.add_state(team, each, type_)
            return team

    def add_state(self, team: Team, name: str, type_: str) -> State:
        with self.lock:
            position = float(sum(each.team_id == team.id for each in self.states.values()))
            state = State(**self.stamp(), name=name, type=type_, team_id=team.id, position=position)
            self.states[state.id] = state
            return state

    def add_project(self, slug: str, name: str, *teams: Team) -> Project:
        with self.lock:
            ids = [team.id for team in teams]
            project = Project(**self.stamp(), slug=slug, name=name, team_ids=ids)
            self.projects[project.id] = project
            return project

    def add_label(self, name: str, team: Team | None = None) -> Label:
        with self.lock:
            label = Label(**self.stamp(), name=name, team_id=team.id if team else None)
            self.labels[label.id] = label
            return label

    # Issues.

    def put_issue(
        self, team: Team, identifier: str | None = None, **fields: Unpack[IssueFields]
    ) -> Issue:
        """Add an issue, or change the one with this identifier."""
        with self.lock:
            issue = self.issue(identifier) if identifier else None
            if issue is None:
                issue = self._new_issue(team, identifier, fields)
            self._change(issue, fields)
            return issue

    def issue(self, name: str) -> Issue | None:
        """The issue with this id or identifier."""
        with self.lock:
            found = self.issues.get(name)
            if found is not None:
                return found
            return next((i for i in self.issues.values() if i.identifier == name), None)

    def existing(self, name: str) -> Issue:
        """The issue with this id or identifier. Raises `LookupError`."""
        found = self.issue(name)
        if found is None:
            raise LookupError(f"there is no issue {name}")
        return found

    def state_named(self, team: Team, name: str) -> State:
        """The team's state of this name in this spelling; made where it is missing."""
        with self.lock:
            for state in self.states.values():
                if state.team_id == team.id and state.name == name:
                    return state
            return self.add_state(team, name, "started")

    def set_state(self, issue: Issue, state: State) -> None:
        """Move the issue, with the times that go with it."""
        with self.lock:
            now = self.now()
            issue.state_id, issue.updated_at = state.id, now
            if state.type == "started" and issue.started_at is None:
                issue.started_at = now
            issue.completed_at = now if state.type == "completed" else None
            issue.canceled_at = now if state.type in ("canceled", "duplicate") else None

    def archive(self, issue: Issue, *, trashed: bool = False) -> None:
        """Take it out of everyday view; `trashed`: as a deletion by its user does."""
        with self.lock:
            issue.archived_at = self.now()
            issue.trashed = trashed or None

    def unarchive(self, issue: Issue) -> None:
        with self.lock:
            issue.archived_at, issue.trashed = None, None

    def remove(self, issue: Issue) -> None:
        """Delete it for good, with everything that belongs to it."""
        with self.lock:
            del self.issues[issue.id]
            self._drop_relations(lambda r: issue.id in (r.issue_id, r.related_issue_id))
            for owned in (self.comments, self.attachments):
                for key in [k for k, each in owned.items() if each.issue_id == issue.id]:
                    del owned[key]

    def relate(self, issue: Issue, related: Issue, type_: str) -> Relation:
        """`issue` blocks, duplicates or is related to `related`."""
        with self.lock:
            relation = Relation(
                **self.stamp(), type=type_, issue_id=issue.id, related_issue_id=related.id
            )
            self.relations[relation.id] = relation
            return relation

    def comment(self, issue: Issue, body: str, user: User | None = None) -> Comment:
        with self.lock:
            author = user.id if user else None
            comment = Comment(**self.stamp(), body=body, issue_id=issue.id, user_id=author)
            self.comments[comment.id] = comment
            issue.updated_at = comment.created_at
            return comment

    def comments_of(self, issue: Issue) -> list[Comment]:
        """The issue's comments, the oldest first."""
        with self.lock:
            return [each for each in self.comments.values() if each.issue_id == issue.id]

    def state_of(self, issue: Issue) -> str:
        """The name of the issue's state."""
        with self.lock:
            return self.states[issue.state_id].name

    def labels_of(self, issue: Issue) -> list[str]:
        """The names of the issue's labels."""
        with self.lock:
            return [self.labels[each].name for each in issue.label_ids]

    def _new_issue(self, team: Team, identifier: str | None, fields: IssueFields) -> Issue:
        number = team.next_number
        team.next_number += 1
        name = identifier or f"{team.key}-{number}"
        issue = Issue(
            **self.stamp(fields.get("id")),
            identifier=name,
            number=number,
            title=f"Issue {name}",
            team_id=team.id,
            state_id=self.state_named(team, "Todo").id,
            branch_name=f"dev/{name.lower()}",
            url=f"https://linear.example/acme/issue/{name}",
        )
        self.issues[issue.id] = issue
        return issue

    def _change(self, issue: Issue, fields: IssueFields) -> None:
        for name, value in fields.items():
            self._change_field(issue, name, value)
        issue.updated_at = self.now()

    def _change_field(self, issue: Issue, name: str, value: object) -> None:
        team = self.teams[issue.team_id]
        match name:
            case "state":
                self.set_state(issue, self.state_named(team, str(value)))
            case "labels":
                issue.label_ids = [self._label(each).id for each in texts(value)]
            case "project":
                issue.project_id = None if value is None else self._project(str(value)).id
            case "assignee":
                issue.assignee_id = None if value is None else self._user(str(value)).id
            case "blocked_by":
                self._set_blockers(issue, texts(value))
            case "title" | "description" | "priority" | "branch_name" | "url":
                setattr(issue, name, value)
            case "created_at" if value is not None:
                issue.created_at = datetime.fromisoformat(str(value))
            case "created_at" | "id":
                pass
            case _:
                raise ValueError(f"an issue has no field {name}")

    def _label(self, name: str) -> Label:
        found = next((each for each in self.labels.values() if each.name == name), None)
        return found or self.add_label(name)

    def _project(self, slug: str) -> Project:
        for project in self.projects.values():
            if slug in (project.slug, project.id):
                return project
        raise LookupError(f"there is no project {slug}")

    def _user(self, name: str) -> User:
        for user in self.users.values():
            if name in (user.id, user.email, user.display_name, user.name):
                return user
        raise LookupError(f"there is no user {name}")

    def _set_blockers(self, issue: Issue, names: Sequence[str]) -> None:
        self._drop_relations(lambda r: r.type == "blocks" and r.related_issue_id == issue.id)
        for name in names:
            self.relate(self.existing(name), issue, "blocks")

    def _drop_relations(self, is_meant: Callable[[Relation], bool]) -> None:
        for key in [key for key, each in self.relations.items() if is_meant(each)]:
            del self.relations[key]

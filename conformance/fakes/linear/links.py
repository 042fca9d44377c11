"""What a field of Linear's schema means in the world: scalars, one entity, or a list of entities.

Filters and answers both look here, so that what is filtered is what is shown. A field that no table
names is the attribute of the same name; None where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar, cast

from conformance.fakes.entities import (
    Attachment,
    Comment,
    Entity,
    Issue,
    Label,
    Project,
    Relation,
    State,
    Team,
    User,
)
from conformance.fakes.world import World

PRIORITY_WORDS = ("No priority", "Urgent", "High", "Medium", "Low")
COLOR = "#5e6ad2"
ORGANIZATION_ID = "5f0c2f2e-5a1e-4c5e-9a53-0b7d7a6c1c11"
SITE = "https://linear.example/acme"


@dataclass(slots=True, kw_only=True)
class Organization(Entity):
    """The workspace that everything belongs to."""

    name: str = "Acme"
    url_key: str = "acme"


class Links:
    """Fields of entities, for one viewer."""

    def __init__(self, world: World, viewer_id: str) -> None:
        self.world = world
        self.viewer_id = viewer_id

    def get(self, entity: object, field: str) -> object:
        """The value of a field of an entity; None where the world has nothing to say."""
        if not isinstance(entity, Entity):
            return None
        look = _TABLES[type(entity)].get(field)
        if look is not None:
            return look(self, entity)
        attribute = re.sub("[A-Z]", lambda match: "_" + match[0].lower(), field)
        return getattr(entity, attribute, None)

    def organization(self) -> Organization:
        """The one workspace, as old as its first user."""
        first = min((u.created_at for u in self.world.users.values()), default=self.world.now())
        return Organization(id=ORGANIZATION_ID, created_at=first, updated_at=first)

    def issues(self, is_meant: Callable[[Issue], bool]) -> list[Issue]:
        return [each for each in self.world.issues.values() if is_meant(each)]

    def is_related(self, issue: Issue, type_: str, *, inverse: bool = False) -> bool:
        """Whether the issue has a relation of this type, or is at the other end of one."""
        return any(
            relation.type == type_
            and issue.id == (relation.related_issue_id if inverse else relation.issue_id)
            for relation in self.world.relations.values()
        )


def entities(value: object) -> Sequence[Entity]:
    """The entities in a list that `Links.get` gave."""
    if not isinstance(value, list):
        return ()
    items = cast("list[object]", value)
    return [each for each in items if isinstance(each, Entity)]


_Look: TypeAlias = Callable[[Links, Entity], object]
_E = TypeVar("_E", bound=Entity)


def _table(kind: type[_E], fields: Mapping[str, Callable[[Links, _E], object]]) -> dict[str, _Look]:
    """Only entities of `kind` are looked up in it, which is what makes the cast true."""
    del kind
    return {name: cast("_Look", look) for name, look in fields.items()}


_ISSUE = _table(
    Issue,
    {
        "state": lambda links, issue: links.world.states[issue.state_id],
        "team": lambda links, issue: links.world.teams[issue.team_id],
        "project": lambda links, issue: links.world.projects.get(issue.project_id or ""),
        "assignee": lambda links, issue: links.world.users.get(issue.assignee_id or ""),
        "creator": lambda links, issue: links.world.users.get(issue.creator_id or ""),
        "parent": lambda links, issue: links.world.issues.get(issue.parent_id or ""),
        "number": lambda _, issue: float(issue.number),
        "priority": lambda _, issue: float(issue.priority),
        "priorityLabel": lambda _, issue: (
            PRIORITY_WORDS[issue.priority] if 0 <= issue.priority <= 4 else ""
        ),
        "previousIdentifiers": lambda _, __: [],
        "customerTicketCount": lambda _, __: 0,
        "labels": lambda links, issue: [links.world.labels[each] for each in issue.label_ids],
        "subscribers": lambda links, issue: [links.world.users[u] for u in issue.subscriber_ids],
        "children": lambda links, issue: links.issues(lambda i: i.parent_id == issue.id),
        "comments": lambda links, issue: links.world.comments_of(issue),
        "attachments": lambda links, issue: [
            each for each in links.world.attachments.values() if each.issue_id == issue.id
        ],
        "relations": lambda links, issue: [
            each for each in links.world.relations.values() if each.issue_id == issue.id
        ],
        "inverseRelations": lambda links, issue: [
            each for each in links.world.relations.values() if each.related_issue_id == issue.id
        ],
        "hasBlockedByRelations": lambda links, issue: links.is_related(
            issue, "blocks", inverse=True
        ),
        "hasBlockingRelations": lambda links, issue: links.is_related(issue, "blocks"),
        "hasDuplicateRelations": lambda links, issue: links.is_related(issue, "duplicate"),
        "hasRelatedRelations": lambda links, issue: links.is_related(issue, "related"),
        "searchableContent": lambda _, issue: f"{issue.title}\n{issue.description or ''}",
    },
)

_USER = _table(
    User,
    {
        "isMe": lambda links, user: user.id == links.viewer_id,
        "owner": lambda _, __: False,
        "guest": lambda _, __: False,
        "app": lambda _, __: False,
        "invited": lambda _, __: False,
        "isInvited": lambda _, __: False,
        "url": lambda _, user: f"{SITE}/profiles/{user.display_name}",
        "assignedIssues": lambda links, user: links.issues(lambda i: i.assignee_id == user.id),
        "createdIssues": lambda links, user: links.issues(lambda i: i.creator_id == user.id),
        "teams": lambda links, _: list(links.world.teams.values()),
        "organization": lambda links, _: links.organization(),
    },
)

_TEAM = _table(
    Team,
    {
        "displayName": lambda _, team: team.name,
        "timezone": lambda _, __: "Etc/UTC",
        "states": lambda links, team: [
            each for each in links.world.states.values() if each.team_id == team.id
        ],
        "defaultIssueState": lambda links, team: next(
            (
                each
                for each in links.world.states.values()
                if each.team_id == team.id and each.type == "unstarted"
            ),
            None,
        ),
        "issues": lambda links, team: links.issues(lambda i: i.team_id == team.id),
        "issueCount": lambda links, team: len(links.issues(lambda i: i.team_id == team.id)),
        "labels": lambda links, team: [
            each for each in links.world.labels.values() if each.team_id in (None, team.id)
        ],
        "members": lambda links, _: list(links.world.users.values()),
        "projects": lambda links, team: [
            each for each in links.world.projects.values() if team.id in each.team_ids
        ],
        "organization": lambda links, _: links.organization(),
    },
)

_PROJECT = _table(
    Project,
    {
        "slugId": lambda _, project: project.slug,
        "description": lambda _, __: "",
        "content": lambda _, __: "",
        "url": lambda _, project: f"{SITE}/project/{project.slug}",
        "color": lambda _, __: COLOR,
        "state": lambda _, __: "started",
        "priority": lambda _, __: 0,
        "progress": lambda _, __: 0.0,
        "sortOrder": lambda _, __: 0.0,
        "lead": lambda links, project: links.world.users.get(project.lead_id or ""),
        "members": lambda links, project: [links.world.users[u] for u in project.member_ids],
        "issues": lambda links, project: links.issues(lambda i: i.project_id == project.id),
        "teams": lambda links, project: [links.world.teams[t] for t in project.team_ids],
        "accessibleTeams": lambda links, project: [links.world.teams[t] for t in project.team_ids],
    },
)

_STATE = _table(
    State,
    {
        "color": lambda _, __: COLOR,
        "team": lambda links, state: links.world.teams[state.team_id],
        "issues": lambda links, state: links.issues(lambda i: i.state_id == state.id),
    },
)

_LABEL = _table(
    Label,
    {
        "color": lambda _, __: COLOR,
        "isGroup": lambda _, __: False,
        "team": lambda links, label: links.world.teams.get(label.team_id or ""),
        "issues": lambda links, label: links.issues(lambda i: label.id in i.label_ids),
        "children": lambda _, __: [],
    },
)

_COMMENT = _table(
    Comment,
    {
        "issue": lambda links, comment: links.world.issues.get(comment.issue_id),
        "user": lambda links, comment: links.world.users.get(comment.user_id or ""),
        "parent": lambda links, comment: links.world.comments.get(comment.parent_id or ""),
        "url": lambda links, comment: (
            f"{links.world.issues[comment.issue_id].url}#comment-{comment.id[:8]}"
        ),
    },
)

_RELATION = _table(
    Relation,
    {
        "issue": lambda links, relation: links.world.issues[relation.issue_id],
        "relatedIssue": lambda links, relation: links.world.issues[relation.related_issue_id],
    },
)

_ATTACHMENT = _table(
    Attachment,
    {
        "issue": lambda links, attachment: links.world.issues[attachment.issue_id],
        "creator": lambda links, attachment: links.world.users.get(attachment.creator_id or ""),
        "groupBySource": lambda _, __: False,
    },
)

_ORGANIZATION = _table(
    Organization,
    {
        "users": lambda links, _: list(links.world.users.values()),
        "teams": lambda links, _: list(links.world.teams.values()),
        "userCount": lambda links, _: len(links.world.users),
        "createdIssueCount": lambda links, _: len(links.world.issues),
    },
)

_TABLES: Mapping[type[Entity], Mapping[str, _Look]] = {
    Issue: _ISSUE,
    User: _USER,
    Team: _TEAM,
    Project: _PROJECT,
    State: _STATE,
    Label: _LABEL,
    Comment: _COMMENT,
    Relation: _RELATION,
    Attachment: _ATTACHMENT,
    Organization: _ORGANIZATION,
}

"""What changes the world: the mutations that agents use.

Each takes the coerced arguments and gives the payload. What the schema allows and Linear would not
take is an input error, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import TypeVar, cast

from graphql import GraphQLError

from conformance.fakes.entities import Attachment, Entity, Issue, Label, Relation, User
from conformance.fakes.json_values import texts
from conformance.fakes.linear.errors import input_error, not_found
from conformance.fakes.world import World

Arguments = Mapping[str, object]

OwnedEntity = TypeVar("OwnedEntity", bound=Entity)

LONGEST_TITLE = 512


class Mutations:
    """The mutations of one user."""

    def __init__(self, world: World, actor: User | None) -> None:
        self._world = world
        self._actor = actor

    def run(self, name: str, arguments: Arguments) -> dict[str, object]:
        """Carry one out."""
        with self._world.lock:
            return {"success": True, "lastSyncId": 0.0, **self._table()[name](arguments)}

    def _table(self) -> Mapping[str, Callable[[Arguments], dict[str, object]]]:
        return {
            "issueCreate": self._issue_create,
            "issueUpdate": lambda a: self._issue_update(self._issue(a["id"]), _input(a)),
            "issueArchive": lambda a: self._archive(self._issue(a["id"]), trashed=False),
            "issueDelete": lambda a: self._archive(self._issue(a["id"]), trashed=True),
            "issueUnarchive": self._unarchive,
            "issueAddLabel": self._add_label,
            "issueRemoveLabel": self._remove_label,
            "commentCreate": self._comment_create,
            "commentUpdate": self._comment_update,
            "commentDelete": lambda a: self._delete(self._world.comments, a["id"], "Comment"),
            "issueRelationCreate": self._relation_create,
            "issueRelationDelete": lambda a: self._delete(
                self._world.relations, a["id"], "IssueRelation"
            ),
            "issueLabelCreate": self._label_create,
            "attachmentCreate": lambda a: self._attach(_input(a)),
            "attachmentLinkURL": self._attach,
            "attachmentLinkGitHubPR": self._attach,
            "attachmentDelete": lambda a: self._delete(
                self._world.attachments, a["id"], "Attachment"
            ),
        }

    def _issue_create(self, arguments: Arguments) -> dict[str, object]:
        fields = _input(arguments)
        team = self._world.teams.get(str(fields["teamId"]))
        if team is None:
            raise not_found("Team")
        if not fields.get("title"):
            raise input_error("Argument Validation Error: title should not be empty")
        issue = self._world.put_issue(team)
        issue.creator_id = self._actor.id if self._actor else None
        try:
            return self._issue_update(issue, fields)
        except GraphQLError:
            self._world.remove(issue)
            raise

    def _issue_update(self, issue: Issue, fields: Arguments) -> dict[str, object]:
        changes = [self._change(issue, name, value) for name, value in fields.items()]
        for change in changes:
            change()
        issue.updated_at = self._world.now()
        return {"issue": issue}

    def _change(self, issue: Issue, name: str, value: object) -> Callable[[], None]:
        """The change, judged but not yet made: all of them happen, or none."""
        match name:
            case "stateId":
                return self._state(issue, value)
            case "labelIds" | "addedLabelIds" | "removedLabelIds":
                return self._labels(issue, name, texts(value))
            case "trashed":
                return lambda: self._world.archive(issue, trashed=bool(value))
            case "assigneeId" | "projectId" | "parentId" | "teamId":
                return self._reference(issue, name, value)
            case "title" | "description" | "priority" | "estimate" | "dueDate":
                _check_plain(name, value)
                attribute = "due_date" if name == "dueDate" else name
                return lambda: setattr(issue, attribute, value)
            case _:
                return lambda: None

    def _state(self, issue: Issue, value: object) -> Callable[[], None]:
        state = self._world.states.get(str(value))
        if state is None or state.team_id != issue.team_id:
            raise not_found("WorkflowState")
        return lambda: self._world.set_state(issue, state)

    def _reference(self, issue: Issue, name: str, value: object) -> Callable[[], None]:
        world = self._world
        known: Mapping[str, tuple[Mapping[str, Entity], str]] = {
            "assigneeId": (world.users, "User"),
            "projectId": (world.projects, "Project"),
            "parentId": (world.issues, "Issue"),
            "teamId": (world.teams, "Team"),
        }
        entities, kind = known[name]
        if value is not None and str(value) not in entities:
            raise not_found(kind)
        return lambda: setattr(issue, name.replace("Id", "_id"), value)

    def _labels(self, issue: Issue, name: str, ids: list[str]) -> Callable[[], None]:
        if any(each not in self._world.labels for each in ids):
            raise not_found("IssueLabel")
        kept = [each for each in issue.label_ids if each not in ids]
        after = {"labelIds": ids, "addedLabelIds": [*kept, *ids], "removedLabelIds": kept}[name]
        return lambda: setattr(issue, "label_ids", after)

    def _archive(self, issue: Issue, *, trashed: bool) -> dict[str, object]:
        self._world.archive(issue, trashed=trashed)
        return {"entity": issue}

    def _unarchive(self, arguments: Arguments) -> dict[str, object]:
        issue = self._issue(arguments["id"])
        self._world.unarchive(issue)
        return {"entity": issue}

    def _add_label(self, arguments: Arguments) -> dict[str, object]:
        added = {"addedLabelIds": [arguments["labelId"]]}
        return self._issue_update(self._issue(arguments["id"]), added)

    def _remove_label(self, arguments: Arguments) -> dict[str, object]:
        removed = {"removedLabelIds": [arguments["labelId"]]}
        return self._issue_update(self._issue(arguments["id"]), removed)

    def _comment_create(self, arguments: Arguments) -> dict[str, object]:
        fields = _input(arguments)
        issue = self._issue(fields.get("issueId"))
        if not str(fields.get("body") or "").strip():
            raise input_error("Argument Validation Error: body should not be empty")
        comment = self._world.comment(issue, str(fields["body"]), self._actor)
        parent = fields.get("parentId")
        comment.parent_id = None if parent is None else str(parent)
        return {"comment": comment}

    def _comment_update(self, arguments: Arguments) -> dict[str, object]:
        comment = self._world.comments.get(str(arguments["id"]))
        if comment is None:
            raise not_found("Comment")
        body = _input(arguments).get("body")
        if body is not None:
            comment.body = str(body)
        comment.edited_at = comment.updated_at = self._world.now()
        return {"comment": comment}

    def _relation_create(self, arguments: Arguments) -> dict[str, object]:
        fields = _input(arguments)
        issue, related = self._issue(fields["issueId"]), self._issue(fields["relatedIssueId"])
        relation: Relation = self._world.relate(issue, related, str(fields["type"]))
        return {"issueRelation": relation}

    def _label_create(self, arguments: Arguments) -> dict[str, object]:
        fields = _input(arguments)
        team = self._world.teams.get(str(fields.get("teamId")))
        label: Label = self._world.add_label(str(fields["name"]), team)
        return {"issueLabel": label}

    def _attach(self, fields: Arguments) -> dict[str, object]:
        issue, url = self._issue(fields["issueId"]), str(fields["url"])
        title, subtitle = fields.get("title"), fields.get("subtitle")
        attachment = Attachment(
            **self._world.stamp(),
            title=str(title or url),
            subtitle=None if subtitle is None else str(subtitle),
            url=url,
            issue_id=issue.id,
            creator_id=self._actor.id if self._actor else None,
        )
        self._world.attachments[attachment.id] = attachment
        return {"attachment": attachment}

    def _delete(
        self, owned: MutableMapping[str, OwnedEntity], id_: object, kind: str
    ) -> dict[str, object]:
        if owned.pop(str(id_), None) is None:
            raise not_found(kind)
        return {"entityId": str(id_)}

    def _issue(self, name: object) -> Issue:
        issue = self._world.issue(str(name))
        if issue is None:
            raise not_found("Issue")
        return issue


def _check_plain(name: str, value: object) -> None:
    if name == "title" and (not value or len(str(value)) > LONGEST_TITLE):
        raise input_error("Argument Validation Error: title is empty or too long")
    if name == "priority" and value not in range(5):
        raise input_error("Argument Validation Error: priority must be 0 to 4")


def _input(arguments: Arguments) -> Arguments:
    return cast("Arguments", arguments["input"])

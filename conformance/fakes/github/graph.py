"""What the fields of the GraphQL schema give: a hub as nested maps of values and functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from conformance.fakes.github.chaos import Chaos
from conformance.fakes.github.connections import Arguments, Source, connection
from conformance.fakes.github.entities import (
    Comment,
    Issue,
    Project,
    ProjectItem,
    Reference,
    Repository,
    Token,
)
from conformance.fakes.github.graph_errors import GraphError
from conformance.fakes.github.graph_fields import (
    field_shape,
    has_labels,
    label_shape,
    value_shape,
)
from conformance.fakes.github.hub import Hub
from conformance.fakes.github.rest import may_see
from conformance.fakes.github.shapes import moment


class Graph:
    """The graph as one token sees it."""

    def __init__(self, hub: Hub, token: Token, chaos: Chaos) -> None:
        self.hub = hub
        self.token = token
        self.chaos = chaos

    def owner(self, login: str) -> Source | None:
        named = {each.lower(): each for each in self.hub.owners}.get(login.lower())
        if named is None:
            return None
        return {
            "__typename": self.hub.owners[named],
            "id": f"O_{named}",
            "login": named,
            "name": named,
            "url": f"https://github.example/{named}",
            "projectV2": lambda given: self.project_numbered(named, _number(given)),
            "repository": lambda given: self.repository(named, given),
        }

    def user(self, login: str) -> Source:
        return {
            "__typename": "User",
            "id": f"U_{login}",
            "login": login,
            "name": None,
            "url": f"https://github.example/{login}",
            "projectV2": lambda given: self.project_numbered(login, _number(given)),
            "repository": lambda given: self.repository(login, given),
        }

    def repository(self, owner: str, given: Arguments) -> Source:
        full_name = f"{owner}/{_name(given)}"
        found = self.hub.repository(full_name)
        renamed = found is not None and found.key != full_name.lower()
        if (
            found is None
            or not may_see(self.token, found)
            or (renamed and given.get("followRenames") is False)
        ):
            raise GraphError(
                "NOT_FOUND", f"Could not resolve to a Repository with the name '{full_name}'."
            )
        return self.repository_shape(found)

    def repository_shape(self, repository: Repository) -> Source:
        return {
            "__typename": "Repository",
            "id": repository.node_id,
            "databaseId": repository.id,
            "name": repository.name,
            "nameWithOwner": repository.full_name,
            "hasIssuesEnabled": repository.has_issues,
            "owner": lambda _: self.owner(repository.owner),
            "url": f"https://github.example/{repository.full_name}",
            "issue": lambda given: self._issue_numbered(repository, _number(given), "Issue"),
            "pullRequest": lambda given: self._issue_numbered(
                repository, _number(given), "PullRequest"
            ),
            "issueOrPullRequest": lambda given: self._issue_numbered(
                repository, _number(given), ""
            ),
            "issues": lambda arguments: self._issues(repository, arguments),
            "labels": lambda arguments: connection(
                "labels", list(repository.labels.values()), label_shape, self.chaos, arguments
            ),
        }

    def issue(self, repository: Repository, issue: Issue) -> Source:
        if issue.pull_request is not None:
            return self.pull_request(repository, issue)
        reference = (repository.key, issue.number)
        return {
            **self._common(repository, issue),
            "__typename": "Issue",
            "state": "OPEN" if issue.is_open else "CLOSED",
            "stateReason": (issue.state_reason or "").upper() or None,
            "closedAt": moment(issue.closed_at),
            "fullDatabaseId": str(issue.id),
            "locked": False,
            "author": lambda _: self.user(issue.author),
            "labels": lambda arguments: connection(
                "labels", issue.labels, label_shape, self.chaos, arguments
            ),
            "assignees": lambda arguments: connection(
                "assignees", issue.assignees, self.user, self.chaos, arguments
            ),
            "comments": lambda arguments: connection(
                "comments", issue.comments, self._comment, self.chaos, arguments
            ),
            "parent": lambda _: self._at(issue.parent),
            "subIssues": lambda arguments: self._places(
                "subIssues", self.hub.sub_issues(reference), arguments
            ),
            "subIssuesSummary": lambda _: self._summary(reference),
            "closedByPullRequestsReferences": lambda arguments: self._closing(reference, arguments),
            "projectItems": lambda arguments: self._project_items(reference, arguments),
        }

    def pull_request(self, repository: Repository, issue: Issue) -> Source:
        part = issue.pull_request
        if part is None:
            raise LookupError("it is no pull request")
        state = "MERGED" if part.is_merged else "OPEN" if issue.is_open else "CLOSED"
        return {
            **self._common(repository, issue),
            "__typename": "PullRequest",
            "state": state,
            "merged": part.is_merged,
            "isDraft": part.is_draft,
            "headRefName": part.head,
            "baseRefName": part.base,
        }

    def project_numbered(self, owner: str, number: int) -> Source:
        found = self.hub.projects.get((owner.lower(), number))
        if found is None:
            raise GraphError(
                "NOT_FOUND", f"Could not resolve to a ProjectV2 with the number {number}."
            )
        return self.project(found)

    def project(self, project: Project) -> Source:
        if not self.token.can_read_projects:
            raise GraphError("FORBIDDEN", "Resource not accessible by integration")
        return {
            "__typename": "ProjectV2",
            "id": project.id,
            "number": project.number,
            "title": project.title,
            "closed": False,
            "url": f"https://github.example/{project.owner}/projects/{project.number}",
            "field": lambda given: field_shape(project.fields.get(_name(given).lower())),
            "fields": lambda arguments: connection(
                "fields", list(project.fields.values()), field_shape, self.chaos, arguments
            ),
            "items": lambda arguments: connection(
                "items",
                project.items,
                lambda item: self.item(project, item),
                self.chaos,
                arguments,
                key=lambda item: item.id,
            ),
        }

    def item(self, project: Project, item: ProjectItem) -> Source:
        content = None if item.content is None else self.hub.find(item.content)
        kind = "DRAFT_ISSUE" if content is None else "ISSUE"
        if content is not None and content.pull_request is not None:
            kind = "PULL_REQUEST"
        return {
            "__typename": "ProjectV2Item",
            "id": item.id,
            "type": kind,
            "isArchived": item.is_archived,
            "project": lambda _: self.project(project),
            "content": lambda _: self._content(item),
            "fieldValueByName": lambda given: value_shape(project, item, _name(given).lower()),
            "fieldValues": lambda arguments: connection(
                "fieldValues",
                list(item.values),
                lambda name: value_shape(project, item, name),
                self.chaos,
                arguments,
            ),
        }

    def _common(self, repository: Repository, issue: Issue) -> Source:
        path = "pull" if issue.pull_request else "issues"
        return {
            "id": issue.node_id,
            "databaseId": issue.id,
            "number": issue.number,
            "title": issue.title,
            "body": issue.body or "",
            "closed": not issue.is_open,
            "createdAt": moment(issue.created_at),
            "updatedAt": moment(issue.updated_at),
            "url": f"https://github.example/{repository.full_name}/{path}/{issue.number}",
            "repository": lambda _: self.repository_shape(repository),
        }

    def _issue_numbered(self, repository: Repository, number: int, kind: str) -> Source:
        found = repository.issues.get(number)
        if found is not None:
            shape = self.issue(repository, found)
            if kind in ("", shape["__typename"]):
                return shape
        named = "issue or pull request" if not kind else "Issue" if kind == "Issue" else kind
        raise GraphError(
            "NOT_FOUND", f"Could not resolve to an {named} with the number of {number}."
        )

    def _issues(self, repository: Repository, arguments: Arguments) -> Source:
        states = arguments.get("states") or ["OPEN", "CLOSED"]
        wanted = [
            (repository, issue)
            for issue in repository.issues.values()
            if issue.pull_request is None
            if isinstance(states, list) and ("OPEN" if issue.is_open else "CLOSED") in states
            if has_labels(issue, arguments.get("labels"))
        ]
        return self._places("issues", wanted, arguments)

    def _places(
        self,
        field: str,
        places: Sequence[tuple[Repository, Issue]],
        arguments: Arguments,
    ) -> Source:
        def shape(place: tuple[Repository, Issue]) -> Source:
            return self.issue(*place)

        def key(place: tuple[Repository, Issue]) -> datetime | int:
            return place[1].id

        ordered = "orderBy" in arguments
        return connection(field, places, shape, self.chaos, arguments, key=None if ordered else key)

    def _closing(self, reference: Reference, arguments: Arguments) -> Source:
        found = self.hub.pull_requests_closing(reference)
        if not arguments.get("includeClosedPrs"):
            found = [(place, each) for place, each in found if each.is_open]
        return self._places("closedByPullRequestsReferences", found, arguments)

    def _project_items(self, reference: Reference, arguments: Arguments) -> Source:
        found = [
            (project, item)
            for project in self.hub.projects.values()
            for item in project.items
            if item.content == reference
            if arguments.get("includeArchived", True) or not item.is_archived
        ]
        return connection(
            "projectItems", found, lambda each: self.item(*each), self.chaos, arguments
        )

    def _summary(self, reference: Reference) -> Source:
        children = self.hub.sub_issues(reference)
        done = sum(not child.is_open for _, child in children)
        percent = 100 * done // len(children) if children else 0
        return {"total": len(children), "completed": done, "percentCompleted": percent}

    def _at(self, reference: Reference | None) -> Source | None:
        issue = None if reference is None else self.hub.find(reference)
        repository = None if reference is None else self.hub.repository(reference[0])
        return None if issue is None or repository is None else self.issue(repository, issue)

    def _content(self, item: ProjectItem) -> Source | None:
        if item.content is None:
            return {"__typename": "DraftIssue", "id": f"DI_{item.id}", "title": "D", "body": ""}
        return self._at(item.content)

    def _comment(self, comment: Comment) -> Source:
        return {
            "__typename": "IssueComment",
            "id": f"IC_kw{comment.id:010d}",
            "body": comment.body,
            "createdAt": moment(comment.created_at),
            "author": lambda _: self.user(comment.author),
        }


def _number(given: Arguments) -> int:
    number = given["number"]
    return number if isinstance(number, int) else 0


def _name(given: Arguments) -> str:
    return str(given["name"])

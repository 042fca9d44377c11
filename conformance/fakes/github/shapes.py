"""How GitHub's REST interface writes the things of a hub."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime

from conformance.fakes.github.chaos import Chaos
from conformance.fakes.github.entities import Comment, Issue, Repository
from conformance.fakes.github.hub import Hub
from conformance.fakes.json_values import JsonObject, JsonValue


def moment(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Shapes:
    """`base` is the address of the REST interface."""

    def __init__(self, hub: Hub, base: str, chaos: Chaos) -> None:
        self._hub = hub
        self._base = base
        self._chaos = chaos

    def repository(self, repository: Repository, *, can_write: bool) -> JsonObject:
        return {
            "id": repository.id,
            "node_id": repository.node_id,
            "name": repository.name,
            "full_name": repository.full_name,
            "private": True,
            "owner": self.user(repository.owner),
            "html_url": f"https://github.example/{repository.full_name}",
            "url": self._place(repository),
            "has_issues": repository.has_issues,
            "default_branch": "main",
            "permissions": {
                "admin": False,
                "maintain": False,
                "push": can_write,
                "triage": can_write,
                "pull": True,
            },
        }

    def issue(self, repository: Repository, issue: Issue) -> JsonObject:
        reference = (repository.key, issue.number)
        path = "pull" if issue.pull_request else "issues"
        page = f"https://github.example/{repository.full_name}/{path}/{issue.number}"
        blockers = [self._hub.find(each) for each in issue.blocked_by]
        blocking = self._hub.blocked_by_it(reference)
        children = self._hub.sub_issues(reference)
        done = sum(not child.is_open for _, child in children)
        content: dict[str, JsonValue] = {
            "id": issue.id,
            "node_id": issue.node_id,
            "url": f"{self._place(repository)}/issues/{issue.number}",
            "repository_url": self._place(repository),
            "html_url": page,
            "number": issue.number,
            "title": issue.title,
            "body": None if self._chaos.nulls and not issue.body else issue.body,
            "user": self.user(issue.author),
            "state": "open" if issue.is_open else "closed",
            "state_reason": issue.state_reason,
            "locked": False,
            "labels": [self.label(repository, name) for name in issue.labels],
            "assignee": self.user(issue.assignees[0]) if issue.assignees else None,
            "assignees": [self.user(login) for login in issue.assignees],
            "milestone": None,
            "comments": len(issue.comments),
            "created_at": moment(issue.created_at),
            "updated_at": moment(issue.updated_at),
            "closed_at": moment(issue.closed_at),
            "author_association": "MEMBER",
            "sub_issues_summary": {
                "total": len(children),
                "completed": done,
                "percent_completed": 100 * done // len(children) if children else 0,
            },
            "issue_dependencies_summary": {
                "blocked_by": sum(each is not None and each.is_open for each in blockers),
                "total_blocked_by": len(blockers),
                "blocking": sum(each.is_open for _, each in blocking),
                "total_blocking": len(blocking),
            },
        }
        if issue.parent is not None:
            parent = self._hub.repository(issue.parent[0])
            if parent is not None:
                content["parent_issue_url"] = f"{self._place(parent)}/issues/{issue.parent[1]}"
        if issue.pull_request is not None:
            address = f"{self._place(repository)}/pulls/{issue.number}"
            content["draft"] = issue.pull_request.is_draft
            content["pull_request"] = {"url": address, "html_url": page, "merged_at": None}
        return self._with_extras(content)

    def pull_request(self, repository: Repository, issue: Issue) -> JsonObject:
        part = issue.pull_request
        if part is None:
            raise LookupError("it is no pull request")
        return self._with_extras(
            {
                **self.issue(repository, issue),
                "merged": part.is_merged,
                "draft": part.is_draft,
                "head": {"ref": part.head},
                "base": {"ref": part.base},
            }
        )

    def comment(self, repository: Repository, issue: Issue, comment: Comment) -> JsonObject:
        return self._with_extras(
            {
                "id": comment.id,
                "node_id": f"IC_kw{comment.id:010d}",
                "url": f"{self._place(repository)}/issues/comments/{comment.id}",
                "issue_url": f"{self._place(repository)}/issues/{issue.number}",
                "body": comment.body,
                "user": self.user(comment.author),
                "created_at": moment(comment.created_at),
                "updated_at": moment(comment.created_at),
            }
        )

    def label(self, repository: Repository, name: str) -> JsonObject:
        return {
            "id": zlib.crc32(name.lower().encode()),
            "node_id": f"LA_{name}",
            "url": f"{self._place(repository)}/labels/{name}",
            "name": name,
            "color": "ededed",
            "default": False,
            "description": None,
        }

    def user(self, login: str) -> JsonObject:
        kind = self._hub.owners.get(login, "Bot" if login.endswith("[bot]") else "User")
        return {"login": login, "id": sum(login.encode()), "type": kind, "site_admin": False}

    def _place(self, repository: Repository) -> str:
        return f"{self._base}/repos/{repository.full_name}"

    def _with_extras(self, content: dict[str, JsonValue]) -> JsonObject:
        if self._chaos.extras:
            content["added_last_week"] = {"nested": [1, None, "ä"]}
        return content

"""The world behind the fake: owners, repositories, issues, labels, boards.

Reading and changing happen under `lock`, so that a request sees one moment. Times have whole
seconds, as GitHub's do, and grow with each change, so that no order depends on luck.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack

from conformance.fakes.github.entities import (
    Comment,
    Issue,
    OwnerKind,
    Project,
    ProjectField,
    ProjectItem,
    PullRequestPart,
    Reference,
    Repository,
)

STATUS_OPTIONS = ("Todo", "In Progress", "Done")


class IssueFields(TypedDict, total=False):
    """What can be said of an issue by name. What is left out stays as it is."""

    title: str | None
    body: str | None
    is_open: bool
    labels: Sequence[str]
    assignees: Sequence[str]
    blocked_by: Sequence[Reference]
    parent: Reference | None
    created_at: str | None


class Hub:
    """`start` is the time of the first change; each one is a second later than the last."""

    def __init__(self, *, start: datetime | None = None) -> None:
        self.lock = threading.RLock()
        self.owners: dict[str, OwnerKind] = {}
        self.repositories: dict[str, Repository] = {}
        self.projects: dict[tuple[str, int], Project] = {}
        self._time = start or datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
        self._next_id = 1000

    def now(self) -> datetime:
        """A time later than every one before it."""
        with self.lock:
            self._time += timedelta(seconds=1)
            return self._time

    def new_id(self) -> int:
        with self.lock:
            self._next_id += 1
            return self._next_id

    # Places.

    def add_repository(
        self, full_name: str, *, owner_kind: OwnerKind = "Organization"
    ) -> Repository:
        with self.lock:
            owner, _, name = full_name.partition("/")
            self.owners.setdefault(owner, owner_kind)
            repository = Repository(id=self.new_id(), owner=owner, name=name)
            self.repositories[repository.key] = repository
            return repository

    def repository(self, full_name: str) -> Repository | None:
        return self.repositories.get(full_name.lower())

    def rename(self, repository: Repository, name: str) -> None:
        """The old name leads to the new one, as GitHub's redirects do."""
        with self.lock:
            repository.name = name
            self.repositories[repository.key] = repository

    # Issues.

    def put_issue(
        self,
        repository: Repository,
        number: int | None = None,
        **fields: Unpack[IssueFields],
    ) -> Issue:
        """Add an issue, or change the one with this number."""
        with self.lock:
            issue = None if number is None else repository.issues.get(number)
            if issue is None:
                issue = self._new_issue(repository, number)
            self._change(repository, issue, fields)
            return issue

    def add_pull_request(
        self,
        repository: Repository,
        *,
        title: str = "A change",
        closes: Sequence[Reference] = (),
        head: str = "feature",
        is_draft: bool = False,
    ) -> Issue:
        """A pull request; what it closes is linked to it."""
        with self.lock:
            issue = self.put_issue(repository, title=title)
            issue.pull_request = PullRequestPart(head=head, is_draft=is_draft, closes=list(closes))
            for reference in closes:
                self.touch(self.existing(reference))
            return issue

    def find(self, reference: Reference) -> Issue | None:
        repository = self.repositories.get(reference[0].lower())
        return None if repository is None else repository.issues.get(reference[1])

    def existing(self, reference: Reference) -> Issue:
        """The issue. Raises `LookupError`."""
        found = self.find(reference)
        if found is None:
            raise LookupError(f"there is no issue {reference[0]}#{reference[1]}")
        return found

    def touch(self, issue: Issue) -> None:
        issue.updated_at = self.now()

    def set_open(self, issue: Issue, is_open: bool, reason: str | None = None) -> None:
        with self.lock:
            issue.is_open = is_open
            issue.closed_at = None if is_open else self.now()
            issue.state_reason = reason or (None if is_open else "completed")
            self.touch(issue)

    def set_labels(self, repository: Repository, issue: Issue, names: Sequence[str]) -> None:
        """Labels that the repository does not have yet are made, as GitHub does."""
        with self.lock:
            spelled = (repository.labels.setdefault(each.lower(), each) for each in names)
            issue.labels = list(dict.fromkeys(spelled))
            self.touch(issue)

    def delete_issue(self, repository: Repository, number: int) -> None:
        with self.lock:
            del repository.issues[number]
            repository.deleted.add(number)
            self._drop_from_boards((repository.key, number))

    def transfer_issue(self, repository: Repository, number: int, target: Repository) -> Issue:
        """Move the issue; its old number redirects to the new one."""
        with self.lock:
            issue = repository.issues.pop(number)
            issue.number = target.next_number
            target.next_number += 1
            target.issues[issue.number] = issue
            repository.moved[number] = (target.key, issue.number)
            self._drop_from_boards((repository.key, number))
            self.touch(issue)
            return issue

    def comment(self, issue: Issue, body: str, author: str = "ada") -> Comment:
        with self.lock:
            comment = Comment(id=self.new_id(), body=body, author=author, created_at=self.now())
            issue.comments.append(comment)
            issue.updated_at = comment.created_at
            return comment

    def sub_issues(self, reference: Reference) -> list[tuple[Repository, Issue]]:
        """Issues whose parent this is."""
        return self._where(lambda issue: issue.parent == reference)

    def blocked_by_it(self, reference: Reference) -> list[tuple[Repository, Issue]]:
        return self._where(lambda issue: reference in issue.blocked_by)

    def pull_requests_closing(self, reference: Reference) -> list[tuple[Repository, Issue]]:
        return self._where(
            lambda issue: issue.pull_request is not None and reference in issue.pull_request.closes
        )

    # Boards.

    def add_project(
        self,
        owner: str,
        *,
        status_field: str | None = "Status",
        options: Sequence[str] = STATUS_OPTIONS,
    ) -> Project:
        """A board with a single-select state field, or without one."""
        with self.lock:
            self.owners.setdefault(owner, "Organization")
            number = 1 + sum(each.owner == owner for each in self.projects.values())
            node_id = f"PVT_kw{self.new_id():010d}"
            project = Project(id=node_id, owner=owner, number=number, title=f"Board {number}")
            self.projects[(owner.lower(), number)] = project
            self.add_field(project, "Title", "TITLE")
            if status_field is not None:
                self.add_field(project, status_field, "SINGLE_SELECT", options)
            return project

    def add_field(
        self, project: Project, name: str, type_: str, options: Sequence[str] = ()
    ) -> ProjectField:
        with self.lock:
            added = ProjectField(
                id=f"PVTF_kw{self.new_id():010d}",
                name=name,
                type=type_,
                options=(
                    {each: f"{self.new_id():08x}" for each in options}
                    if type_ == "SINGLE_SELECT"
                    else None
                ),
            )
            project.fields[name.lower()] = added
            return added

    def place(
        self, project: Project, reference: Reference | None, **values: str | float | None
    ) -> ProjectItem:
        """Put the issue (or a draft) on the board, or change its values, by the field's name in
        lower case. An option that is missing is made; None takes the value away."""
        with self.lock:
            item = next((i for i in project.items if i.content == reference and reference), None)
            if item is None:
                item = ProjectItem(id=f"PVTI_kw{self.new_id():010d}", content=reference)
                project.items.append(item)
            for name, value in values.items():
                key = name.lower()
                if value is None:
                    item.values.pop(key, None)
                    continue
                options = project.fields[key].options
                if options is not None:
                    options.setdefault(str(value), f"{self.new_id():08x}")
                item.values[key] = value
            return item

    def _new_issue(self, repository: Repository, number: int | None) -> Issue:
        number = number or repository.next_number
        repository.next_number = max(repository.next_number, number + 1)
        now = self.now()
        issue = Issue(
            id=self.new_id(),
            number=number,
            title=f"Issue {number}",
            created_at=now,
            updated_at=now,
        )
        repository.issues[number] = issue
        return issue

    def _change(self, repository: Repository, issue: Issue, fields: IssueFields) -> None:
        if "title" in fields:
            issue.title = fields["title"]
        if "body" in fields:
            issue.body = fields["body"]
        if "labels" in fields:
            self.set_labels(repository, issue, fields["labels"])
        if "assignees" in fields:
            issue.assignees = list(fields["assignees"])
        if "blocked_by" in fields:
            issue.blocked_by = [(name.lower(), number) for name, number in fields["blocked_by"]]
        if "parent" in fields:
            issue.parent = fields["parent"]
        if "created_at" in fields and fields["created_at"] is not None:
            issue.created_at = datetime.fromisoformat(fields["created_at"]).astimezone(UTC)
        if "is_open" in fields and fields["is_open"] is not issue.is_open:
            self.set_open(issue, fields["is_open"])
        self.touch(issue)

    def _where(self, is_meant: Callable[[Issue], bool]) -> list[tuple[Repository, Issue]]:
        with self.lock:
            places = {place.id: place for place in self.repositories.values()}
            return [
                (place, issue)
                for place in places.values()
                for issue in place.issues.values()
                if is_meant(issue)
            ]

    def _drop_from_boards(self, reference: Reference) -> None:
        for project in self.projects.values():
            project.items = [each for each in project.items if each.content != reference]

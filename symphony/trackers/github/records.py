"""GitHub's two spellings of an issue, read into one record.

Pure functions of a payload. What an issue must have and has not raises `MalformedRecordError`;
optional data that makes no sense becomes null or is dropped, and hides nothing
(`issue.optional.fallback`). A record says what GitHub said; what it means for the scheduler is
decided in `normalize`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from symphony.domain.json import (
    JsonObject,
    JsonValue,
    as_array,
    as_object,
    as_text,
    as_whole_number,
)


class MalformedRecordError(Exception):
    """No issue can be made of the record. `reason` is stable, `number` None if it has none."""

    def __init__(self, reason: str, detail: str, number: int | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.number = number


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request that closes the issue. `state` is `open`, `closed` or `merged`."""

    number: int
    repository: str
    state: str
    is_draft: bool
    url: str | None
    branch: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where the issue stands on the configured board. Names as the board shows them."""

    item_id: str
    status: str | None
    priority: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """`blockers` is how many issues block this one, None where that answer does not tell; likewise
    `pull_requests` and `placement`."""

    number: int
    node_id: str
    repository: str
    title: str
    body: str | None
    is_open: bool
    labels: tuple[str, ...]
    assignees: tuple[str, ...]
    url: str | None
    created_at: datetime | None
    updated_at: datetime | None
    parent: int | None = None
    sub_issues: tuple[int, int] | None = None
    blockers: int | None = None
    pull_requests: tuple[PullRequest, ...] | None = None
    placement: Placement | None = None


def is_pull_request(entry: JsonObject) -> bool:
    """Whether an entry of a list of issues is a pull request, as REST lists them among these."""
    return entry.get("pull_request") is not None


def record_of_rest(entry: JsonValue) -> Record:
    """An issue of the REST interface. Raises `MalformedRecordError`."""
    issue = as_object(entry)
    number = as_whole_number((issue or {}).get("number"))
    if issue is None or number is None:
        raise MalformedRecordError("no_number", "the entry is broken: it has no number")
    summary = as_object(issue.get("sub_issues_summary")) or {}
    dependencies = as_object(issue.get("issue_dependencies_summary"))
    return Record(
        number=number,
        node_id=_required(issue, "node_id", number),
        repository=_repository_of_rest(issue, number),
        title=_title(issue, number),
        body=as_text(issue.get("body")),
        is_open=_is_open(issue, number),
        labels=_names(issue.get("labels"), "name"),
        assignees=_names(issue.get("assignees"), "login"),
        url=as_text(issue.get("html_url")),
        created_at=instant(issue.get("created_at")),
        updated_at=instant(issue.get("updated_at")),
        parent=_last_number(as_text(issue.get("parent_issue_url"))),
        sub_issues=_counts(summary),
        blockers=None if dependencies is None else _blockers(dependencies),
    )


def record_of_graphql(entry: JsonValue, board_id: str | None = None) -> Record:
    """An issue of the GraphQL interface, with its placement on the board of that id. Raises
    `MalformedRecordError`."""
    issue = as_object(entry)
    number = as_whole_number((issue or {}).get("number"))
    if issue is None or number is None:
        raise MalformedRecordError("no_number", "the entry is broken: it has no number")
    repository = as_object(issue.get("repository")) or {}
    return Record(
        number=number,
        node_id=_required(issue, "id", number),
        repository=_required(repository, "nameWithOwner", number),
        title=_title(issue, number),
        body=as_text(issue.get("body")),
        is_open=_is_open(issue, number),
        labels=_names(_whole(issue, "labels", number), "name"),
        assignees=_names(_whole(issue, "assignees", number), "login"),
        url=as_text(issue.get("url")),
        created_at=instant(issue.get("createdAt")),
        updated_at=instant(issue.get("updatedAt")),
        parent=as_whole_number((as_object(issue.get("parent")) or {}).get("number")),
        sub_issues=_counts(as_object(issue.get("subIssuesSummary")) or {}),
        pull_requests=pull_requests_of(issue.get("closedByPullRequestsReferences")),
        placement=_placement_on(board_id, issue),
    )


def placement_of(item: JsonObject) -> Placement | None:
    """Where an item of a board stands; None for one that is archived or nothing."""
    item_id = as_text(item.get("id"))
    if item_id is None or item.get("isArchived") is True:
        return None
    status = as_object(item.get("status")) or {}
    name = (as_text(status.get("name")) or "").strip()
    return Placement(
        item_id=item_id,
        status=name or None,
        priority=_board_priority(as_object(item.get("priority")) or {}),
    )


def pull_requests_of(connection: JsonValue) -> tuple[PullRequest, ...] | None:
    """The pull requests of a GraphQL connection. None where there is no connection, or the token
    may not see one of them: then nobody knows how many there are."""
    if as_object(connection) is None:
        return None
    found = [_pull_request(as_object(each) or {}) for each in nodes(connection)]
    known = tuple(each for each in found if each is not None)
    return known if len(known) == len(found) else None


def nodes(connection: JsonValue) -> Sequence[JsonValue]:
    """The nodes of a GraphQL connection; none where there is no connection."""
    return as_array((as_object(connection) or {}).get("nodes")) or ()


def instant(value: JsonValue) -> datetime | None:
    """A time as GitHub writes it, with a zone, else None."""
    try:
        found = datetime.fromisoformat(as_text(value) or "")
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


PRIORITY_WORDS = {"urgent": 1, "critical": 1, "high": 2, "medium": 3, "normal": 3, "low": 4}
"""Words on the scale of 1 to 4 that the scheduler ranks."""


def priority_named(text: str) -> int | None:
    """`2`, `P2` and `high` are 2. `P0` is 1, because boards that have it mean the first."""
    name = text.strip().lower()
    digits = name.removeprefix("p")
    if digits.isascii() and digits.isdigit() and len(digits) <= 9:
        return max(1, int(digits)) if name.startswith("p") else int(digits)
    return PRIORITY_WORDS.get(name)


def _required(source: JsonObject, key: str, number: int) -> str:
    text = as_text(source.get(key))
    if not text:
        raise MalformedRecordError(
            "invalid_field", f"GH-{number} is broken: its `{key}` is missing", number
        )
    return text


def _title(issue: JsonObject, number: int) -> str:
    title = " ".join((as_text(issue.get("title")) or "").split())
    if not title:
        raise MalformedRecordError("no_title", f"GH-{number} is broken: it has no title", number)
    return title


def _is_open(issue: JsonObject, number: int) -> bool:
    state = (as_text(issue.get("state")) or "").lower()
    if state not in ("open", "closed"):
        raise MalformedRecordError(
            "invalid_field", f"GH-{number} is broken: it is neither open nor closed", number
        )
    return state == "open"


def _repository_of_rest(issue: JsonObject, number: int) -> str:
    parts = _required(issue, "repository_url", number).rsplit("/", 2)
    return "/".join(parts[-2:])


def _names(entries: JsonValue, key: str) -> tuple[str, ...]:
    """The names of labels, which REST may also give as plain texts, or of people."""
    names: list[str] = []
    for entry in as_array(entries) or ():
        name = as_text(entry) or as_text((as_object(entry) or {}).get(key)) or ""
        if name.strip():
            names.append(name.strip())
    return tuple(names)


def _whole(issue: JsonObject, key: str, number: int) -> Sequence[JsonValue]:
    """The nodes of a connection whose first page must be all: a part could hide a state."""
    page = as_object((as_object(issue.get(key)) or {}).get("pageInfo")) or {}
    if page.get("hasNextPage") is True:
        raise MalformedRecordError(
            "too_many", f"GH-{number} has more {key} than can be read; remove some", number
        )
    return nodes(issue.get(key))


def _counts(summary: JsonObject) -> tuple[int, int] | None:
    total = as_whole_number(summary.get("total"))
    completed = as_whole_number(summary.get("completed"))
    return None if total is None or completed is None else (total, completed)


def _blockers(summary: JsonObject) -> int | None:
    total = as_whole_number(summary.get("total_blocked_by"))
    return as_whole_number(summary.get("blocked_by")) if total is None else total


def _last_number(address: str | None) -> int | None:
    last = (address or "").rpartition("/")[2]
    return int(last) if last.isascii() and last.isdigit() and len(last) <= 10 else None


def _pull_request(node: JsonObject) -> PullRequest | None:
    number = as_whole_number(node.get("number"))
    state = as_text(node.get("state"))
    if number is None or state is None:
        return None
    return PullRequest(
        number=number,
        repository=as_text((as_object(node.get("repository")) or {}).get("nameWithOwner")) or "",
        state=state.lower(),
        is_draft=node.get("isDraft") is True,
        url=as_text(node.get("url")),
        branch=as_text(node.get("headRefName")),
    )


def _placement_on(board_id: str | None, issue: JsonObject) -> Placement | None:
    if board_id is None:
        return None
    for entry in nodes(issue.get("projectItems")):
        item = as_object(entry) or {}
        if (as_object(item.get("project")) or {}).get("id") == board_id:
            return placement_of(item)
    return None


def _board_priority(value: JsonObject) -> int | None:
    number = value.get("number")
    if isinstance(number, float):
        return int(number) if number.is_integer() else None
    if (whole := as_whole_number(number)) is not None:
        return whole
    return priority_named(as_text(value.get("name")) or "")

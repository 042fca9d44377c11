"""What a prompt template sees of an issue, and what is known of it beforehand.

Plain JSON values only: text, numbers, booleans, null, lists and maps. Times are RFC 3339 text in
UTC. Every field of the normalised issue is there in every rendering, null where it has no value
(`template.issue.nullable`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from symphony.domain.issue import BlockerRef, Issue
from symphony.domain.json import JsonValue, as_array, as_object
from symphony.workflow.template_check import ANYTHING, TEXT, Shape

_BLOCKER: Final = Shape(members=dict.fromkeys(("id", "identifier", "state"), TEXT))

_PULL_REQUEST: Final = Shape(
    members=dict.fromkeys(("number", "repository", "state", "is_draft", "url", "branch"), TEXT)
)

_ISSUE: Final = Shape(
    members={
        **dict.fromkeys(
            ("id", "identifier", "title", "description", "priority", "state", "branch_name"), TEXT
        ),
        **dict.fromkeys(("url", "assignee_id", "dispatchable", "created_at", "updated_at"), TEXT),
        "labels": Shape(members={}, item=TEXT),
        "blocked_by": Shape(members={}, item=_BLOCKER),
        "native_ref": ANYTHING,
        "pull_requests": Shape(members={}, item=_PULL_REQUEST),
    }
)

VARIABLES: Final[Mapping[str, Shape]] = {"issue": _ISSUE, "attempt": TEXT}
"""The names that a template may use."""


def prompt_variables(issue: Issue, attempt: int | None) -> dict[str, JsonValue]:
    """The values of `VARIABLES` for one run."""
    return {"issue": _issue(issue), "attempt": attempt}


def _issue(issue: Issue) -> dict[str, JsonValue]:
    return {
        "id": issue.id,
        "native_ref": plain(issue.native_ref),
        "identifier": issue.identifier,
        "title": issue.title,
        "description": issue.description,
        "priority": issue.priority,
        "state": issue.state,
        "branch_name": issue.branch_name,
        "url": issue.url,
        "assignee_id": issue.assignee_id,
        "labels": list(issue.labels),
        "blocked_by": [_blocker(blocker) for blocker in issue.blocked_by],
        "dispatchable": issue.dispatchable,
        "created_at": _timestamp(issue.created_at),
        "updated_at": _timestamp(issue.updated_at),
        "pull_requests": _pull_requests(issue),
    }


def _blocker(blocker: BlockerRef) -> dict[str, JsonValue]:
    return {"id": blocker.id, "identifier": blocker.identifier, "state": blocker.state}


def _pull_requests(issue: Issue) -> list[JsonValue]:
    """What the tracker linked. The one part of the opaque `native_ref` that has a name of its own:
    a list wherever nothing is known, so that a template can go over it with any tracker."""
    linked = as_array((issue.native_ref or {}).get("pull_requests")) or ()
    records = [each for each in map(as_object, linked) if each is not None]
    return [
        {name: plain(each.get(name)) for name in _PULL_REQUEST.members or ()} for each in records
    ]


def _timestamp(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def plain(value: JsonValue) -> JsonValue:
    """The same value in `dict` and `list`, whatever mapping or sequence it came in."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    return value

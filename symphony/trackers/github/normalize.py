"""From a record to an `Issue`: what the scheduler, the template and the tools see.

Pure. `dispatchable` carries every rule of GitHub and of the settings: assignment, blockers and
sub-issues (`issue.dispatchable.derived`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import BlockerRef, Issue, state_key
from symphony.domain.json import JsonObject, JsonValue
from symphony.trackers.blockers import must_wait
from symphony.trackers.github.records import PullRequest, Record, priority_named
from symphony.trackers.github.settings import GitHubSettings
from symphony.trackers.github.states import other_labels

PRIORITY_PREFIX = "priority:"
IDENTIFIER_PREFIX = "GH-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """An issue that blocks another one. `number` is None if it is in another repository."""

    number: int | None
    identifier: str
    state: str | None
    is_open: bool


def issue_id(number: int) -> IssueId:
    return IssueId(str(number))


def identifier(number: int) -> IssueIdentifier:
    return IssueIdentifier(f"{IDENTIFIER_PREFIX}{number}")


def issue_of(
    record: Record, state: str, settings: GitHubSettings, blockers: Sequence[Blocker] = ()
) -> Issue:
    """The record as an issue in this state."""
    assignee = _assignee(record, settings)
    return Issue(
        id=issue_id(record.number),
        identifier=identifier(record.number),
        title=record.title,
        state=state,
        dispatchable=_is_assigned(record, settings)
        and not _waits(record, state, settings, blockers),
        native_ref=_native_ref(record),
        description=(record.body or "").strip() or None,
        priority=_priority(record),
        url=record.url,
        assignee_id=assignee,
        labels=other_labels(record.labels, settings),
        blocked_by=tuple(_reference(each) for each in blockers),
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


def _is_assigned(record: Record, settings: GitHubSettings) -> bool:
    if settings.assignee is None:
        return True
    return settings.assignee.lower() in (login.lower() for login in record.assignees)


def _assignee(record: Record, settings: GitHubSettings) -> str | None:
    """The assignee that the settings ask for, if it is among them, else the first."""
    wanted = (settings.assignee or "").lower()
    named = (login for login in record.assignees if login.lower() == wanted)
    return next(named, record.assignees[0] if record.assignees else None)


def _waits(
    record: Record, state: str, settings: GitHubSettings, blockers: Sequence[Blocker]
) -> bool:
    unstarted = settings.unstarted
    if settings.wait_for_sub_issues and state_key(state) in unstarted and record.sub_issues:
        total, completed = record.sub_issues
        if completed < total:
            return True
    # A closed issue blocks nothing, whatever its labels or its column say.
    still_open = [_reference(each) for each in blockers if each.is_open]
    return must_wait(state, still_open, unstarted=unstarted, terminal=settings.terminal)


def _reference(blocker: Blocker) -> BlockerRef:
    return BlockerRef(
        id=None if blocker.number is None else issue_id(blocker.number),
        identifier=blocker.identifier,
        state=blocker.state,
    )


def _priority(record: Record) -> int | None:
    if record.placement is not None and record.placement.priority is not None:
        return record.placement.priority
    labels = (label.strip().lower() for label in record.labels)
    named = (
        priority_named(label.removeprefix(PRIORITY_PREFIX))
        for label in labels
        if label.startswith(PRIORITY_PREFIX)
    )
    return min((each for each in named if each is not None), default=None)


def _native_ref(record: Record) -> JsonObject:
    reference: dict[str, JsonValue] = {
        "number": record.number,
        "node_id": record.node_id,
        "repository": record.repository,
        "parent": record.parent,
        "sub_issues": None,
        "pull_requests": None,
    }
    if record.sub_issues is not None:
        total, completed = record.sub_issues
        reference["sub_issues"] = {"total": total, "completed": completed}
    if record.pull_requests is not None:
        reference["pull_requests"] = [_native_pull_request(each) for each in record.pull_requests]
    if record.placement is not None:
        reference["project_item_id"] = record.placement.item_id
    return reference


def _native_pull_request(pull_request: PullRequest) -> JsonObject:
    return {
        "number": pull_request.number,
        "repository": pull_request.repository,
        "state": pull_request.state,
        "is_draft": pull_request.is_draft,
        "url": pull_request.url,
        "branch": pull_request.branch,
    }

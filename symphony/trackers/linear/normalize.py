"""One issue of Linear's answer, read as an `Issue`.

Pure functions of the payload. What lacks id, identifier, title or state, or does not say by whom it
is blocked, raises `UnusableRecordError`; optional data that cannot be used becomes null or is
dropped, and never hides an issue (`issue.optional.fallback`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import BlockerRef, Issue, state_key
from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text
from symphony.trackers.blockers import must_wait
from symphony.trackers.linear.settings import Scope

UNSTARTED_TYPES = frozenset({"triage", "backlog", "unstarted"})
"""What Linear calls states in which nobody has begun."""

STARTED_TYPES = frozenset({"started", "completed", "canceled", "duplicate"})

BLOCKS = "blocks"

_EMPTY: JsonObject = {}


class UnusableRecordError(Exception):
    """The record is not an issue. `reason` is stable, the text is for people, `record` names it as
    well as it can be named."""

    def __init__(self, reason: str, message: str, record: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.record = record


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the settings say about any issue. `assignee_id` None: whoever has it. `unstarted` and
    `terminal` are in the form of `state_key`."""

    assignee_id: str | None
    unstarted: frozenset[str]
    terminal: frozenset[str]


def record_id(node: JsonValue) -> str | None:
    """The id of a record, if it has one."""
    return _text((as_object(node) or {}).get("id"))


def record_name(node: JsonValue) -> str:
    """What to call a record in a log line."""
    record = as_object(node) or {}
    return _text(record.get("identifier")) or _text(record.get("id")) or "an entry without an id"


def is_visible(node: JsonObject, scope: Scope) -> bool:
    """Whether the record is in everyday view and in the scope. The provider has been asked for
    nothing else; this is what an answer is held to (`tracker.ids.foreign`)."""
    return node.get("archivedAt") is None and is_in_scope(node, scope)


def is_in_scope(node: JsonObject, scope: Scope) -> bool:
    """Whether the record is in the scope, archived or not, but not in the bin."""
    if node.get("trashed") is True:
        return False
    slug = _text(_object(node, "project").get("slugId"))
    if scope.project_slugs and slug not in scope.project_slugs:
        return False
    team = (_text(_object(node, "team").get("key")) or "").lower()
    return scope.team_key is None or team == scope.team_key.lower()


def to_issue(node: JsonValue, rules: Rules) -> Issue:
    """The issue. Raises `UnusableRecordError`."""
    record = as_object(node)
    if record is None:
        raise UnusableRecordError("no_record", "the entry is not an object", record_name(node))
    column = _object(record, "state")
    state = _required(record, column.get("name"), "state")
    blockers = _blockers(record)
    assignee = _text(_object(record, "assignee").get("id"))
    waits = bool(blockers) and must_wait(
        state, blockers, unstarted=_unstarted(column, state, rules), terminal=rules.terminal
    )
    return Issue(
        id=IssueId(_required(record, record.get("id"), "id")),
        identifier=IssueIdentifier(_required(record, record.get("identifier"), "identifier")),
        title=" ".join(_required(record, record.get("title"), "title").split()),
        state=state,
        dispatchable=rules.assignee_id in (None, assignee) and not waits,
        native_ref=_native_ref(record, column),
        description=as_text(record.get("description")) or None,
        priority=_priority(record.get("priority")),
        branch_name=_text(record.get("branchName")),
        url=_text(record.get("url")),
        assignee_id=assignee,
        labels=_labels(record),
        blocked_by=blockers,
        created_at=_instant(record.get("createdAt")),
        updated_at=_instant(record.get("updatedAt")),
    )


def whose(data: JsonObject) -> str:
    """What the answer to the question for the viewer says of a key, for people."""
    viewer = _object(data, "viewer")
    owner = _text(viewer.get("name")) or _text(viewer.get("email")) or "somebody without a name"
    return f"belongs to {owner}; whether it may write, Linear shows only when it refuses a change."


def _required(record: JsonObject, value: JsonValue, field: str) -> str:
    text = _text(value)
    if text is None:
        raise UnusableRecordError(f"no_{field}", f"it has no {field}", record_name(record))
    return text


def _unstarted(column: JsonObject, state: str, rules: Rules) -> frozenset[str]:
    """The state's type decides; its name only where the type says nothing that is known."""
    type_ = as_text(column.get("type"))
    if type_ in UNSTARTED_TYPES:
        return frozenset({state_key(state)})
    return frozenset() if type_ in STARTED_TYPES else rules.unstarted


def _blockers(record: JsonObject) -> tuple[BlockerRef, ...]:
    relations = as_array(_object(record, "inverseRelations").get("nodes"))
    if relations is None:
        # Without them nobody can say whether the issue has to wait.
        raise UnusableRecordError(
            "no_relations", "it does not say by what it is blocked", record_name(record)
        )
    blocking = [each for each in map(as_object, relations) if each and each.get("type") == BLOCKS]
    return tuple(dict.fromkeys(_blocker(_object(each, "issue")) for each in blocking))


def _blocker(issue: JsonObject) -> BlockerRef:
    return BlockerRef(
        id=_text(issue.get("id")),
        identifier=_text(issue.get("identifier")),
        state=_text(_object(issue, "state").get("name")),
    )


def _labels(record: JsonObject) -> tuple[str, ...]:
    nodes = as_array(_object(record, "labels").get("nodes")) or ()
    names = [_text((as_object(each) or {}).get("name")) for each in nodes]
    # Linear promises no order; one of our own keeps prompts the same from turn to turn.
    return tuple(sorted({name.lower() for name in names if name is not None}))


def _priority(value: JsonValue) -> int | None:
    """1 to 4 as they are. Linear's 0 means that there is none."""
    number = _whole_number(value)
    return number or None


def _whole_number(value: JsonValue) -> int | None:
    """Linear declares its numbers as floats."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value == value // 1 else None


def _native_ref(record: JsonObject, column: JsonObject) -> JsonObject:
    team = _object(record, "team")
    return {
        "issue_id": as_text(record.get("id")),
        "number": _whole_number(record.get("number")),
        "team_id": as_text(team.get("id")),
        "team_key": as_text(team.get("key")),
        "project_id": as_text(_object(record, "project").get("id")),
        "state_id": as_text(column.get("id")),
    }


def _instant(value: JsonValue) -> datetime | None:
    """In UTC, because not every moment of another zone is one there."""
    try:
        instant = datetime.fromisoformat(as_text(value) or "")
        return instant.astimezone(UTC) if instant.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _object(record: JsonObject, name: str) -> JsonObject:
    return as_object(record.get(name)) or _EMPTY


def _text(value: JsonValue) -> str | None:
    """Text without blank edges; None for anything else and for blank text."""
    return (value.strip() or None) if isinstance(value, str) else None

"""From Linear's record to an issue."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from symphony.domain.issue import BlockerRef
from symphony.domain.json import JsonObject, JsonValue
from symphony.trackers.linear.normalize import Rules, UnusableRecordError, is_visible, to_issue
from symphony.trackers.linear.settings import Scope

RULES = Rules(
    assignee_id=None, unstarted=frozenset({"todo"}), terminal=frozenset({"done", "cancelled"})
)
SCOPE = Scope(project_slugs=("0123456789ab",), team_key="eng")


def relation(state: JsonValue, type_: str = "blocks") -> JsonObject:
    blocker: JsonObject = {"id": "b", "identifier": "ENG-2", "state": {"name": state}}
    return {"type": type_, "issue": blocker}


def record(**changes: JsonValue) -> dict[str, JsonValue]:
    whole: dict[str, JsonValue] = {
        "id": "a1",
        "identifier": "ENG-1",
        "number": 1.0,
        "title": "A title",
        "description": "Text.",
        "priority": 2.0,
        "branchName": "ada/eng-1",
        "url": "https://linear.app/acme/issue/ENG-1",
        "createdAt": "2026-03-01T08:00:00.000Z",
        "updatedAt": "2026-03-02T08:00:00.000Z",
        "archivedAt": None,
        "trashed": None,
        "state": {"id": "s1", "name": "Todo", "type": "unstarted"},
        "team": {"id": "t1", "key": "ENG"},
        "project": {"id": "p1", "slugId": "0123456789ab"},
        "assignee": {"id": "u1"},
        "labels": {"nodes": [{"name": "UI"}, {"name": " backend "}, {"name": "ui"}]},
        "inverseRelations": {"nodes": []},
    }
    return {**whole, **changes}


def column(name: str, type_: JsonValue) -> JsonObject:
    return {"id": "s", "name": name, "type": type_}


@pytest.mark.proves("issue.native_ref.kept", "issue.labels.normalised", "issue.time.parsed")
def test_every_field_has_its_source() -> None:
    issue = to_issue(record(), RULES)
    assert (issue.id, issue.identifier, issue.title) == ("a1", "ENG-1", "A title")
    assert (issue.state, issue.priority, issue.description) == ("Todo", 2, "Text.")
    assert (issue.branch_name, issue.assignee_id) == ("ada/eng-1", "u1")
    assert issue.url == "https://linear.app/acme/issue/ENG-1"
    assert issue.labels == ("backend", "ui")
    assert issue.created_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert issue.dispatchable
    assert issue.native_ref == {
        "issue_id": "a1",
        "number": 1,
        "team_id": "t1",
        "team_key": "ENG",
        "project_id": "p1",
        "state_id": "s1",
    }


@pytest.mark.proves("issue.required.filled")
@pytest.mark.parametrize("field", ["id", "identifier", "title", "state", "inverseRelations"])
@pytest.mark.parametrize("value", [None, "", " \n", 7, {}, []])
def test_a_record_without_what_an_issue_needs_is_unusable(field: str, value: JsonValue) -> None:
    with pytest.raises(UnusableRecordError) as caught:
        to_issue(record(**{field: value}), RULES)
    assert caught.value.record == ("a1" if field == "identifier" else "ENG-1")
    assert caught.value.reason.startswith("no_")


@pytest.mark.parametrize("node", [None, "text", 7, []])
def test_what_is_no_object_is_unusable(node: JsonValue) -> None:
    with pytest.raises(UnusableRecordError, match="not an object"):
        to_issue(node, RULES)


@pytest.mark.proves("issue.optional.fallback")
@pytest.mark.parametrize(
    "field",
    [
        "description",
        "priority",
        "branchName",
        "url",
        "createdAt",
        "updatedAt",
        "assignee",
        "labels",
    ],
)
@pytest.mark.parametrize("value", [None, True, [], "", {"nodes": None}])
def test_optional_data_that_makes_no_sense_hides_nothing(field: str, value: JsonValue) -> None:
    issue = to_issue(record(**{field: value}), RULES)
    assert issue.identifier == "ENG-1"
    shown = {
        "description": issue.description,
        "priority": issue.priority,
        "branchName": issue.branch_name,
        "url": issue.url,
        "createdAt": issue.created_at,
        "updatedAt": issue.updated_at,
        "assignee": issue.assignee_id,
        "labels": issue.labels or None,
    }
    assert shown[field] is None


@pytest.mark.parametrize(
    ("written", "priority"),
    [(0, None), (0.0, None), (1.0, 1), (4, 4), (2.5, None), ("1", None), (float("inf"), None)],
)
def test_a_priority_is_whole_and_zero_means_none(written: JsonValue, priority: int | None) -> None:
    assert to_issue(record(priority=written), RULES).priority == priority


@pytest.mark.parametrize(
    ("assignee", "wanted", "dispatchable"),
    [
        ({"id": "u1"}, "u1", True),
        ({"id": "u2"}, "u1", False),
        (None, "u1", False),
        (None, None, True),
    ],
)
def test_an_issue_of_somebody_else_is_not_dispatchable(
    assignee: JsonValue, wanted: str | None, dispatchable: bool
) -> None:
    rules = Rules(assignee_id=wanted, unstarted=RULES.unstarted, terminal=RULES.terminal)
    assert to_issue(record(assignee=assignee), rules).dispatchable is dispatchable


@pytest.mark.proves("issue.dispatchable.derived", "issue.blockers.not_invented")
@pytest.mark.parametrize(
    ("state", "relations", "dispatchable"),
    [
        (column("Todo", "unstarted"), [relation("In Progress")], False),
        (column("Todo", "unstarted"), [relation(" DONE ")], True),
        (column("Todo", "unstarted"), [relation("Done"), relation("Todo")], False),
        (column("Todo", "unstarted"), [relation("Todo", "related")], True),
        (column("Todo", "unstarted"), [relation(None)], False),
        (column("Soon", "backlog"), [relation("Todo")], False),
        (column("Todo", "started"), [relation("Todo")], True),
        (column("Todo", "something new"), [relation("Todo")], False),
        (column("Doing", None), [relation("Todo")], True),
    ],
)
def test_an_unstarted_issue_waits_for_open_blockers(
    state: JsonObject, relations: list[JsonValue], dispatchable: bool
) -> None:
    issue = to_issue(record(state=state, inverseRelations={"nodes": relations}), RULES)
    assert issue.dispatchable is dispatchable


def test_a_blocker_is_told_with_what_is_known_of_it() -> None:
    nodes: list[JsonValue] = [relation("Todo"), {"type": "blocks", "issue": None}]
    issue = to_issue(record(inverseRelations={"nodes": nodes}), RULES)
    assert issue.blocked_by == (
        BlockerRef(id="b", identifier="ENG-2", state="Todo"),
        BlockerRef(),
    )


@pytest.mark.proves("tracker.ids.foreign")
@pytest.mark.parametrize(
    ("changes", "visible"),
    [
        ({}, True),
        ({"archivedAt": "2026-03-01T08:00:00.000Z"}, False),
        ({"trashed": True}, False),
        ({"project": None}, False),
        ({"project": {"id": "p2", "slugId": "ba9876543210"}}, False),
        ({"team": {"id": "t2", "key": "OPS"}}, False),
    ],
)
def test_what_has_left_the_scope_is_not_visible(
    changes: dict[str, JsonValue], visible: bool
) -> None:
    assert is_visible(record(**changes), SCOPE) is visible

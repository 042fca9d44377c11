"""What every tracker promises about its tools, and what those with `issue_update` do."""

from __future__ import annotations

import re

import anyio
import jsonschema
import pytest

from symphony.domain.ids import IssueId
from symphony.domain.issue import Issue
from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text
from symphony.domain.tools import ToolContext, ToolResult
from symphony.trackers.issue_update import MAXIMUM_COMMENT_CHARACTERS
from tests.support.tracker_worlds import ACTIVE, TrackerWorld, Wanted

pytestmark = pytest.mark.anyio


async def issue_of(world: TrackerWorld, issue_id: IssueId) -> Issue:
    (issue,) = await world.tracker.fetch_issues_by_ids([issue_id])
    return issue


async def call(
    world: TrackerWorld, issue: Issue, arguments: JsonValue, name: str = "issue_update"
) -> ToolResult:
    return await world.tracker.execute_tool(name, arguments, ToolContext(issue=issue))


def error_of(result: ToolResult) -> JsonObject:
    assert not result.success
    content = as_object(result.content)
    assert content is not None
    error = as_object(content["error"])
    assert error is not None
    assert as_text(error["message"])
    return error


@pytest.fixture
async def updatable(world: TrackerWorld) -> TrackerWorld:
    """A world whose tracker offers `issue_update`."""
    if reason := world.cannot.get("issue_update"):
        pytest.skip(reason)
    return world


@pytest.mark.proves("tool.advertise.form")
async def test_tools_have_plain_names_and_valid_schemas_and_never_change(
    world: TrackerWorld,
) -> None:
    specs = world.tracker.tool_specs()
    for spec in specs:
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,128}", spec.name)
        assert spec.description
        jsonschema.Draft202012Validator.check_schema(dict(spec.input_schema))
        assert spec.input_schema["type"] == "object"
    world.put(Wanted(key="one", state="A state of its own"))
    await world.tracker.fetch_issues_by_states(ACTIVE)
    assert list(world.tracker.tool_specs()) == list(specs)


@pytest.mark.proves("tool.result.failure")
async def test_an_unknown_tool_is_a_failure_with_a_sentence(world: TrackerWorld) -> None:
    issue = await issue_of(world, world.put(Wanted(key="one")))
    result = await call(world, issue, {}, name="no_such_tool")
    assert "no_such_tool" in str(error_of(result)["message"])


@pytest.mark.proves("tool.result.failure")
@pytest.mark.parametrize(
    "arguments",
    [
        None,
        [],
        "text",
        {},
        {"state": None, "labels": None},
        {"state": 7},
        {"state": "  "},
        {"state": "Do\nne"},
        {"labels": "one"},
        {"labels": [1]},
        {"labels": [""]},
        {"labels": [f"label-{number}" for number in range(51)]},
        {"comment": " \n\t"},
        {"comment": "x" * (MAXIMUM_COMMENT_CHARACTERS + 1)},
        {"issue": "another", "state": "Done"},
    ],
)
async def test_arguments_that_make_no_sense_are_refused_and_change_nothing(
    updatable: TrackerWorld, arguments: JsonValue
) -> None:
    issue = await issue_of(updatable, updatable.put(Wanted(key="one", labels=["kept"])))
    error = error_of(await call(updatable, issue, arguments))
    assert error["code"] == "invalid_arguments"
    assert await issue_of(updatable, issue.id) == issue


@pytest.mark.proves("tool.execute.host_side", "tool.result.structured", "tool.execute.context")
async def test_a_call_changes_state_labels_and_text_and_says_what_changed(
    updatable: TrackerWorld,
) -> None:
    issue = await issue_of(updatable, updatable.put(Wanted(key="one", labels=["old"])))
    arguments: JsonValue = {"state": "Done", "labels": ["New", "UI"], "comment": "It works."}
    result = await call(updatable, issue, arguments)
    assert result.success
    assert result.content == {
        "issue": issue.identifier,
        "changed": {
            "state": {"from": "Todo", "to": "Done"},
            "labels": {"from": ["old"], "to": ["new", "ui"]},
            "comment": "added",
        },
    }
    after = await issue_of(updatable, issue.id)
    assert (after.state, after.labels) == ("Done", ("new", "ui"))
    assert after.description is not None
    assert after.description.startswith("What is to be done.")
    assert "It works." in after.description


async def test_what_is_left_out_stays_as_it_is(updatable: TrackerWorld) -> None:
    issue = await issue_of(updatable, updatable.put(Wanted(key="one", labels=["kept"])))
    assert (await call(updatable, issue, {"state": "In Progress"})).success
    after = await issue_of(updatable, issue.id)
    assert (after.labels, after.description) == (issue.labels, issue.description)


async def test_what_is_so_already_is_a_success_that_changes_nothing(
    updatable: TrackerWorld,
) -> None:
    issue = await issue_of(updatable, updatable.put(Wanted(key="one", labels=["a", "b"])))
    result = await call(updatable, issue, {"state": "todo", "labels": ["B", "A"]})
    assert result == ToolResult(success=True, content={"issue": issue.identifier, "changed": {}})


async def test_an_empty_list_removes_all_labels(updatable: TrackerWorld) -> None:
    issue = await issue_of(updatable, updatable.put(Wanted(key="one", labels=["a", "b"])))
    assert (await call(updatable, issue, {"labels": []})).success
    assert (await issue_of(updatable, issue.id)).labels == ()


async def test_a_state_that_nobody_knows_is_refused_with_the_known_ones(
    updatable: TrackerWorld,
) -> None:
    issue = await issue_of(updatable, updatable.put(Wanted(key="one")))
    error = error_of(await call(updatable, issue, {"state": "Doen"}))
    assert error["code"] == "unknown_state"
    known = as_array(error["known_states"])
    assert known is not None
    assert set(ACTIVE) <= set(known)
    assert (await issue_of(updatable, issue.id)).state == "Todo"


async def test_a_state_of_another_issue_is_known_and_keeps_its_spelling(
    updatable: TrackerWorld,
) -> None:
    updatable.put(Wanted(key="other", state="Human Review"))
    issue = await issue_of(updatable, updatable.put(Wanted(key="one")))
    assert (await call(updatable, issue, {"state": "human review"})).success
    assert (await issue_of(updatable, issue.id)).state == "Human Review"


@pytest.mark.proves("tool.scope.confined")
async def test_only_the_issue_of_the_session_changes(updatable: TrackerWorld) -> None:
    other = await issue_of(updatable, updatable.put(Wanted(key="other")))
    issue = await issue_of(updatable, updatable.put(Wanted(key="one")))
    await call(updatable, issue, {"state": "Done", "comment": "other: state Done"})
    assert await issue_of(updatable, other.id) == other


async def test_an_issue_that_is_gone_is_a_failure(updatable: TrackerWorld) -> None:
    issue = await issue_of(updatable, updatable.put(Wanted(key="one")))
    updatable.remove(issue.id)
    error = error_of(await call(updatable, issue, {"state": "Done"}))
    assert error["code"] == "issue_not_found"


async def test_a_comment_is_data_whatever_it_looks_like(updatable: TrackerWorld) -> None:
    issue = await issue_of(updatable, updatable.put(Wanted(key="one", labels=["kept"])))
    comment = "---\nstate: Done\nlabels: []\n---\n\n## Comments\n\x1b[31mred\x00"
    assert (await call(updatable, issue, {"comment": comment})).success
    after = await issue_of(updatable, issue.id)
    assert (after.state, after.labels, after.title) == (issue.state, issue.labels, issue.title)
    assert after.description is not None
    assert "state: Done" in after.description
    assert not set("\x1b\x00") & set(after.description)


async def test_calls_at_the_same_time_lose_nothing(updatable: TrackerWorld) -> None:
    issue = await issue_of(updatable, updatable.put(Wanted(key="one")))
    comments = [f"remark number {number}." for number in range(8)]
    async with anyio.create_task_group() as group:
        for comment in comments:
            group.start_soon(call, updatable, issue, {"comment": comment})
        group.start_soon(call, updatable, issue, {"state": "In Progress"})
        group.start_soon(call, updatable, issue, {"labels": ["busy"]})
    after = await issue_of(updatable, issue.id)
    assert after.description is not None
    assert [comment for comment in comments if comment not in after.description] == []
    assert (after.state, after.labels) == ("In Progress", ("busy",))

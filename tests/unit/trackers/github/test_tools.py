"""The tools of the GitHub tracker: what the agent can do, and what it is told."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from conformance.fakes.faults import Fault
from conformance.fakes.github.entities import Repository, Token
from conformance.fakes.github.server import GitHubFake
from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue
from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text
from symphony.domain.tools import ToolContext, ToolResult
from symphony.trackers.errors import TrackerError
from symphony.trackers.github.tools import MAXIMUM_BODY_CHARACTERS, MAXIMUM_RESULT_CHARACTERS
from symphony.trackers.github.tracker import GitHubTracker
from tests.support.github_worlds import TOKEN, Open

pytestmark = pytest.mark.anyio

PREFIX = "/repos/acme/widgets"
ISSUE = Issue(
    id=IssueId("1"),
    identifier=IssueIdentifier("GH-1"),
    title="T",
    state="open",
    dispatchable=True,
)


async def call(
    tracker: GitHubTracker, name: str = "github_api", **arguments: JsonValue
) -> ToolResult:
    result = await tracker.execute_tool(name, arguments, ToolContext(issue=ISSUE))
    assert TOKEN not in json.dumps(result.content)
    return result


def content(result: ToolResult) -> JsonObject:
    found = as_object(result.content)
    assert found is not None
    return found


def error(result: ToolResult) -> JsonObject:
    assert not result.success
    found = as_object(content(result)["error"])
    assert found is not None
    assert as_text(found["message"])
    return found


@pytest.mark.proves("tool.execute.host_side", "tool.result.structured")
async def test_an_issue_goes_from_todo_to_done_through_the_tool(
    fake: GitHubFake, open_tracker: Open, repository: Repository
) -> None:
    fake.hub.put_issue(repository, labels=["status:Todo", "ui"])
    tracker = open_tracker(("Todo",), ("Done",), state_source="label")
    read = await call(tracker, path=f"{PREFIX}/issues/1")
    assert read.success
    assert content(read)["status"] == 200
    labels: JsonValue = ["ui", "status:Done"]
    moved = await call(tracker, method="PATCH", path=f"{PREFIX}/issues/1", body={"labels": labels})
    said = await call(
        tracker, method="POST", path=f"{PREFIX}/issues/1/comments", body={"body": "It works."}
    )
    removed = await call(tracker, method="DELETE", path=f"{PREFIX}/issues/1/labels/ui")
    assert (moved.success, said.success, removed.success) == (True, True, True)
    assert content(said)["status"] == 201
    assert [each.body for each in repository.issues[1].comments] == ["It works."]
    (issue,) = await tracker.fetch_issues_by_ids([IssueId("1")])
    assert (issue.state, issue.labels) == ("Done", ())


async def test_lists_take_parameters_and_say_that_they_go_on(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    for _ in range(3):
        fake.hub.put_issue(repository)
    params: JsonValue = {"per_page": 2, "sort": "created", "direction": "asc"}
    result = content(await call(tracker, path=f"{PREFIX}/issues", params=params))
    assert result["has_next_page"] is True
    entries = as_array(result["body"]) or ()
    assert [(as_object(each) or {})["number"] for each in entries] == [1, 2]


@pytest.mark.proves("tool.result.failure")
@pytest.mark.parametrize(
    "arguments",
    [
        None,
        [],
        "GET /",
        {},
        {"path": 7},
        {"path": f"{PREFIX}/issues", "method": "HEAD"},
        {"path": f"{PREFIX}/issues", "method": "get"},
        {"path": f"{PREFIX}/issues", "params": {"page": [1]}},
        {"path": f"{PREFIX}/issues", "params": {f"p{n}": n for n in range(31)}},
        {"path": f"{PREFIX}/issues", "body": {"title": "x"}},
        {"path": f"{PREFIX}/issues", "method": "POST", "body": "text"},
        {"path": f"{PREFIX}/issues", "method": "POST", "body": {"t": float("nan")}},
        {
            "path": f"{PREFIX}/issues",
            "method": "POST",
            "body": {"title": "x" * (MAXIMUM_BODY_CHARACTERS + 1)},
        },
        {"path": f"{PREFIX}/issues", "headers": {"X": "y"}},
        {"path": f"{PREFIX}/issues?state=all"},
    ],
)
async def test_arguments_that_make_no_sense_are_refused_without_a_request(
    fake: GitHubFake, tracker: GitHubTracker, arguments: JsonValue
) -> None:
    result = await tracker.execute_tool("github_api", arguments, ToolContext(issue=ISSUE))
    assert error(result)["code"] == "invalid_arguments"
    assert len(fake.requests) == 0


@pytest.mark.proves("tool.scope.confined")
async def test_what_is_out_of_scope_is_refused_without_a_request(
    fake: GitHubFake, tracker: GitHubTracker
) -> None:
    assert error(await call(tracker, path=f"{PREFIX}/../other"))["code"] == "out_of_scope"
    deleted = await call(tracker, method="DELETE", path=PREFIX)
    assert error(deleted)["code"] == "not_allowed"
    assert len(fake.requests) == 0


@pytest.mark.proves("tool.result.failure")
@pytest.mark.parametrize("status", [401, 403, 404, 422, 500])
async def test_a_refusal_of_github_is_a_failure_with_status_and_body(
    fake: GitHubFake, tracker: GitHubTracker, status: int
) -> None:
    fake.faults.add(Fault(kind="status", status=status))
    found = error(await call(tracker, path=f"{PREFIX}/issues"))
    assert (found["code"], found["status"]) == ("tracker_status", status)
    assert as_object(found["body"]) is not None


@pytest.mark.proves("tool.result.failure")
async def test_trouble_on_the_way_is_a_failure(fake: GitHubFake, tracker: GitHubTracker) -> None:
    with fake.unreachable():
        found = error(await call(tracker, path=f"{PREFIX}/issues"))
    assert found["code"] == "tracker_request"
    fake.faults.add(Fault(kind="status", status=429, retry_after="7"))
    limited = error(await call(tracker, path=f"{PREFIX}/issues"))
    assert (limited["code"], limited["retry_after_ms"]) == ("tracker_rate_limited", 7_000)


async def test_a_change_is_never_sent_twice(fake: GitHubFake, tracker: GitHubTracker) -> None:
    fake.faults.add(Fault(kind="reset"))
    made = await call(tracker, method="POST", path=f"{PREFIX}/issues", body={"title": "T"})
    assert not made.success
    assert len(fake.requests) == 1


@pytest.mark.proves("tool.result.no_secret")
async def test_an_answer_that_repeats_the_token_is_redacted(
    fake: GitHubFake, tracker: GitHubTracker
) -> None:
    fake.faults.add(Fault(kind="echo_secret"))
    result = await call(tracker, path=f"{PREFIX}/issues")
    assert "[redacted]" in json.dumps(result.content)


@pytest.mark.proves("tool.result.bounded")
async def test_a_long_answer_is_cut_and_says_so(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    for _ in range(3):
        fake.hub.put_issue(repository, body="x" * 30_000)
    result = await call(tracker, path=f"{PREFIX}/issues")
    assert result.success
    assert as_text(content(result)["truncated"])
    assert len(json.dumps(result.content)) < MAXIMUM_RESULT_CHARACTERS * 1.2


async def test_a_transferred_issue_is_not_followed(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    fake.hub.put_issue(repository)
    fake.hub.transfer_issue(repository, 1, fake.hub.add_repository("acme/elsewhere"))
    found = error(await call(tracker, path=f"{PREFIX}/issues/1"))
    assert found["status"] == 301
    assert len(fake.requests) == 1


async def test_the_tools_may_have_a_token_of_their_own(
    fake: GitHubFake, open_tracker: Open, repository: Repository
) -> None:
    fake.tokens = {
        TOKEN: Token(can_write=False),
        "ghp_for-the-tools": Token(login="ada"),
    }
    fake.hub.put_issue(repository)
    body: Mapping[str, JsonValue] = {"state": "closed"}
    path = f"{PREFIX}/issues/1"
    refused = await call(open_tracker(), method="PATCH", path=path, body=body)
    assert error(refused)["status"] == 403
    tracker = open_tracker(tool_token="ghp_for-the-tools")
    assert (await call(tracker, method="PATCH", path=path, body=body)).success
    assert tracker.secret_values() == {TOKEN, "ghp_for-the-tools"}
    await tracker.fetch_issues_by_ids([IssueId("1")])
    sent = [each.headers["authorization"] for each in fake.requests.all()]
    assert sent[1] == "Bearer ghp_for-the-tools"
    assert sent[2] == f"Bearer {TOKEN}"


async def test_the_rights_of_both_tokens_can_be_shown(fake: GitHubFake, open_tracker: Open) -> None:
    fake.tokens = {
        TOKEN: Token(can_write=False),
        "ghp_for-the-tools": Token(login="ada", scopes="repo, read:project"),
    }
    own, tools = await open_tracker(tool_token="ghp_for-the-tools").access()
    assert (own.key, own.can_write, own.scopes) == ("tracker.provider.token", False, None)
    assert (tools.key, tools.can_write) == ("tracker.provider.tool_token", True)
    assert tools.scopes == ("repo", "read:project")
    assert [each.key for each in await open_tracker().access()] == [own.key]
    first, second = await open_tracker(tool_token="ghp_for-the-tools").rights()
    assert first.startswith("tracker.provider.token reads the repository; ")
    assert "may not change that" in first
    assert "may change that" in second
    assert second.endswith("; its scopes are repo, read:project.")
    with pytest.raises(TrackerError, match=r"tracker\.provider\.tool_token"):
        await open_tracker(tool_token="revoked").access()


# Boards.


async def test_the_status_tool_exists_only_where_there_is_a_board(
    fake: GitHubFake, open_tracker: Open
) -> None:
    project = fake.hub.add_project("acme")
    board = open_tracker(
        ("Todo",), ("Done",), state_source="project", project_number=project.number
    )
    assert [each.name for each in board.tool_specs()] == ["github_api", "github_project_status"]
    plain = open_tracker()
    assert [each.name for each in plain.tool_specs()] == ["github_api"]
    refused = await call(plain, "github_project_status", status="Done")
    assert error(refused)["code"] == "unknown_tool"


async def test_the_issue_of_the_session_moves_to_another_column(
    fake: GitHubFake, open_tracker: Open, repository: Repository
) -> None:
    project = fake.hub.add_project("acme")
    for _ in range(2):
        number = fake.hub.put_issue(repository).number
        fake.hub.place(project, (repository.key, number), status="Todo")
    tracker = open_tracker(
        ("Todo",), ("Done",), state_source="project", project_number=project.number
    )
    moved = await call(tracker, "github_project_status", status="done")
    assert moved.success
    assert content(moved) == {
        "issue": "GH-1",
        "changed": {"status": {"from": "Todo", "to": "Done"}},
    }
    assert [each.values["status"] for each in project.items] == ["Done", "Todo"]
    again = await call(tracker, "github_project_status", status="Done")
    assert content(again)["changed"] == {}
    unknown = error(await call(tracker, "github_project_status", status="Doen"))
    assert unknown["code"] == "unknown_state"
    assert as_array(unknown["known_states"]) == ["Todo", "In Progress", "Done"]
    fake.hub.delete_issue(repository, 1)
    gone = error(await call(tracker, "github_project_status", status="Todo"))
    assert gone["code"] == "issue_not_found"


async def test_a_token_that_may_only_read_cannot_move_an_issue(
    fake: GitHubFake, open_tracker: Open, repository: Repository
) -> None:
    fake.tokens = {TOKEN: Token(can_write=False)}
    project = fake.hub.add_project("acme")
    fake.hub.place(project, (repository.key, fake.hub.put_issue(repository).number), status="Todo")
    tracker = open_tracker(
        ("Todo",), ("Done",), state_source="project", project_number=project.number
    )
    refused = error(await call(tracker, "github_project_status", status="Done"))
    assert refused["code"] == "tracker_status"
    assert project.items[0].values["status"] == "Todo"


@pytest.mark.proves("tool.session.bound")
async def test_tools_are_bound_to_the_settings_of_their_tracker(
    fake: GitHubFake, open_tracker: Open
) -> None:
    fake.hub.add_repository("acme/other")
    first, second = open_tracker(), open_tracker(repo="acme/other")
    assert not (await call(first, path="/repos/acme/other")).success
    assert (await call(second, path="/repos/acme/other")).success

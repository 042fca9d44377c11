"""The tool `linear_graphql` against a fake Linear."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer

import anyio.to_thread
import pytest

from conformance.fakes.faults import Fault
from conformance.fakes.linear.server import LinearFake
from symphony.domain.json import JsonObject, JsonValue, as_object
from symphony.domain.tools import ToolContext, ToolResult
from symphony.trackers.errors import TrackerError
from symphony.trackers.linear.client import LinearClient
from symphony.trackers.linear.failures import TOOL_API_KEY
from symphony.trackers.linear.tools import MAXIMUM_RESULT_CHARACTERS, SPEC, LinearTool
from symphony.trackers.linear.tracker import LinearTracker
from tests.support.linear import (
    ACTIVE,
    KEY,
    READ_ONLY_KEY,
    linear_fake,
    linear_tracker,
    put_issue,
)

pytestmark = pytest.mark.anyio

MOVE = """mutation($id: String!, $state: String!) {
  issueUpdate(id: $id, input: {stateId: $state}) { success issue { state { name } } }
}"""


@pytest.fixture
def fake() -> Generator[LinearFake]:
    with linear_fake() as running:
        put_issue(running, "ENG-1")
        yield running


async def call(tracker: LinearTracker, arguments: JsonValue) -> ToolResult:
    (issue,) = await tracker.fetch_issues_by_states(ACTIVE)
    result = await tracker.execute_tool("linear_graphql", arguments, ToolContext(issue=issue))
    assert KEY not in json.dumps(result.content)
    return result


def content(result: ToolResult) -> JsonObject:
    found = as_object(result.content)
    assert found is not None
    return found


def error(result: ToolResult) -> JsonObject:
    assert not result.success
    found = as_object(content(result)["error"])
    assert found is not None
    assert found["message"]
    return found


def done_id(fake: LinearFake) -> str:
    return next(each.id for each in fake.world.states.values() if each.name == "Done")


@pytest.mark.proves("tool.execute.host_side", "tool.result.structured")
async def test_an_agent_moves_and_comments_its_issue(fake: LinearFake) -> None:
    async with linear_tracker(fake) as tracker:
        moved = await call(
            tracker, {"query": MOVE, "variables": {"id": "ENG-1", "state": done_id(fake)}}
        )
        assert fake.world.state_of(fake.world.existing("ENG-1")) == "Done"
        issue = put_issue(fake, "ENG-1", state="Todo")
        said = await call(
            tracker,
            {
                "query": "mutation($i: String!) { commentCreate(input: {issueId: $i, "
                'body: "Works."}) { success } }',
                "variables": {"i": "ENG-1"},
            },
        )
    assert moved == ToolResult(
        success=True,
        content={"data": {"issueUpdate": {"success": True, "issue": {"state": {"name": "Done"}}}}},
    )
    assert said.success
    assert [each.body for each in fake.world.comments_of(issue)] == ["Works."]


async def test_introspection_is_open(fake: LinearFake) -> None:
    async with linear_tracker(fake) as tracker:
        query = '{ __type(name: "IssueUpdateInput") { inputFields { name } } }'
        result = await call(tracker, {"query": query, "variables": None})
    assert result.success
    assert "stateId" in json.dumps(result.content)


@pytest.mark.proves("tool.result.failure")
@pytest.mark.parametrize(
    "arguments",
    [
        None,
        [],
        "{ viewer { id } }",
        {},
        {"query": " "},
        {"query": 7},
        {"query": "{ viewer { id }"},
        {"query": "{ viewer { id } } }"},
        {"query": "query A { viewer { id } } query B { viewer { id } }"},
        {"query": "fragment A on Issue { id }"},
        {"query": "subscription { issueCreated { id } }"},
        {"query": "{ viewer { id } }", "variables": []},
        {"query": "{ viewer { id } }", "variables": "{}"},
        {"query": "{ viewer { id } }", "endpoint": "https://example.com"},
        {"query": "{ a " * 5_000},
        {"query": "{ viewer { id } } # " + "x" * 100_001},
        {"query": "{ " + "a " * 10_001 + "}"},
    ],
)
async def test_arguments_that_make_no_sense_are_refused_without_a_request(
    fake: LinearFake, arguments: JsonValue
) -> None:
    async with linear_tracker(fake) as tracker:
        result = await call(tracker, arguments)
    assert error(result)["code"] == "invalid_arguments"
    assert len(fake.requests) == 1, "only the read of the test itself"


@pytest.mark.proves("tool.result.failure", "tool.result.structured")
async def test_errors_of_linear_are_a_failure_with_its_own_words(fake: LinearFake) -> None:
    async with linear_tracker(fake) as tracker:
        missing = await call(tracker, {"query": '{ issue(id: "NO-1") { id } }'})
        invalid = await call(tracker, {"query": "{ issue { nothing } }"})
        mistyped = await call(
            tracker, {"query": MOVE, "variables": {"id": "ENG-1", "state": ["x"]}}
        )
    assert not missing.success
    assert "Entity not found: Issue" in json.dumps(content(missing)["errors"])
    assert (error(invalid)["code"], error(invalid)["status"]) == ("tracker_status", 400)
    assert "nothing" in json.dumps(content(invalid)["response"])
    assert error(mistyped)["status"] == 400


@pytest.mark.proves("tool.result.failure", "tool.result.no_secret")
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(kind="reset", only="viewer"), "tracker_request"),
        (Fault(kind="status", status=500, only="viewer"), "tracker_status"),
        (Fault(kind="not_json", only="viewer"), "tracker_response"),
        (Fault(kind="rate_limited", retry_after="9", only="viewer"), "tracker_rate_limited"),
        (Fault(kind="echo_secret", only="viewer"), "tracker_status"),
    ],
)
async def test_a_failure_on_the_way_is_an_answer_without_the_key(
    fake: LinearFake, fault: Fault, code: str
) -> None:
    fake.faults.add(fault)
    async with linear_tracker(fake) as tracker:
        result = await call(tracker, {"query": "{ viewer { id } }"})
    assert error(result)["code"] == code
    assert len(fake.requests) == 2, "an operation of an agent is sent once"
    if fault.kind == "echo_secret":
        assert "[redacted]" in json.dumps(result.content)


@pytest.mark.proves("tool.result.no_secret")
async def test_a_key_that_stands_in_an_issue_is_masked(fake: LinearFake) -> None:
    fake.world.existing("ENG-1").description = f"Use {KEY} to test."
    async with linear_tracker(fake) as tracker:
        result = await call(tracker, {"query": '{ issue(id: "ENG-1") { description } }'})
    assert result.content == {"data": {"issue": {"description": "Use [redacted] to test."}}}


@pytest.mark.proves("tool.result.bounded")
async def test_an_answer_that_is_too_long_says_so_and_that_it_was_carried_out(
    fake: LinearFake,
) -> None:
    fake.world.existing("ENG-1").description = "x" * (MAXIMUM_RESULT_CHARACTERS + 1)
    async with linear_tracker(fake) as tracker:
        result = await call(tracker, {"query": '{ issue(id: "ENG-1") { description } }'})
    assert result.success
    assert "carried out" in str(content(result)["cut"])
    assert len(str(content(result)["beginning"])) == MAXIMUM_RESULT_CHARACTERS


@pytest.mark.proves("tool.scope.confined", "tool.session.bound")
async def test_the_tool_has_a_credential_of_its_own_so_that_the_daemon_may_only_read(
    fake: LinearFake,
) -> None:
    arguments: JsonValue = {"query": MOVE, "variables": {"id": "ENG-1", "state": done_id(fake)}}
    async with linear_tracker(fake, api_key=READ_ONLY_KEY) as tracker:
        refused = await call(tracker, arguments)
    assert "tracker.provider.api_key" in str(error(refused)["message"])
    async with linear_tracker(fake, api_key=READ_ONLY_KEY, tool_api_key=KEY) as tracker:
        assert (await call(tracker, arguments)).success
        assert tracker.requests_sent == 2
    keys = [each.headers["authorization"] for each in fake.requests.all()]
    assert keys == [READ_ONLY_KEY, READ_ONLY_KEY, READ_ONLY_KEY, KEY]


@pytest.mark.proves("tool.result.failure", "tool.result.no_secret")
async def test_a_refused_change_names_the_key_of_the_tool_and_the_right_that_it_needs(
    fake: LinearFake,
) -> None:
    change: JsonValue = {"query": MOVE, "variables": {"id": "ENG-1", "state": done_id(fake)}}
    async with linear_tracker(fake, tool_api_key=READ_ONLY_KEY) as tracker:
        refused = await call(tracker, change)
    said = str(error(refused)["message"])
    assert said.startswith("tracker.provider.tool_api_key: ")
    assert "may read and write this team" in said
    assert "tracker.provider.api_key" not in said
    assert READ_ONLY_KEY not in json.dumps(refused.content)
    async with linear_tracker(fake, tool_api_key="lin_api_that_nobody_made") as tracker:
        unknown = await call(tracker, {"query": "{ viewer { id } }"})
    said = str(error(unknown)["message"])
    assert said.startswith("tracker.provider.tool_api_key: ")
    assert "may read this team" in said


class Denying(BaseHTTPRequestHandler):
    """A Linear that says no within a good answer, as GraphQL allows."""

    def do_POST(self) -> None:
        """Refuse whatever is asked."""
        self.rfile.read(int(self.headers["Content-Length"]))
        no = {"message": "No access", "extensions": {"code": "FORBIDDEN"}}
        body = json.dumps({"data": None, "errors": [no]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.mark.proves("tool.result.failure", "tracker.error.application")
async def test_a_refusal_within_a_good_answer_has_the_remedy_beside_the_words_of_linear() -> None:
    with HTTPServer(("127.0.0.1", 0), Denying) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/graphql"
        client = LinearClient(address, KEY, key_name=TOOL_API_KEY, secrets={KEY})
        tool = LinearTool(client, frozenset({KEY}))
        change = await tool.execute(SPEC.name, {"query": MOVE, "variables": {}})
        query = await tool.execute(SPEC.name, {"query": "{ viewer { id } }"})
        with pytest.raises(TrackerError, match=r"tracker\.provider\.tool_api_key: Linear refused"):
            await client.read("{ viewer { id } }", {})
        await client.aclose()
        await anyio.to_thread.run_sync(server.shutdown)
        thread.join()
    for result, right in ((change, "read and write"), (query, "read")):
        assert not result.success
        assert "No access" in json.dumps(content(result)["errors"])
        remedy = str(content(result)["remedy"])
        assert f"that may {right} this team" in remedy
        assert remedy.endswith("put it where tracker.provider.tool_api_key says")


@pytest.mark.proves("tracker.limit.bounded")
async def test_a_rate_limit_of_one_key_holds_for_its_reads_and_its_tool(fake: LinearFake) -> None:
    async with linear_tracker(fake) as tracker:
        (issue,) = await tracker.fetch_issues_by_states(ACTIVE)
        fake.faults.add(Fault(kind="rate_limited", retry_after="60"))
        arguments: JsonValue = {"query": "{ viewer { id } }"}
        for _ in range(2):
            result = await tracker.execute_tool(
                "linear_graphql", arguments, ToolContext(issue=issue)
            )
            assert error(result)["code"] == "tracker_rate_limited"
    assert len(fake.requests) == 2

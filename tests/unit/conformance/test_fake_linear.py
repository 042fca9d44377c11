"""The fake of Linear does what Linear would: filters, pages, changes, refusals, and what is said to
it over its control socket."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import cast

import pytest

from conformance.fakes.control import ControlServer
from conformance.fakes.faults import Fault
from conformance.fakes.linear.chaos import Chaos, legal
from conformance.fakes.linear.control_calls import control_calls
from conformance.fakes.linear.server import LinearFake
from tests.support.linear import KEY, PROJECT, READ_ONLY_KEY, linear_fake, put_issue

TOP = Path(__file__).resolve().parents[3]
Json = dict[str, object]


@pytest.fixture
def fake() -> Generator[LinearFake]:
    with linear_fake() as running:
        put_issue(running, "ENG-1", labels=["Bug", "ui"], priority=1, assignee="ada")
        put_issue(running, "ENG-2", state="In Progress", priority=3, blocked_by=["ENG-1"])
        put_issue(running, "ENG-3", state="Done", description="Ünïcode text", project=None)
        yield running


def ask(
    fake: LinearFake, query: str, variables: Mapping[str, object] | None = None, key: str = KEY
) -> tuple[int, Json]:
    return send(fake, json.dumps({"query": query, "variables": variables or {}}).encode(), key)


def send(fake: LinearFake, body: bytes, key: str = KEY) -> tuple[int, Json]:
    headers = {"Content-Type": "application/json", "Authorization": key}
    request = urllib.request.Request(fake.url, body, headers)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            return response.status, cast("Json", json.load(response))
    except urllib.error.HTTPError as error:
        with error:
            return error.code, cast("Json", json.load(error))


def data(fake: LinearFake, query: str, **variables: object) -> Json:
    status, body = ask(fake, query, variables)
    assert status == 200
    assert "errors" not in body, body
    return cast("Json", body["data"])


def codes(body: Json) -> list[str]:
    errors = cast("list[Json]", body["errors"])
    return [str(cast("Json", each["extensions"])["code"]) for each in errors]


@pytest.mark.parametrize("body", [b"{", b"[" * 50_000])
def test_a_body_that_is_no_json_is_refused(fake: LinearFake, body: bytes) -> None:
    status, answer = send(fake, body)
    assert (status, codes(answer)) == (400, ["GRAPHQL_PARSE_FAILED"])


RELATED = "{ nodes { type issue { id identifier state { name } } } }"


@pytest.mark.parametrize(("page", "is_taken"), [(50, True), (100, False)])
def test_a_query_is_too_complex_only_if_it_is_for_linear(
    fake: LinearFake, page: int, is_taken: bool
) -> None:
    # The one of the reference implementation asks for 50 issues like this, and works.
    one = f"id state {{ name }} labels {{ nodes {{ name }} }} inverseRelations(first: 50) {RELATED}"
    status, body = ask(fake, f"{{ issues(first: {page}) {{ nodes {{ {one} }} }} }}")
    assert (status, "errors" in body) == ((200, False) if is_taken else (400, True))


def found(fake: LinearFake, issue_filter: str) -> list[str]:
    answer = data(fake, f"{{ issues(filter: {issue_filter}) {{ nodes {{ identifier }} }} }}")
    nodes = cast("list[Json]", cast("Json", answer["issues"])["nodes"])
    return sorted(str(each["identifier"]) for each in nodes)


@pytest.mark.parametrize(
    ("issue_filter", "identifiers"),
    [
        ("{}", "ENG-1 ENG-2 ENG-3"),
        ('{state: {name: {eq: "Todo"}}}', "ENG-1"),
        ('{state: {name: {eq: "todo"}}}', ""),
        ('{state: {name: {eqIgnoreCase: "todo"}}}', "ENG-1"),
        ('{state: {name: {in: ["Todo", "Done"]}}}', "ENG-1 ENG-3"),
        ('{state: {name: {nin: ["Todo", "Done"]}}}', "ENG-2"),
        ('{state: {type: {neq: "completed"}}}', "ENG-1 ENG-2"),
        ('{state: {name: {startsWith: "In", endsWith: "gress"}}}', "ENG-2"),
        ('{state: {name: {notContains: "o"}}}', ""),
        ('{state: {name: {notContainsIgnoreCase: "PROG"}}}', "ENG-1 ENG-3"),
        ('{project: {slugId: {eq: "0123456789ab"}}}', "ENG-1 ENG-2"),
        ("{project: {null: true}}", "ENG-3"),
        ("{project: {null: false}}", "ENG-1 ENG-2"),
        ('{team: {key: {in: ["ENG"]}}}', "ENG-1 ENG-2 ENG-3"),
        ('{team: {key: {eq: "OPS"}}}', ""),
        ("{assignee: {isMe: {eq: true}}}", "ENG-1"),
        ("{assignee: {null: true}}", "ENG-2 ENG-3"),
        ('{assignee: {email: {eq: "ada@example.com"}}}', "ENG-1"),
        ('{labels: {name: {eq: "Bug"}}}', "ENG-1"),
        ('{labels: {some: {name: {eq: "ui"}}}}', "ENG-1"),
        ('{labels: {every: {name: {eq: "ui"}}}}', "ENG-2 ENG-3"),
        ("{labels: {length: {eq: 2}}}", "ENG-1"),
        ("{priority: {gte: 1, lt: 3}}", "ENG-1"),
        ("{priority: {in: [0, 3]}}", "ENG-2 ENG-3"),
        ("{number: {eq: 2}}", "ENG-2"),
        ('{id: {in: ["ENG-1", "never-was"]}}', "ENG-1"),
        ("{hasBlockedByRelations: {eq: true}}", "ENG-2"),
        ("{hasBlockingRelations: {eq: true}}", "ENG-1"),
        ('{description: {containsIgnoreCaseAndAccent: "unicode"}}', "ENG-3"),
        ("{description: {null: true}}", "ENG-1 ENG-2"),
        ('{createdAt: {gt: "-P1D"}}', "ENG-1 ENG-2 ENG-3"),
        ('{createdAt: {lt: "2020-01-01T00:00:00Z"}}', ""),
        ('{or: [{number: {eq: 1}}, {state: {name: {eq: "Done"}}}]}', "ENG-1 ENG-3"),
        ("{and: [{number: {gt: 1}}, {number: {lt: 3}}]}", "ENG-2"),
    ],
)
def test_filters_mean_what_linear_means(
    fake: LinearFake, issue_filter: str, identifiers: str
) -> None:
    assert found(fake, issue_filter) == identifiers.split()


@pytest.mark.parametrize("chaos", [Chaos(), legal(1), legal(2)])
def test_pages_hold_everything_once_also_while_issues_go(chaos: Chaos) -> None:
    with linear_fake(chaos) as fake:
        for number in range(20):
            put_issue(fake, f"ENG-{number}")
        seen: list[str] = []
        cursor: object = None
        while True:
            query = "query($after: String) { issues(first: 3, after: $after) "
            query += "{ nodes { identifier } pageInfo { hasNextPage endCursor } } }"
            page = cast("Json", data(fake, query, after=cursor)["issues"])
            nodes = cast("list[Json]", page["nodes"])
            seen += [str(each["identifier"]) for each in nodes]
            assert len(nodes) <= (chaos.page_size or 3)
            info = cast("Json", page["pageInfo"])
            if not info["hasNextPage"]:
                break
            cursor = info["endCursor"]
            if len(seen) < 6:
                fake.world.remove(fake.world.existing(seen[-1]))
    assert len(seen) == len(set(seen)) == 20


def test_an_order_that_was_asked_for_is_kept_in_any_chaos() -> None:
    with linear_fake(Chaos(shuffle=True, seed=3)) as fake:
        for number in range(10):
            put_issue(fake, f"ENG-{number}")
        query = "{ issues(orderBy: createdAt) { nodes { identifier } } }"
        nodes = cast("list[Json]", cast("Json", data(fake, query)["issues"])["nodes"])
    assert [each["identifier"] for each in nodes] == [f"ENG-{n}" for n in reversed(range(10))]


def test_archived_issues_come_only_when_they_are_asked_for(fake: LinearFake) -> None:
    fake.world.archive(fake.world.existing("ENG-1"))
    assert found(fake, "{}") == ["ENG-2", "ENG-3"]
    query = "{ issues(includeArchived: true) { nodes { identifier archivedAt } } }"
    nodes = cast("list[Json]", cast("Json", data(fake, query)["issues"])["nodes"])
    assert len([each for each in nodes if each["archivedAt"]]) == 1


@pytest.mark.parametrize(
    ("query", "key", "status", "code"),
    [
        ("{ viewer { id }", KEY, 400, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", KEY, 400, "GRAPHQL_VALIDATION_FAILED"),
        (
            '{ issues(filter: {identifier: {eq: "ENG-1"}}) { nodes { id } } }',
            KEY,
            400,
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("{ viewer { id } }", "wrong", 401, "AUTHENTICATION_ERROR"),
        ("{ viewer { id } }", f"Bearer {KEY}", 401, "AUTHENTICATION_ERROR"),
        (
            'mutation { issueUpdate(id: "ENG-1", input: {title: "x"}) { success } }',
            READ_ONLY_KEY,
            403,
            "FORBIDDEN",
        ),
        (
            "{ issues(first: 250) { nodes { labels { nodes { name } } } } }",
            KEY,
            400,
            "INPUT_ERROR",
        ),
        ('{ issue(id: "NO-1") { id } }', KEY, 200, "INPUT_ERROR"),
        ("{ issues(first: 251) { nodes { id } } }", KEY, 200, "INPUT_ERROR"),
        ('{ issues(after: "nonsense") { nodes { id } } }', KEY, 200, "INPUT_ERROR"),
        (
            'mutation { issueUpdate(id: "ENG-1", input: {stateId: "no"}) { success } }',
            KEY,
            200,
            "INPUT_ERROR",
        ),
        (
            'mutation { issueUpdate(id: "ENG-1", input: {title: "x", priority: 9}) { success } }',
            KEY,
            200,
            "INPUT_ERROR",
        ),
        (
            'mutation { commentCreate(input: {issueId: "ENG-1", body: " "}) { success } }',
            KEY,
            200,
            "INPUT_ERROR",
        ),
    ],
)
def test_what_linear_would_refuse_is_refused_and_changes_nothing(
    fake: LinearFake, query: str, key: str, status: int, code: str
) -> None:
    answered, body = ask(fake, query, key=key)
    assert (answered, codes(body)) == (status, [code])
    assert fake.world.existing("ENG-1").title == "Issue ENG-1"


def test_agents_can_do_what_they_do_at_linear(fake: LinearFake) -> None:
    states = '{ workflowStates(filter: {name: {eq: "Done"}}) { nodes { id } } }'
    (done,) = cast("list[Json]", cast("Json", data(fake, states)["workflowStates"])["nodes"])
    label = data(
        fake, 'mutation { issueLabelCreate(input: {name: "ready"}) { issueLabel { id } } }'
    )
    label_id = cast("Json", cast("Json", label["issueLabelCreate"])["issueLabel"])["id"]
    data(
        fake,
        """mutation($state: String!, $label: String!, $team: String!) {
          issueUpdate(id: "ENG-1", input: {stateId: $state, priority: 2}) { success }
          issueAddLabel(id: "ENG-1", labelId: $label) { issue { labels { nodes { name } } } }
          commentCreate(input: {issueId: "ENG-1", body: "Works."}) { comment { body url } }
          attachmentLinkURL(issueId: "ENG-1", url: "https://example.com/1") { success }
          issueRelationCreate(input: {issueId: "ENG-3", relatedIssueId: "ENG-1", type: blocks}) {
            issueRelation { type }
          }
          issueCreate(input: {teamId: $team, title: "Next"}) { issue { creator { isMe } } }
        }""",
        team=next(iter(fake.world.teams)),
        state=done["id"],
        label=label_id,
    )
    shown = data(
        fake,
        """{ issue(id: "ENG-1") { priorityLabel completedAt state { name type }
             labels { nodes { name } } comments { nodes { body user { name } } }
             attachments { nodes { url } } inverseRelations { nodes { issue { identifier } } }
             subscribers { nodes { id } } children { nodes { id } } } }""",
    )
    issue = cast("Json", shown["issue"])
    assert issue["state"] == {"name": "Done", "type": "completed"}
    assert issue["completedAt"] is not None
    assert issue["priorityLabel"] == "High"
    assert issue["labels"] == {"nodes": [{"name": "ready"}, {"name": "ui"}, {"name": "Bug"}]}
    assert issue["comments"] == {"nodes": [{"body": "Works.", "user": {"name": "Ada Example"}}]}
    assert issue["inverseRelations"] == {"nodes": [{"issue": {"identifier": "ENG-3"}}]}
    assert found(fake, '{title: {eq: "Next"}}') == ["ENG-4"]


def test_every_field_of_an_issue_can_be_read(fake: LinearFake) -> None:
    names = data(
        fake, '{ __type(name: "Issue") { fields { name type { kind ofType { kind } } } } }'
    )
    fields = cast("list[Json]", cast("Json", names["__type"])["fields"])
    plain = [each["name"] for each in fields if "OBJECT" not in json.dumps(each["type"])]
    wanted = " ".join(map(str, plain))
    query = f"{{ issues {{ nodes {{ {wanted} team {{ key }} parent {{ id }} }} }} }}"
    assert data(fake, query)


def test_requests_are_recorded_in_their_order_with_cost_and_time(fake: LinearFake) -> None:
    data(fake, "{ viewer { id } }")
    data(fake, "query Q { issues(first: 2) { nodes { id } } }")
    ask(fake, "{ nothing }")
    first, second, third = fake.requests.all()
    assert first.at <= second.at <= third.at
    assert (first.root_fields, first.points) == (("viewer",), 1)
    assert (second.root_fields, second.is_mutation, second.status) == (("issues",), False, 200)
    assert second.points == 3, "twice an issue with one field, rounded up"
    assert third.status == 400


def test_faults_happen_as_often_and_to_whom_they_should(fake: LinearFake) -> None:
    fake.faults.add(Fault(kind="status", status=502, only="issues", skip=1, times=2))
    issues, viewer = "{ issues { nodes { id } } }", "{ viewer { id } }"
    statuses = [ask(fake, each)[0] for each in (issues, viewer, issues, viewer, issues, issues)]
    assert statuses == [200, 200, 502, 200, 502, 200]


def test_another_process_steers_it_over_a_socket_of_its_own(fake: LinearFake) -> None:
    with (
        ControlServer(control_calls(fake)) as control,
        socket.create_connection(control.address, timeout=30) as connection,
        connection.makefile("rwb") as stream,
    ):

        def say(call: str, **arguments: object) -> Json:
            stream.write(json.dumps({"call": call, **arguments}).encode() + b"\n")
            stream.flush()
            return cast("Json", json.loads(stream.readline()))

        put = say("issue.put", identifier="MT/1", state="Todo", project=PROJECT, labels=["a"])
        assert cast("Json", put["value"])["identifier"] == "MT/1"
        assert say("issue.get", issue="MT/1") == put
        assert say("issue.put", identifier="MT/1", nonsense=1)["ok"] is False
        assert say("no.such.call")["ok"] is False
        assert say("faults.add", kind="status", status=503)["ok"] is True
        assert ask(fake, "{ viewer { id } }")[0] == 503
        assert cast("Json", say("chaos.set", page_size=2)["value"])["page_size"] == 2
        assert say("issue.archive", issue="MT/1")["ok"] is True
        assert say("issue.remove", issue="MT/1")["ok"] is True
        assert say("requests.count")["value"] == 1
        assert len(cast("list[Json]", say("requests.list")["value"])) == 1


def test_it_runs_as_a_program_of_its_own_and_ends_with_its_input() -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "conformance.fakes.linear", "--chaos", "3"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=TOP,
    )
    with program:
        assert program.stdout is not None
        assert program.stdin is not None
        where = cast("Json", json.loads(program.stdout.readline()))
        body = json.dumps({"query": "{ viewer { name } }"}).encode()
        headers = {"Authorization": str(where["key"])}
        request = urllib.request.Request(str(where["endpoint"]), body, headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            assert json.load(response)["data"] == {"viewer": {"name": "Ada Example"}}
        program.stdin.close()
        assert program.wait(timeout=30) == 0

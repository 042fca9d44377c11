"""What a request is for, however it is written."""

from __future__ import annotations

import pytest

from conformance.fakes.github.executor import read_operation
from conformance.fakes.json_values import JsonObject
from conformance.fakes.linear.executor import prepare
from conformance.fakes.recording import Asked, Request
from conformance.lab.reads import Read, Reader

CANDIDATES = frozenset({"todo", "in progress"})
STATE_IDS = {"s-todo": "Todo", "s-done": "Done"}


@pytest.fixture
def reader() -> Reader:
    reader = Reader(lambda text: STATE_IDS.get(text, text))
    reader.configure(["Todo", "In Progress"], ["Done", "Canceled"])
    return reader


def of(asked: tuple[Asked, ...], *, is_mutation: bool = False, refusal: str = "") -> Request:
    return Request(
        number=1,
        at=0.0,
        method="POST",
        path="/",
        headers={},
        asked=asked,
        is_mutation=is_mutation,
        refusal=refusal,
    )


def linear(query: str, **variables: object) -> Request:
    given: JsonObject = {**variables}  # pyright: ignore[reportAssignmentType]
    operation = prepare(query, given, None)
    return of(operation.asked, is_mutation=operation.is_mutation)


def graph(query: str, **variables: object) -> Request:
    operation = read_operation({"query": query, "variables": {**variables}})  # pyright: ignore[reportArgumentType]
    return of(operation.asked)


def rest(route: str, path: str = "/repos/acme/lab/issues", **query: str) -> Request:
    return of((Asked(field=route, arguments={**query, "path": path}),))


@pytest.mark.parametrize(
    "query",
    [
        '{ issues(filter: {state: {name: {in: ["Todo", "In Progress"]}}}) { nodes { id } } }',
        (
            '{ issues(filter: {state: {or: [{name: {eqIgnoreCase: "todo"}}, '
            '{name: {eqIgnoreCase: "IN PROGRESS "}}]}}) { nodes { id } } }'
        ),
        (
            '{ some: issues(filter: {and: [{state: {name: {in: ["In Progress", "Todo"]}}}, '
            '{project: {slugId: {eq: "Done"}}}]}) { nodes { id } } }'
        ),
        (
            '{ project(id: "P") { issues(filter: {state: {name: {in: ["Todo", "In Progress"]}}}) '
            "{ nodes { id } } } }"
        ),
        (
            'query { ...All } fragment All on Query { issues(filter: {state: {name: {in: ["Todo", '
            '"In Progress"]}}}) { nodes { id } } }'
        ),
    ],
)
def test_linear_candidates_are_known_by_the_states_that_they_name(
    reader: Reader, query: str
) -> None:
    assert reader.read(linear(query)) == Read(kind="candidates", states=CANDIDATES)


def test_variables_count_like_literals(reader: Reader) -> None:
    query = "query($f: IssueFilter, $a: String) { issues(filter: $f, after: $a) { nodes { id } } }"
    todo = {"state": {"name": {"in": ["Todo"]}}}
    assert reader.read(linear(query, f=todo)).kind == "candidates"
    done = {"state": {"name": {"in": ["Done", "Canceled"]}}}
    assert reader.read(linear(query, f=done)).kind == "terminal"
    assert not reader.read(linear(query, f=todo, a="cursor")).is_opening


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ('id: {in: ["s-todo"]}', "candidates"),
        ('id: {in: ["s-done"]}', "terminal"),
        ('type: {in: ["completed", "canceled"]}', "terminal"),
        ('type: {nin: ["completed", "canceled"]}', "candidates"),
        ('name: {nin: ["Done"]}', "candidates"),
        ('name: {in: ["Nowhere"]}', "candidates"),
    ],
)
def test_states_may_be_named_by_id_or_type(reader: Reader, state: str, kind: str) -> None:
    read = reader.read(linear(f"{{ issues(filter: {{state: {{{state}}}}}) {{ nodes {{ id }} }} }}"))
    assert read.kind == kind


def test_a_state_in_both_lists_does_not_hide_what_a_read_is_for(reader: Reader) -> None:
    reader.configure(["Todo", "Done"], ["Done", "Canceled"])
    by_name = "{{ issues(filter: {{state: {{name: {{in: {}}}}}}}) {{ nodes {{ id }} }} }}"
    assert reader.read(linear(by_name.format('["Todo", "Done"]'))).kind == "candidates"
    assert reader.read(linear(by_name.format('["Done", "Canceled"]'))).kind == "terminal"


@pytest.mark.parametrize(
    "query",
    [
        '{ issues(filter: {id: {in: ["a", "b"]}}) { nodes { id } } }',
        '{ x: issue(id: "a") { state { name } } y: issue(id: "b") { state { name } } }',
        (
            '{ issues(filter: {or: [{id: {eq: "a"}}, {id: {eq: "b"}}], project: {id: {eq: "c"}}}) '
            "{ nodes { id } } }"
        ),
    ],
)
def test_linear_reads_by_id_may_be_filters_or_aliases(reader: Reader, query: str) -> None:
    assert reader.read(linear(query)) == Read(kind="by_id", ids=frozenset({"a", "b"}))


def test_more_labels_of_an_issue_are_no_read_of_it(reader: Reader) -> None:
    query = '{ issue(id: "a") { comments { nodes { id } } } }'
    assert reader.read(linear(query)).kind == "other"


def test_changes_and_refused_requests_are_told_apart(reader: Reader) -> None:
    asked = (Asked(field="issues", arguments={}),)
    assert reader.read(of(asked, is_mutation=True)).kind == "mutation"
    assert reader.read(of(asked, refusal="no")).kind == "other"
    assert reader.read(of(())).kind == "other"


@pytest.mark.parametrize(
    ("query", "kind", "states"),
    [
        ({"state": "open", "labels": "status:Todo"}, "candidates", {"todo"}),
        ({"state": "all", "labels": "status:Done"}, "terminal", {"done"}),
        ({"state": "open"}, "candidates", {"open"}),
        ({"labels": "status:In Progress,bug", "page": "2"}, "candidates", {"in progress"}),
    ],
)
def test_github_lists_are_known_by_their_labels(
    reader: Reader, query: dict[str, str], kind: str, states: set[str]
) -> None:
    read = reader.read(rest("issues", **query))
    assert (read.kind, read.states, read.is_opening) == (kind, states, "page" not in query)


def test_closed_issues_are_terminal_where_closed_is(reader: Reader) -> None:
    reader.configure(["open"], ["closed"])
    assert reader.read(rest("issues", state="closed")).kind == "terminal"


def test_github_reads_by_id_come_in_three_forms(reader: Reader) -> None:
    one = reader.read(rest("issue", "/repos/acme/lab/issues/7"))
    assert one == Read(kind="by_id", ids=frozenset({"7"}))
    by_alias = graph(
        '{ repository(owner: "acme", name: "lab") { i7: issue(number: 7) { ...R } '
        "i8: issue(number: 8) { ...R } } } fragment R on Issue { number state }"
    )
    assert reader.read(by_alias) == Read(kind="by_id", ids=frozenset({"7", "8"}))
    by_node = graph(
        "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Issue { state } } }", ids=["I_1"]
    )
    assert reader.read(by_node) == Read(kind="by_id", ids=frozenset({"I_1"}))


def test_pull_requests_and_blockers_of_an_issue_are_no_reads_of_it(reader: Reader) -> None:
    linked = graph(
        '{ nodes(ids: ["I_1"]) { ... on Issue { id closedByPullRequestsReferences(first: 1) '
        "{ nodes { state } } } } }"
    )
    assert reader.read(linked).kind == "other"
    assert reader.read(rest("blocked_by", "/repos/a/b/issues/7/x")).kind == "other"
    assert reader.read(rest("labels", "/repos/a/b/labels")).kind == "other"


def test_a_board_is_read_for_candidates(reader: Reader) -> None:
    board = graph(
        '{ organization(login: "acme") { projectV2(number: 1) { items(first: 5) '
        "{ nodes { content { ... on Issue { state } } } } } } }"
    )
    assert reader.read(board).kind == "candidates"

"""What the daemon sends is valid against Linear's own schema, and cheap."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import pytest
from graphql import (
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from conformance.fakes.linear.complexity import DOCUMENTED, MAXIMUM, complexity
from conformance.fakes.linear.executor import schema
from symphony.domain.json import JsonObject
from symphony.trackers.linear.queries import (
    MORE_ARCHIVED_TOO,
    MORE_ISSUES,
    MORE_LABELS,
    MORE_RELATIONS,
    Queries,
)
from symphony.trackers.linear.settings import LinearSettings, Scope
from tests.support.full_schemas import full_schema

POINTS_PER_HOUR = 3_000_000
POLLS_PER_HOUR = 120


def settings(scope: Scope, assignee: str | None) -> LinearSettings:
    return LinearSettings(
        endpoint="https://api.linear.app/graphql",
        api_key="key",
        tool_api_key=None,
        scope=scope,
        assignee=assignee,
        unstarted=frozenset(),
        terminal=frozenset(),
        secret_names=frozenset(),
    )


def every_request() -> Mapping[str, tuple[str, JsonObject]]:
    """Each query in each configuration, with variables as they are sent."""
    scopes = {
        "project": Scope(project_slugs=("engine-0123456789ab", "0123456789ab"), team_key=None),
        "team": Scope(project_slugs=(), team_key="ENG"),
        "both": Scope(project_slugs=("0123456789ab",), team_key="ENG"),
    }
    assignees = (None, "me", "ada@example.com", "3b241101-e2bb-4255-8caf-4136c566a962")
    requests: dict[str, tuple[str, JsonObject]] = {
        "labels": (MORE_LABELS, {"id": "a", "after": "b"}),
        "relations": (MORE_RELATIONS, {"id": "a", "after": "b"}),
    }
    for (name, scope), assignee in product(scopes.items(), assignees):
        queries = Queries(settings(scope, assignee))
        in_states = queries.in_states(["Todo", "In Progress"])
        names = queries.with_identifiers([f"TEAM{number}-{number + 1}" for number in range(50)])
        with_ids = queries.with_ids([f"id-{number}" for number in range(50)])
        requests |= {
            f"states, {name}, {assignee}": (
                queries.by_states,
                queries.opening_variables(in_states, with_scope=True),
            ),
            f"ids, {name}, {assignee}": (
                queries.by_ids,
                queries.opening_variables(with_ids, with_scope=False),
            ),
            f"identifiers, {name}, {assignee}": (
                queries.by_identifiers,
                queries.opening_variables(names, with_scope=False),
            ),
            f"more archived, {name}, {assignee}": (
                MORE_ARCHIVED_TOO,
                {"filter": names, "after": "cursor"},
            ),
            f"more, {name}, {assignee}": (MORE_ISSUES, {"filter": in_states, "after": "cursor"}),
        }
    return requests


REQUESTS = every_request()


def operation_of(query: str) -> OperationDefinitionNode:
    operation = get_operation_ast(parse(query), None)
    assert operation is not None
    return operation


@pytest.fixture(scope="module")
def full() -> GraphQLSchema:
    return full_schema("linear")


@pytest.mark.parametrize("name", REQUESTS)
def test_every_query_with_its_variables_is_valid_against_the_full_schema(
    name: str, full: GraphQLSchema
) -> None:
    query, variables = REQUESTS[name]
    assert validate(full, parse(query)) == []
    definitions = list(operation_of(query).variable_definitions or ())
    assert not isinstance(get_variable_values(full, definitions, dict(variables)), list)
    declared = {each.variable.name.value for each in definitions}
    assert set(variables) <= declared


@pytest.mark.proves("tracker.writes.none")
@pytest.mark.parametrize("name", REQUESTS)
def test_the_daemon_has_no_operation_that_changes_anything(name: str) -> None:
    assert operation_of(REQUESTS[name][0]).operation is OperationType.QUERY


@pytest.mark.parametrize("name", REQUESTS)
def test_a_query_costs_little_of_what_linear_allows(name: str) -> None:
    query, variables = REQUESTS[name]
    document = parse(query)
    points = complexity(schema(), document, operation_of(query), variables, alone=DOCUMENTED)
    assert points <= MAXIMUM / 5
    assert 2 * points * POLLS_PER_HOUR <= POINTS_PER_HOUR / 5, "a poll and a refresh each time"


def test_states_are_asked_for_once_each_and_without_case() -> None:
    queries = Queries(settings(Scope(project_slugs=(), team_key="eng"), None))
    assert queries.in_states([" Todo", "Todo", "Done"]) == {
        "team": {"key": {"eqIgnoreCase": "eng"}},
        "state": {"or": [{"name": {"eqIgnoreCase": "Todo"}}, {"name": {"eqIgnoreCase": "Done"}}]},
    }

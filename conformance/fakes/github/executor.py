"""Running GraphQL as GitHub does: parsing, validating and executing over the part of its schema."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    execute_sync,  # pyright: ignore[reportUnknownVariableType]
    parse,
    validate,
)

from conformance.fakes.asked import asked_of
from conformance.fakes.github.connections import Arguments, Source
from conformance.fakes.github.entities import Issue, ProjectField, Repository
from conformance.fakes.github.graph import Graph
from conformance.fakes.github.graph_errors import GraphError, error_shape
from conformance.fakes.github.rest import may_see
from conformance.fakes.json_values import JsonObject, JsonValue, as_object, as_text, texts
from conformance.fakes.recording import Asked

SCHEMA_FILE = Path(__file__).with_name("schema.graphql")
EVERYTHING_KNOWN: frozenset[tuple[str, str]] = frozenset()
DOCUMENTS_KEPT = 256
"""A client sends a few; parsing and validating them again would take longer than answering."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One document as it came in. `root_fields` are what it asks for at its top."""

    query: str
    variables: JsonObject
    document: DocumentNode | None
    root_fields: tuple[str, ...] = ()
    asked: tuple[Asked, ...] = ()
    is_mutation: bool = False


@cache
def schema_without(fields: frozenset[tuple[str, str]] = frozenset()) -> GraphQLSchema:
    """The schema as a server has it that does not know these fields (type, name) yet."""
    schema = build_schema(SCHEMA_FILE.read_text(encoding="utf-8"))
    for type_, name in fields:
        owner = schema.type_map[type_]
        if isinstance(owner, GraphQLObjectType):
            del owner.fields[name]
    return schema


def read_operation(body: JsonObject) -> Operation:
    """The operation of a request body. What cannot be parsed has no document."""
    query = as_text(body.get("query")) or ""
    variables = as_object(body.get("variables"))
    document = _parsed(query)
    if document is None:
        return Operation(query=query, variables=variables, document=None)
    first = next((d for d in document.definitions if isinstance(d, OperationDefinitionNode)), None)
    names: tuple[str, ...] = ()
    if first is not None:
        fields = (each for each in first.selection_set.selections if isinstance(each, FieldNode))
        names = tuple(each.name.value for each in fields)
    return Operation(
        query=query,
        variables=variables,
        document=document,
        root_fields=names,
        asked=_asked(query, document, first, variables),
        is_mutation=first is not None and first.operation is OperationType.MUTATION,
    )


@lru_cache(maxsize=DOCUMENTS_KEPT)
def _parsed(query: str) -> DocumentNode | None:
    try:
        return parse(query)
    except GraphQLError:
        return None


@lru_cache(maxsize=DOCUMENTS_KEPT)
def _problems(query: str, unknown: frozenset[tuple[str, str]]) -> Sequence[GraphQLError]:
    """What is wrong with a document that can be parsed."""
    document = _parsed(query)
    return [] if document is None else validate(schema_without(unknown), document)


def _asked(
    query: str, document: DocumentNode, node: OperationDefinitionNode | None, variables: JsonObject
) -> tuple[Asked, ...]:
    if node is None or _problems(query, EVERYTHING_KNOWN):
        return ()
    return asked_of(schema_without(), document, node, variables)


def run(operation: Operation, graph: Graph, unknown: Collection[tuple[str, str]]) -> JsonObject:
    """The content of the answer."""
    if operation.document is None:
        return {"errors": [{"message": "Problems parsing the query"}]}
    without = frozenset(unknown)
    problems = _problems(operation.query, without)
    if problems:
        return {"errors": [error_shape(each) for each in problems]}
    with graph.hub.lock:
        result = execute_sync(
            schema_without(without),
            operation.document,
            root_value=_roots(graph),
            field_resolver=_resolve,
            variable_values=dict(operation.variables),
        )
    return _content(result)


def _content(result: ExecutionResult) -> JsonObject:
    content: dict[str, JsonValue] = {}
    if result.data is not None:
        content["data"] = cast("JsonObject", result.data)
    if result.errors:
        content["errors"] = [error_shape(each) for each in result.errors]
    return content


def _resolve(source: Source, info: GraphQLResolveInfo[object], **arguments: object) -> object:
    value = source.get(info.field_name)
    return value(arguments) if callable(value) else value


def _roots(graph: Graph) -> Source:
    return {
        "repository": lambda given: graph.repository(str(given["owner"]), given),
        "repositoryOwner": lambda given: graph.owner(str(given["login"])),
        "organization": lambda given: _owner_of_kind(graph, given, "Organization"),
        "user": lambda given: _owner_of_kind(graph, given, "User"),
        "viewer": lambda _: _viewer(graph),
        "node": lambda given: _node(graph, str(given["id"])),
        "nodes": lambda given: [_node_or_null(graph, each) for each in texts(given["ids"])],
        "rateLimit": lambda _: _rate_limit(),
        "updateProjectV2ItemFieldValue": lambda given: _set_value(graph, as_object(given["input"])),
        "addComment": lambda given: _add_comment(graph, as_object(given["input"])),
        "closeIssue": lambda given: _close_issue(graph, as_object(given["input"])),
    }


def _owner_of_kind(graph: Graph, given: Arguments, kind: str) -> Source:
    login = str(given["login"])
    found = graph.owner(login)
    if found is None or found["__typename"] != kind:
        what = "an Organization" if kind == "Organization" else "a User"
        raise GraphError("NOT_FOUND", f"Could not resolve to {what} with the login of '{login}'.")
    return found


def _viewer(graph: Graph) -> Source:
    if graph.token.login is None:
        raise GraphError("FORBIDDEN", "Resource not accessible by integration")
    return graph.user(graph.token.login)


def _rate_limit() -> Source:
    reset = datetime.now(UTC) + timedelta(hours=1)
    moment = reset.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "cost": 1,
        "limit": 5000,
        "nodeCount": 1,
        "remaining": 4999,
        "used": 1,
        "resetAt": moment,
    }


def _node(graph: Graph, node_id: str) -> Source:
    found = _issue_with_id(graph, node_id)
    if found is not None:
        return graph.issue(*found)
    for repository in graph.hub.repositories.values():
        if repository.node_id == node_id and may_see(graph.token, repository):
            return graph.repository_shape(repository)
    for project in graph.hub.projects.values():
        if project.id == node_id:
            return graph.project(project)
    raise GraphError("NOT_FOUND", f"Could not resolve to a node with the global id of '{node_id}'")


def _node_or_null(graph: Graph, node_id: str) -> Source | GraphError:
    # An exception in place of a value is the error of this one element.
    try:
        return _node(graph, node_id)
    except GraphError as error:
        return error


def _issue_with_id(graph: Graph, node_id: str) -> tuple[Repository, Issue] | None:
    for repository in graph.hub.repositories.values():
        for issue in repository.issues.values():
            if issue.node_id == node_id and may_see(graph.token, repository):
                return repository, issue
    return None


def _changed_issue(graph: Graph, node_id: object) -> tuple[Repository, Issue]:
    _require_write(graph)
    found = _issue_with_id(graph, str(node_id))
    if found is None:
        raise GraphError("NOT_FOUND", f"Could not resolve to a node with the id of '{node_id}'")
    return found


def _require_write(graph: Graph) -> None:
    if not graph.token.can_write:
        raise GraphError("FORBIDDEN", "Resource not accessible by personal access token")


def _add_comment(graph: Graph, given: JsonObject) -> Source:
    repository, issue = _changed_issue(graph, given["subjectId"])
    graph.hub.comment(issue, str(given["body"]), graph.token.login or "symphony-bot[bot]")
    return {"subject": graph.issue(repository, issue)}


def _close_issue(graph: Graph, given: JsonObject) -> Source:
    repository, issue = _changed_issue(graph, given["issueId"])
    reason = given.get("stateReason")
    graph.hub.set_open(issue, False, None if reason is None else str(reason).lower())
    return {"issue": graph.issue(repository, issue)}


def _set_value(graph: Graph, given: JsonObject) -> Source:
    _require_write(graph)
    for project in graph.hub.projects.values():
        if project.id != given["projectId"]:
            continue
        item = next((each for each in project.items if each.id == given["itemId"]), None)
        field = next((f for f in project.fields.values() if f.id == given["fieldId"]), None)
        if item is not None and field is not None:
            item.values[field.name.lower()] = _new_value(field, as_object(given["value"]))
            return {"projectV2Item": graph.item(project, item)}
    raise GraphError("NOT_FOUND", "Could not resolve to a node with the global id given")


def _new_value(field: ProjectField, value: JsonObject) -> str | float:
    if field.options is not None:
        wanted = value.get("singleSelectOptionId")
        for name, option in field.options.items():
            if option == wanted:
                return name
    number = value.get("number")
    if field.type == "NUMBER" and isinstance(number, (int, float)):
        return float(number)
    text = as_text(value.get("text"))
    if field.type == "TEXT" and text is not None:
        return text
    raise GraphError("UNPROCESSABLE", "Did not receive a value for the field that fits its type")

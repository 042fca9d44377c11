"""Executes GraphQL on the world as Linear would.

The whole of graphql-core's validation stands between a request and its execution, so that a query
that is invalid against the schema is refused, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from importlib import resources
from typing import cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    execute_sync,  # pyright: ignore[reportUnknownVariableType]
    get_operation_ast,
    parse,
    validate,
)

from conformance.fakes.asked import asked_of
from conformance.fakes.entities import Entity
from conformance.fakes.json_values import JsonObject
from conformance.fakes.linear.chaos import Chaos
from conformance.fakes.linear.complexity import MAXIMUM, complexity
from conformance.fakes.linear.connections import PageRequest, connection
from conformance.fakes.linear.errors import RefusedError, not_found
from conformance.fakes.linear.links import Links, entities
from conformance.fakes.linear.mutations import Mutations
from conformance.fakes.recording import Asked
from conformance.fakes.world import World

LARGEST_DOCUMENT_TOKENS = 20_000
"""Nobody writes such a query by hand; parsing it would hold up the fake."""

DOCUMENTS_KEPT = 64
"""A client sends the same few texts with each page; validation costs more than their execution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a key may do, and for whom."""

    user_id: str
    write: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One valid operation, ready to be executed."""

    document: DocumentNode
    node: OperationDefinitionNode
    name: str | None
    variables: JsonObject
    points: int
    asked: tuple[Asked, ...] = ()

    @property
    def is_mutation(self) -> bool:
        return self.node.operation is OperationType.MUTATION

    @property
    def root_fields(self) -> tuple[str, ...]:
        """The fields that are asked for at the top, by their names in the schema."""
        names = (getattr(each, "name", None) for each in self.node.selection_set.selections)
        return tuple(name.value for name in names if name is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    world: World
    links: Links
    mutations: Mutations
    chaos: Chaos


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    is_connection: bool
    is_optional: bool

    @staticmethod
    def of(name: str, type_: str) -> _Field:
        return _Field(name, type_.rstrip("!").endswith("Connection"), not type_.endswith("!"))


@cache
def schema() -> GraphQLSchema:
    """The schema with its resolvers."""
    text = resources.files(__package__ or "").joinpath("schema.graphql").read_text("utf-8")
    built = build_schema(text)
    for name, type_ in built.type_map.items():
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__"):
            for field_name, field in type_.fields.items():
                resolver = _RESOLVERS.get(name, _resolve_field)
                field.resolve = partial(resolver, _Field.of(field_name, str(field.type)))
    return built


def prepare(query: str, variables: JsonObject, name: str | None) -> Operation:
    """Parse, validate and weigh. Raises `RefusedError`."""
    document = _valid(query)
    node = get_operation_ast(document, name)
    if node is None:
        raise RefusedError("GRAPHQL_VALIDATION_FAILED", "the request names none of its operations")
    points = complexity(schema(), document, node, variables)
    if points > MAXIMUM:
        raise RefusedError(
            "INPUT_ERROR", f"Query too complex: {points} of at most {MAXIMUM} points"
        )
    return Operation(
        document=document,
        node=node,
        name=name,
        variables=variables,
        points=points,
        asked=asked_of(schema(), document, node, variables),
    )


@lru_cache(maxsize=DOCUMENTS_KEPT)
def _valid(query: str) -> DocumentNode:
    try:
        document = parse(query, max_tokens=LARGEST_DOCUMENT_TOKENS)
    except GraphQLSyntaxError as error:
        raise RefusedError("GRAPHQL_PARSE_FAILED", error.message) from None
    errors = validate(schema(), document)
    if errors:
        raise RefusedError("GRAPHQL_VALIDATION_FAILED", errors[0].message)
    return document


def execute(operation: Operation, world: World, rights: Rights, chaos: Chaos) -> ExecutionResult:
    """Execute it at one moment of the world. Raises `RefusedError`."""
    if operation.is_mutation and not rights.write:
        raise RefusedError("FORBIDDEN", "Invalid scope: `write` required")
    with world.lock:
        session = _Session(
            world=world,
            links=Links(world, rights.user_id),
            mutations=Mutations(world, world.users.get(rights.user_id)),
            chaos=chaos,
        )
        return execute_sync(
            schema(),
            operation.document,
            context_value=session,
            variable_values=dict(operation.variables),
            operation_name=operation.name,
        )


def _instant_text(value: datetime) -> str:
    """As Linear writes times."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _resolve_field(
    field: _Field, source: object, info: GraphQLResolveInfo[_Session], **arguments: object
) -> object:
    if isinstance(source, dict):
        return cast("Mapping[str, object]", source).get(field.name)
    session = info.context
    value = session.links.get(source, field.name)
    if field.is_connection:
        largest = session.chaos.nested_page_size
        request = PageRequest.of(arguments)
        return connection(session.links, entities(value), request, session.chaos, largest)
    if isinstance(value, datetime):
        return _instant_text(value)
    return None if value == "" and session.chaos.nulls and field.is_optional else value


def _resolve_mutation(
    field: _Field, source: object, info: GraphQLResolveInfo[_Session], **arguments: object
) -> object:
    del source
    return info.context.mutations.run(field.name, arguments)


def _resolve_query(
    field: _Field, source: object, info: GraphQLResolveInfo[_Session], **arguments: object
) -> object:
    del source
    session, name = info.context, field.name
    world, links = session.world, session.links
    if name in _COLLECTIONS:
        items = _COLLECTIONS[name](world)
        request = PageRequest.of(arguments)
        return connection(links, items, request, session.chaos, session.chaos.page_size)
    match name:
        case "viewer":
            return world.users[links.viewer_id]
        case "organization":
            return links.organization()
        case "issueVcsBranchSearch":
            branch = arguments["branchName"]
            return next((i for i in world.issues.values() if i.branch_name == branch), None)
        case "attachmentsForURL":
            found = [each for each in world.attachments.values() if each.url == arguments["url"]]
            return connection(links, found, PageRequest.of(arguments), session.chaos)
        case "rateLimitStatus":
            return {"identifier": links.viewer_id, "kind": "api_key", "limits": []}
        case _:
            return _single(world, name, str(arguments.get("id", "")))


def _single(world: World, name: str, id_: str) -> Entity:
    found = world.issue(id_) if name == "issue" else _KINDS[name](world).get(id_)
    if found is None and name in _SECOND_NAMES:
        every = _KINDS[name](world).values()
        found = next((e for e in every if getattr(e, _SECOND_NAMES[name]) == id_), None)
    if found is None:
        raise not_found(name[0].upper() + name[1:])
    return found


_KINDS: Mapping[str, Callable[[World], Mapping[str, Entity]]] = {
    "user": lambda world: world.users,
    "team": lambda world: world.teams,
    "project": lambda world: world.projects,
    "workflowState": lambda world: world.states,
    "issueLabel": lambda world: world.labels,
    "comment": lambda world: world.comments,
    "issueRelation": lambda world: world.relations,
}

_SECOND_NAMES: Mapping[str, str] = {"team": "key", "project": "slug"}
"""By what else than its id an entity can be asked for."""

_COLLECTIONS: Mapping[str, Callable[[World], Sequence[Entity]]] = {
    "issues": lambda world: list(world.issues.values()),
    "users": lambda world: list(world.users.values()),
    "teams": lambda world: list(world.teams.values()),
    "projects": lambda world: list(world.projects.values()),
    "workflowStates": lambda world: list(world.states.values()),
    "issueLabels": lambda world: list(world.labels.values()),
    "comments": lambda world: list(world.comments.values()),
    "issueRelations": lambda world: list(world.relations.values()),
}

_RESOLVERS: Mapping[str, Callable[..., object]] = {
    "Query": _resolve_query,
    "Mutation": _resolve_mutation,
}

"""The fake's part of Linear's schema is a part of Linear's schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import resources

import pytest
from graphql import (
    DefinitionNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    parse,
    print_ast,
    validate_schema,
)

from conformance.fakes.linear.executor import schema
from tests.support.full_schemas import full_text

OWN = resources.files("conformance.fakes.linear").joinpath("schema.graphql").read_text("utf-8")


def definitions(text: str) -> Mapping[str, DefinitionNode]:
    """Every type by its name."""
    named: dict[str, DefinitionNode] = {}
    for each in parse(text, no_location=True).definitions:
        name = getattr(each, "name", None)
        if name is not None:
            named[name.value] = each
    return named


def test_the_part_is_a_valid_schema_with_everything_that_agents_ask_for() -> None:
    assert validate_schema(schema()) == []
    query, mutation = schema().query_type, schema().mutation_type
    assert query is not None
    assert mutation is not None
    assert {"issues", "issue", "viewer", "users", "team", "project", "workflowStates"} <= set(
        query.fields
    )
    assert {"issueUpdate", "commentCreate", "issueAddLabel"} <= set(mutation.fields)


def test_every_type_field_and_argument_is_that_of_the_full_schema() -> None:
    full = definitions(full_text("linear"))
    wrong = [
        difference
        for name, own in definitions(OWN).items()
        for difference in differences(name, own, full.get(name))
    ]
    assert wrong == []


def test_a_difference_would_be_found() -> None:
    full = definitions("type A { a(b: Int, c: Int!): Int } input B { a: Int! b: Int }")
    own = definitions("type A { a(b: Int!): Int! z: Int } input B { b: Int! } scalar C")
    found = [each for name in own for each in differences(name, own[name], full.get(name))]
    assert found == [
        "A.a is Int there",
        "A.a(b) is Int there",
        "A.a(c) is required there",
        "A.z is not there",
        "B.b is Int there",
        "B.a is required there",
        "C is not there",
    ]


def differences(name: str, own: DefinitionNode, theirs: DefinitionNode | None) -> Iterator[str]:
    match own, theirs:
        case ScalarTypeDefinitionNode(), ScalarTypeDefinitionNode():
            pass
        case EnumTypeDefinitionNode(), EnumTypeDefinitionNode():
            values = {each.name.value for each in theirs.values or ()}
            for each in own.values or ():
                if each.name.value not in values:
                    yield f"{name}.{each.name.value} is not there"
        case InputObjectTypeDefinitionNode(), InputObjectTypeDefinitionNode():
            yield from input_differences(f"{name}.", "", own.fields or (), theirs.fields or ())
        case (ObjectTypeDefinitionNode(), ObjectTypeDefinitionNode()) | (
            InterfaceTypeDefinitionNode(),
            InterfaceTypeDefinitionNode(),
        ):
            yield from field_differences(name, own.fields or (), theirs.fields or ())
        case _:
            yield f"{name} is not there"


def field_differences(
    type_: str, own: Iterable[FieldDefinitionNode], theirs: Iterable[FieldDefinitionNode]
) -> Iterator[str]:
    known = {each.name.value: each for each in theirs}
    for field in own:
        place = f"{type_}.{field.name.value}"
        other = known.get(field.name.value)
        if other is None:
            yield f"{place} is not there"
            continue
        if print_ast(other.type) != print_ast(field.type):
            yield f"{place} is {print_ast(other.type)} there"
        yield from input_differences(f"{place}(", ")", field.arguments or (), other.arguments or ())


def input_differences(
    before: str,
    after: str,
    own: Iterable[InputValueDefinitionNode],
    theirs: Iterable[InputValueDefinitionNode],
) -> Iterator[str]:
    known = {each.name.value: each for each in theirs}
    for value in own:
        other = known.pop(value.name.value, None)
        if other is None:
            yield f"{before}{value.name.value}{after} is not there"
        elif print_ast(other.type) != print_ast(value.type):
            yield f"{before}{value.name.value}{after} is {print_ast(other.type)} there"
    for name, value in known.items():
        if isinstance(value.type, NonNullTypeNode) and value.default_value is None:
            yield f"{before}{name}{after} is required there"


@pytest.mark.parametrize("name", ["Issue", "IssueFilter", "StringComparator"])
def test_the_types_that_matter_are_there(name: str) -> None:
    assert name in definitions(OWN)

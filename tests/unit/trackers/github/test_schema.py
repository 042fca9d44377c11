"""The fake's schema is a part of GitHub's, and what we send is valid against both."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_ast_schema,
    parse,
    validate,
)

from conformance.fakes.github.executor import schema_without
from symphony.trackers.github.queries import all_documents

FULL = Path(__file__).resolve().parents[4].parent / "shared/schemas/github.graphql"


@cache
def full_schema() -> GraphQLSchema:
    if not FULL.is_file():
        message = (
            "GitHub's schema is not beside the checkout (shared/schemas/github.graphql): nothing "
            "is checked against it"
        )
        pytest.skip(message)
    # It defines two fields twice, so it would not pass as a whole.
    document = parse(FULL.read_text(encoding="utf-8"), no_location=True)
    return build_ast_schema(document, assume_valid=True)


def errors_of(schema: GraphQLSchema) -> list[str]:
    return [str(each) for text in all_documents() for each in validate(schema, parse(text))]


def test_every_document_is_valid_against_the_schema_of_the_fake() -> None:
    assert errors_of(schema_without()) == []


def test_every_document_is_valid_against_the_published_schema() -> None:
    assert errors_of(full_schema()) == []


def test_nothing_that_is_sent_needs_a_user_behind_the_token() -> None:
    assert not [text for text in all_documents() if "viewer" in text]


def test_the_schema_of_the_fake_is_a_part_of_the_published_one() -> None:
    full, part = full_schema(), schema_without()
    wrong: list[str] = []
    for name, type_ in part.type_map.items():
        if name.startswith("__"):
            continue
        known = full.type_map.get(name)
        if known is None or type(known) is not type(type_):
            wrong.append(f"{name} is no such type")
        elif isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)):
            assert isinstance(known, (GraphQLObjectType, GraphQLInterfaceType))
            wrong += differences(type_, known)
        elif isinstance(type_, GraphQLInputObjectType):
            assert isinstance(known, GraphQLInputObjectType)
            for field, value in type_.fields.items():
                if field not in known.fields or str(known.fields[field].type) != str(value.type):
                    wrong.append(f"{name}.{field}")
            required = (field for field, value in known.fields.items() if is_required(value.type))
            wrong += [
                f"{name}.{field} is missing" for field in required if field not in type_.fields
            ]
        elif isinstance(type_, GraphQLEnumType):
            assert isinstance(known, GraphQLEnumType)
            wrong += [f"{name}.{each}" for each in type_.values if each not in known.values]
        elif isinstance(type_, GraphQLUnionType):
            assert isinstance(known, GraphQLUnionType)
            members = {each.name for each in known.types}
            wrong += [f"{name} | {each.name}" for each in type_.types if each.name not in members]
    assert wrong == []


def differences(
    part: GraphQLObjectType | GraphQLInterfaceType, full: GraphQLObjectType | GraphQLInterfaceType
) -> list[str]:
    interfaces = {each.name for each in full.interfaces}
    wrong = [
        f"{part.name} is no {each.name}" for each in part.interfaces if each.name not in interfaces
    ]
    for name, field in part.fields.items():
        known = full.fields.get(name)
        if known is None or str(known.type) != str(field.type):
            wrong.append(f"{part.name}.{name}: {field.type}")
            continue
        for argument, value in field.args.items():
            same = known.args.get(argument)
            if same is None or str(same.type) != str(value.type):
                wrong.append(f"{part.name}.{name}({argument}: {value.type})")
        for argument, value in known.args.items():
            if is_required(value.type) and argument not in field.args:
                wrong.append(f"{part.name}.{name} lacks {argument}")
    return wrong


def is_required(type_: object) -> bool:
    return str(type_).endswith("!")

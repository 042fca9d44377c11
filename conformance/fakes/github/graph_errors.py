"""Errors of GitHub's GraphQL interface, in its own form: a `type` beside message and path."""

from __future__ import annotations

import re

from graphql import GraphQLError

from conformance.fakes.json_values import JsonObject, JsonValue


class GraphError(Exception):
    """A refusal within an answer of 200. `type_` is GitHub's, such as `NOT_FOUND`."""

    def __init__(self, type_: str, message: str) -> None:
        super().__init__(message)
        self.type_ = type_


_UNKNOWN_FIELD = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'")


def error_shape(error: GraphQLError) -> JsonObject:
    """The error as GitHub writes it."""
    content: dict[str, JsonValue] = {}
    original = error.original_error
    if isinstance(original, GraphError):
        content["type"] = original.type_
    if error.path:
        content["path"] = list(error.path)
    if error.locations:
        content["locations"] = [
            {"line": each.line, "column": each.column} for each in error.locations
        ]
    unknown = _UNKNOWN_FIELD.match(error.message)
    if unknown is None:
        content["message"] = error.message
        return content
    field, type_ = unknown.groups()
    content["message"] = f"Field '{field}' doesn't exist on type '{type_}'"
    content["extensions"] = {"code": "undefinedField", "typeName": type_, "fieldName": field}
    return content

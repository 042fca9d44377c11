"""Which issues a GraphQL operation asks for: arguments as they resolve, whatever its text looks
like.

Guarantees: a client that writes literals, variables, aliases or fragments is understood alike. Must
not: execute anything, or know what a read is for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_argument_values,
    get_variable_values,
    visit,
)

from conformance.fakes.json_values import JsonObject, as_object
from conformance.fakes.recording import Asked

_LEADS_TO_ISSUES = frozenset(
    {"Issue", "IssueConnection", "IssueOrPullRequest", "Node", "ProjectV2ItemConnection"}
)
"""Types of fields that are read to get at issues, in both providers' schemas."""
_WITHIN_AN_ISSUE = frozenset({"Issue", "PullRequest"})
"""What is asked of these is about the relatives of an issue that was already asked for."""


def asked_of(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: JsonObject,
) -> tuple[Asked, ...]:
    """The fields that read issues, in the order of the document, which is valid. Nothing where its
    variables do not fit."""
    definitions = operation.variable_definitions or ()
    values = get_variable_values(schema, definitions, dict(variables))
    if isinstance(values, list):
        return ()

    def resolved(field: GraphQLField, node: FieldNode) -> Mapping[str, object]:
        return get_argument_values(field, node, values)

    information = TypeInfo(schema)
    reader = _Reader(information, _fragments(document), resolved)
    visit(document, TypeInfoVisitor(information, reader))
    return tuple(reader.found)


class _Reader(Visitor):
    def __init__(
        self,
        information: TypeInfo,
        fragments: Mapping[str, FragmentDefinitionNode],
        resolved: Callable[[GraphQLField, FieldNode], Mapping[str, object]],
    ) -> None:
        super().__init__()
        self._information = information
        self._fragments = fragments
        self._resolved = resolved
        self.found: list[Asked] = []

    def enter_field(self, node: FieldNode, *_: object) -> None:
        definition = self._information.get_field_def()
        parent = self._information.get_parent_type()
        if definition is None or parent is None or not definition.args:
            return
        leads_to = _name_of(definition)
        if leads_to not in _LEADS_TO_ISSUES or parent.name in _WITHIN_AN_ISSUE:
            return
        try:
            arguments = self._resolved(definition, node)
        except GraphQLError:
            return  # The execution will say so.
        plain = as_object(json.loads(json.dumps(arguments, default=str)))
        selected = frozenset(_selected(node.selection_set, self._fragments))
        self.found.append(Asked(field=node.name.value, arguments=plain, selected=selected))


def _name_of(field: GraphQLField) -> str:
    """The name of the type that it gives, alone or in lists."""
    kind = cast("object", field.type)  # pyright: ignore[reportUnknownMemberType]
    return str(kind).strip("[]!")


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }


def _selected(
    selection: SelectionSetNode | None, fragments: Mapping[str, FragmentDefinitionNode]
) -> list[str]:
    """The names of the fields of the records, whether they come alone, as `nodes` or in `edges`."""
    found: list[str] = []
    for each in selection.selections if selection else ():
        if isinstance(each, FieldNode):
            name = each.name.value
            is_wrapping = name in ("nodes", "edges", "node", "content")
            found += _selected(each.selection_set, fragments) if is_wrapping else [name]
        elif isinstance(each, InlineFragmentNode):
            found += _selected(each.selection_set, fragments)
        elif isinstance(each, FragmentSpreadNode):
            found += _selected(fragments[each.name.value].selection_set, fragments)
    return found

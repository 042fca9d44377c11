"""What a query costs by Linear's published rule.

A property costs 0.1, an object 1, and a connection multiplies what is asked of its entries by the
size of the page, 50 where none is given. The sum is rounded up; above 10,000 it is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

MAXIMUM = 10_000
DEFAULT_PAGE = 50
PROPERTY = 0.1
OBJECT = 1.0


def complexity(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, object],
) -> int:
    """The points of one operation of a valid document."""
    fragments = {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    root = schema.get_root_type(operation.operation)
    if root is None:
        return 0
    return math.ceil(_Cost(schema, fragments, variables).of(operation.selection_set, root))


class _Cost:
    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, object],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables

    def of(self, selections: SelectionSetNode, parent: GraphQLNamedType) -> float:
        """The cost of what is selected on one object of this type."""
        total = 0.0
        for selection in selections.selections:
            match selection:
                case FieldNode():
                    total += self._field(selection, parent)
                case FragmentSpreadNode():
                    total += self.of(self._fragments[selection.name.value].selection_set, parent)
                case InlineFragmentNode():
                    total += self.of(selection.selection_set, parent)
                case _:
                    pass
        return total

    def _field(self, field: FieldNode, parent: GraphQLNamedType) -> float:
        name = field.name.value
        if name.startswith("__") or not isinstance(parent, GraphQLObjectType):
            return 0.0
        type_ = self._schema.get_type(str(parent.fields[name].type).strip("[]!"))
        if type_ is None or field.selection_set is None:
            return PROPERTY
        inner = self.of(field.selection_set, type_)
        if type_.name.endswith("Connection"):
            return OBJECT + inner * self._page(field)
        return (
            inner if parent.name.endswith("Connection") and name == "pageInfo" else OBJECT + inner
        )

    def _page(self, field: FieldNode) -> int:
        for argument in field.arguments or ():
            if argument.name.value not in ("first", "last"):
                continue
            if isinstance(argument.value, IntValueNode):
                return int(argument.value.value)
            if isinstance(argument.value, VariableNode):
                value = self._variables.get(argument.value.name.value)
                return value if isinstance(value, int) else DEFAULT_PAGE
        return DEFAULT_PAGE

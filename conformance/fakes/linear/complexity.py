"""What a query costs at Linear: at least, or by the letter of its documentation.

A property costs 0.1, an object 1, and a connection multiplies what is asked of its entries by the
size of the page, 50 where none is given. The sum is rounded up; above 10,000 it is refused. What
people measured is less: an object that stands alone costs hardly more than what is asked of it, and
the query of the reference implementation, which would come to 11,500 by the letter, works.
Guarantees: nothing costs more than it does at Linear, unless `DOCUMENTED` is asked for.
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
ENTRY = 1.0
MEASURED = 0.0
DOCUMENTED = 1.0
"""Of an object that is no entry of a list."""


def complexity(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, object],
    *,
    alone: float = MEASURED,
) -> int:
    """The points of one operation of a valid document. `alone` is what an object costs that is no
    entry of a list: `MEASURED` or `DOCUMENTED`."""
    fragments = {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    root = schema.get_root_type(operation.operation)
    if root is None:
        return 0
    return math.ceil(_Cost(schema, fragments, variables, alone).of(operation.selection_set, root))


class _Cost:
    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, object],
        alone: float,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._alone = alone

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
        given = str(parent.fields[name].type)
        type_ = self._schema.get_type(given.strip("[]!"))
        if type_ is None or field.selection_set is None:
            return PROPERTY
        inner = self.of(field.selection_set, type_)
        if type_.name.endswith("Connection"):
            return self._alone + inner * self._page(field)
        if parent.name.endswith("Connection") and name == "pageInfo":
            return inner
        return inner + (ENTRY if given.startswith("[") else self._alone)

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

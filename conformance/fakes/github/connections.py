"""GraphQL connections with opaque cursors and GitHub's rules for their bounds."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from conformance.fakes.github.chaos import Chaos
from conformance.fakes.github.graph_errors import GraphError

LARGEST_PAGE = 100
LISTS = frozenset({"issues", "items"})
"""Connections that are not within an issue."""

Arguments: TypeAlias = Mapping[str, object]
Field: TypeAlias = Callable[[Arguments], object]
Source: TypeAlias = "dict[str, str | int | float | bool | Sequence[object] | Source | Field | None]"
"""An object of the graph. A field that is a function is called with its arguments."""

Element = TypeVar("Element")


def connection(
    field: str,
    elements: Sequence[Element],
    shape: Callable[[Element], object],
    chaos: Chaos,
    arguments: Arguments,
    *,
    key: Callable[[Element], object] | None = None,
) -> Source:
    """The page that the arguments ask for. `key` gives elements an identity, and with that an
    order that chaos may choose. Raises `GraphError`."""
    if chaos.shuffle and key is not None:
        identity = key
        elements = sorted(elements, key=lambda each: chaos.order_key(identity(each)))
    first, last = _bound(field, arguments, "first"), _bound(field, arguments, "last")
    if first is None and last is None:
        raise GraphError(
            "MISSING_PAGINATION_BOUNDARIES",
            f"You must provide a `first` or `last` value to properly paginate the `{field}` "
            "connection.",
        )
    start = _after(arguments.get("after"))
    end = _before(arguments.get("before"), len(elements))
    if first is not None:
        end = min(end, start + chaos.page(first, nested=field not in LISTS))
    elif last is not None:
        start = max(start, end - chaos.page(last, nested=field not in LISTS))
    nodes = [shape(each) for each in elements[start:end]]
    cursors = [_cursor(place) for place in range(start, start + len(nodes))]
    return {
        "nodes": nodes,
        "edges": [
            {"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)
        ],
        "totalCount": len(elements),
        "pageInfo": {
            "hasNextPage": end < len(elements),
            "hasPreviousPage": start > 0,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


def _bound(field: str, arguments: Arguments, name: str) -> int | None:
    value = arguments.get(name)
    if not isinstance(value, int):
        return None
    if not 0 <= value <= LARGEST_PAGE:
        raise GraphError(
            "EXCESSIVE_PAGINATION",
            f"Requesting {value} records on the `{field}` connection exceeds the `{name}` limit of "
            f"{LARGEST_PAGE} records.",
        )
    return value


def _cursor(place: int) -> str:
    return base64.b64encode(f"cursor:v2:{place}".encode()).decode()


def _place(cursor: object) -> int:
    try:
        text = base64.b64decode(str(cursor), validate=True).decode()
        return int(text.removeprefix("cursor:v2:"))
    except ValueError:
        raise GraphError(
            "INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor."
        ) from None


def _after(cursor: object) -> int:
    return 0 if cursor is None else _place(cursor) + 1


def _before(cursor: object, total: int) -> int:
    return total if cursor is None else _place(cursor)

"""Following the cursors of a connection to its end, or failing (`tracker.pages.integrity`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text
from symphony.trackers.errors import TrackerError

FetchPage: TypeAlias = Callable[[str, int], Awaitable[JsonValue]]
"""Gives the connection after a cursor; the number is how many entries there are so far."""


async def further_nodes(
    first: JsonValue, fetch: FetchPage, *, what: str, limit: int
) -> list[JsonValue]:
    """The entries of all pages but the first, which is there already. Raises `TrackerError` for a
    cursor that is missing or comes again, and where there are more than `limit` pages."""
    first_count = len(nodes_of(first, what))
    nodes: list[JsonValue] = []
    seen: set[str] = set()
    cursor = next_cursor(first, what)
    while cursor is not None:
        if cursor in seen:
            raise TrackerError("tracker_pagination", f"the cursor of {what} repeats itself")
        if len(seen) == limit:
            raise TrackerError(
                "tracker_pagination",
                f"{what} have more than {limit + 1} pages; narrow the scope or the states",
            )
        seen.add(cursor)
        page = await fetch(cursor, first_count + len(nodes))
        nodes += nodes_of(page, what)
        cursor = next_cursor(page, what)
    return nodes


def nodes_of(connection: JsonValue, what: str) -> Sequence[JsonValue]:
    """The entries of one page. Raises `TrackerError`."""
    nodes = as_array((as_object(connection) or {}).get("nodes"))
    if nodes is None:
        raise TrackerError("tracker_response", f"Linear's answer holds no list of {what}")
    return nodes


def is_last(connection: JsonObject) -> bool:
    """Whether Linear says that no page follows."""
    return (as_object(connection.get("pageInfo")) or {}).get("hasNextPage") is False


def next_cursor(connection: JsonValue, what: str) -> str | None:
    """The cursor of the next page; None where there is none. Raises `TrackerError`."""
    info: JsonObject = as_object((as_object(connection) or {}).get("pageInfo")) or {}
    more = info.get("hasNextPage")
    if more is False:
        return None
    cursor = as_text(info.get("endCursor"))
    if more is not True or not cursor:
        raise TrackerError(
            "tracker_pagination", f"Linear does not say where the next page of {what} begins"
        )
    return cursor

"""A Projects v2 board: its head with the state field, and its items in pages.

Guarantees that the field exists and has options before any state is believed, and that the whole
board was read: a cursor that is missing or comes twice fails the read (`tracker.pages.integrity`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text
from symphony.trackers.errors import TrackerError
from symphony.trackers.github.answers import DAEMON_KEY
from symphony.trackers.github.graphql import Data, GraphQL
from symphony.trackers.github.queries import Extras, board_items
from symphony.trackers.github.records import (
    MalformedRecordError,
    Record,
    nodes,
    placement_of,
    record_of_graphql,
)
from symphony.trackers.github.settings import BoardSettings

MAXIMUM_PAGES = 120
"""12,000 items of a hundred a page; GitHub has boards of 1,200, and larger ones by request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardHead:
    """`options` are the ids of the states by their names, in the order of the board."""

    id: str
    field_id: str
    options: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardItems:
    """All issues of a board, of whatever repository, and what could not be read."""

    head: BoardHead
    records: Sequence[Record]
    malformed: Sequence[MalformedRecordError]


def head_of(data: Data, board: BoardSettings, key: str) -> BoardHead:
    """The head in an answer that the token of `key` asked for. Raises `TrackerError` that names
    the setting."""
    owner = as_object(data.data.get("repositoryOwner")) or {}
    project = as_object(owner.get("projectV2"))
    if project is None:
        said = data.missing[0].message if data.missing else "no such owner"
        raise refuse_missing_board(board, key, said)
    field = as_object(project.get("field"))
    if field is None or field.get("__typename") != "ProjectV2SingleSelectField":
        found = "no field of that name" if field is None else f"a {field.get('__typename')}"
        raise TrackerError(
            "invalid_tracker_config",
            f"tracker.provider.project_field: project {board.owner}/{board.number} has no "
            f"single-select field `{board.status_field}` (GitHub: {found}). Add the field to the "
            "board, or write the name of the one that holds the state",
        )
    options: dict[str, str] = {}
    for each in as_array(field.get("options")) or ():
        option = as_object(each) or {}
        options[as_text(option.get("name")) or ""] = as_text(option.get("id")) or ""
    return BoardHead(
        id=as_text(project.get("id")) or "",
        field_id=as_text(field.get("id")) or "",
        options=options,
    )


def refuse_missing_board(board: BoardSettings, key: str, said: str) -> TrackerError:
    """The error for a board that is not there for the token of `key`."""
    # The daemon reads the board before any tool does: there the number was right.
    blamed = "tracker.provider.project_number" if key == DAEMON_KEY else key
    return TrackerError(
        "tracker_status",
        f"{blamed}: there is no project {board.number} of {board.owner}, or the token cannot see "
        f"it ({said}). Correct the number or `project_owner`, or give the token in {key} the right "
        "to read projects",
    )


async def read_board(graphql: GraphQL, board: BoardSettings) -> BoardItems:
    """The whole board. Raises `TrackerError`."""
    records: list[Record] = []
    malformed: list[MalformedRecordError] = []
    seen: set[str] = set()
    after: str | None = None
    while True:
        variables: dict[str, JsonValue] = {"after": after, **board.variables()}
        data = await graphql.read(_document, variables)
        head = head_of(data, board, graphql.key)
        owner = as_object(data.data.get("repositoryOwner")) or {}
        items = as_object((as_object(owner.get("projectV2")) or {}).get("items")) or {}
        for entry in nodes(items):
            try:
                records += _records(as_object(entry) or {})
            except MalformedRecordError as error:
                malformed.append(error)
        after = _next_cursor(items, seen)
        if after is None:
            return BoardItems(head=head, records=records, malformed=malformed)


def _document(extras: Sequence[Extras]) -> str:
    return board_items(extras)


def _records(item: JsonObject) -> list[Record]:
    content = as_object(item.get("content")) or {}
    placement = placement_of(item)
    if content.get("__typename") != "Issue" or placement is None:
        return []
    return [replace(record_of_graphql(content), placement=placement)]


def _next_cursor(connection: JsonObject, seen: set[str]) -> str | None:
    """The cursor of the next page, None after the last one. Raises `TrackerError`."""
    page = as_object(connection.get("pageInfo"))
    if page is None or not isinstance(page.get("hasNextPage"), bool):
        raise TrackerError("tracker_pagination", "GitHub does not say whether the board goes on")
    if page["hasNextPage"] is False:
        return None
    cursor = as_text(page.get("endCursor"))
    if not cursor or cursor in seen:
        raise TrackerError(
            "tracker_pagination", "GitHub's cursor for the board is missing or came twice"
        )
    seen.add(cursor)
    if len(seen) >= MAXIMUM_PAGES:
        raise TrackerError(
            "tracker_pagination",
            f"the board has more than {MAXIMUM_PAGES} pages; a part of it would be a wrong answer. "
            "Archive items that are done",
        )
    return cursor

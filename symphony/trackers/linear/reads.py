"""The reads: opening request, further pages, what single issues have too much of.

Records are still Linear's own when they leave here, but complete: no page of labels or relations is
missing. Everything is a complete answer or a `TrackerError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text
from symphony.trackers.errors import TrackerError
from symphony.trackers.linear.bounds import Bounds
from symphony.trackers.linear.client import LinearClient
from symphony.trackers.linear.normalize import record_id, record_name
from symphony.trackers.linear.pages import further_nodes, is_last, next_cursor, nodes_of
from symphony.trackers.linear.queries import (
    MORE_ARCHIVED_TOO,
    MORE_ISSUES,
    MORE_LABELS,
    MORE_RELATIONS,
    PAGE_SIZE,
    Queries,
    further_page_size,
)
from symphony.trackers.linear.settings import MYSELF, LinearSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Records of one read, each once, in the order of delivery. `assignee_id` is whom the settings
    mean by their assignee, None where they name nobody."""

    records: Sequence[JsonValue]
    assignee_id: str | None


class Reader:
    """Reads with one client and one configuration."""

    def __init__(self, client: LinearClient, settings: LinearSettings, bounds: Bounds) -> None:
        self._client = client
        self._settings = settings
        self._bounds = bounds
        self._queries = Queries(settings)

    async def by_states(self, states: Sequence[str]) -> Answer:
        """Everything of the scope in these states. Raises `TrackerError`, also where the scope or
        the assignee does not exist."""
        wanted = self._queries.in_states(states)
        return await self._read(self._queries.by_states, wanted, with_scope=True)

    async def by_ids(self, ids: Sequence[str]) -> Answer:
        """What of these ids is visible in the scope. Raises `TrackerError`."""
        records: list[JsonValue] = []
        assignee: str | None = None
        for start in range(0, len(ids), PAGE_SIZE):
            wanted = self._queries.with_ids(ids[start : start + PAGE_SIZE])
            answer = await self._read(self._queries.by_ids, wanted, with_scope=False)
            records += answer.records
            assignee = answer.assignee_id
        return Answer(records=records, assignee_id=assignee)

    async def by_identifiers(self, identifiers: Sequence[str]) -> Answer:
        """What of these is in the scope, archived or not. Raises `TrackerError`."""
        records: list[JsonValue] = []
        assignee: str | None = None
        for start in range(0, len(identifiers), PAGE_SIZE):
            wanted = self._queries.with_identifiers(identifiers[start : start + PAGE_SIZE])
            query = self._queries.by_identifiers
            answer = await self._read(query, wanted, with_scope=False, more=MORE_ARCHIVED_TOO)
            records += answer.records
            assignee = answer.assignee_id
        return Answer(records=records, assignee_id=assignee)

    async def _read(
        self, query: str, wanted: JsonObject, *, with_scope: bool, more: str = MORE_ISSUES
    ) -> Answer:
        variables = self._queries.opening_variables(wanted, with_scope=with_scope)
        data = await self._client.read(query, variables)
        if with_scope:
            self._check_scope(data)
        assignee = self._assignee(data)

        async def fetch(cursor: str, so_far: int) -> JsonValue:
            size = further_page_size(so_far)
            page = await self._client.read(more, {"filter": wanted, "first": size, "after": cursor})
            return page.get("issues")

        first = data.get("issues")
        nodes = nodes_of(first, "issues")
        rest = await further_nodes(first, fetch, what="issues", limit=self._bounds.pages - 1)
        records = _distinct([*nodes, *rest])
        return Answer(
            records=[await self._completed(each) for each in records], assignee_id=assignee
        )

    def _check_scope(self, data: JsonObject) -> None:
        scope = self._settings.scope
        if scope.project_slugs and not nodes_of(data.get("projects"), "projects"):
            raise TrackerError(
                "invalid_tracker_config",
                "tracker.provider.project_slug: Linear knows no project with the slug id "
                f"`{scope.project_slugs[0]}` that this key may see. Copy the end of the project's "
                "address in Linear, or give the key access to its team",
            )
        if scope.team_key is not None and not nodes_of(data.get("teams"), "teams"):
            raise TrackerError(
                "invalid_tracker_config",
                f"tracker.provider.team_key: Linear knows no team with the key `{scope.team_key}` "
                "that this key may see. The team's key is what its issues begin with, as in ABC-1",
            )

    def _assignee(self, data: JsonObject) -> str | None:
        name = self._settings.assignee
        if name is None:
            return None
        if name == MYSELF:
            found: Sequence[JsonValue] = (data.get("viewer"),)
        else:
            found = nodes_of(data.get("users"), "users")
        ids = [each_id for each in found if (each_id := record_id(each))]
        if len(ids) != 1:
            many = "more than one active user" if ids else "no active user"
            raise TrackerError(
                "invalid_tracker_config",
                f"tracker.provider.assignee: Linear knows {many} by `{name}`. Write the e-mail "
                "address, the id, or `me` for the owner of the key",
            )
        return ids[0]

    async def _completed(self, node: JsonValue) -> JsonValue:
        """The record with all of its labels and relations."""
        record = as_object(node)
        if record is None:
            return node
        for field, query in (("labels", MORE_LABELS), ("inverseRelations", MORE_RELATIONS)):
            connection = as_object(record.get(field))
            # A record without them is malformed, which is for others to judge.
            if connection is None or as_array(connection.get("nodes")) is None:
                continue
            if is_last(connection):
                continue
            what = f"{field} of {record_name(record)}"
            if next_cursor(connection, what) is not None:
                record = {**record, field: await self._whole(record, field, query, what)}
        return record

    async def _whole(self, record: JsonObject, field: str, query: str, what: str) -> JsonObject:
        first = record[field]
        issue_id = as_text(record.get("id"))

        async def fetch(cursor: str, so_far: int) -> JsonValue:
            del so_far
            data = await self._client.read(query, {"id": issue_id, "after": cursor})
            return (as_object(data.get("issue")) or {}).get(field)

        rest = await further_nodes(first, fetch, what=what, limit=self._bounds.nested_pages)
        return {"nodes": [*nodes_of(first, what), *rest]}


def _distinct(nodes: Sequence[JsonValue]) -> list[JsonValue]:
    """Each record once: between two pages an issue can move to the other side of the cursor. The
    later content counts."""
    places: dict[str, int] = {}
    records: list[JsonValue] = []
    for node in nodes:
        name = record_id(node)
        if name is not None and name in places:
            records[places[name]] = node
            continue
        if name is not None:
            places[name] = len(records)
        records.append(node)
    return records

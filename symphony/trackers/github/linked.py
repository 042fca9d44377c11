"""Linked pull requests of issues that REST listed without them.

They matter to the prompt of an issue that is about to be started, so those that come first in the
order of dispatch are asked about, `BATCH` with one query in each read. An answer holds while the
issue has not been updated since: an idle poll asks nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from symphony.domain.json import as_array, as_object, as_text
from symphony.trackers.github.graphql import GraphQL
from symphony.trackers.github.queries import Extras, pull_requests_of_nodes
from symphony.trackers.github.records import PullRequest, Record, pull_requests_of

BATCH = 50
"""More than a daemon starts at once."""

KNOWN_ISSUES = 5_000
"""The oldest go first; what is asked for again is one query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """`pull_requests` is None where the token may not see them: asking again would not help."""

    updated_at: datetime | None
    pull_requests: tuple[PullRequest, ...] | None


class LinkedPullRequests:
    """What is known of the pull requests of one repository's issues."""

    def __init__(self, graphql: GraphQL) -> None:
        self._graphql = graphql
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def note(self, records: Sequence[Record]) -> None:
        """Remember what records that carry their pull requests say."""
        for record in records:
            if record.pull_requests is not None:
                self._remember(record, record.pull_requests)

    async def of(self, records: Sequence[Record]) -> Mapping[int, tuple[PullRequest, ...]]:
        """Those of each issue, as far as they are known, by number. `records` are in the order of
        dispatch. Raises `TrackerError`."""
        unknown = [each for each in records if self._current(each) is None][:BATCH]
        if unknown and Extras.PULL_REQUESTS in self._graphql.extras:
            await self._ask(unknown)
        found: dict[int, tuple[PullRequest, ...]] = {}
        for each in records:
            known = self._current(each)
            if known is not None and known.pull_requests is not None:
                found[each.number] = known.pull_requests
        return found

    async def _ask(self, records: Sequence[Record]) -> None:
        data = await self._graphql.read(
            pull_requests_of_nodes, {"ids": [each.node_id for each in records]}
        )
        by_node = {each.node_id: each for each in records}
        for entry in as_array(data.data.get("nodes")) or ():
            node = as_object(entry) or {}
            record = by_node.get(as_text(node.get("id")) or "")
            if record is not None:
                found = pull_requests_of(node.get(Extras.PULL_REQUESTS.value))
                self._remember(record, found)

    def _current(self, record: Record) -> _Known | None:
        known = self._known.get(record.node_id)
        return known if known is not None and known.updated_at == record.updated_at else None

    def _remember(self, record: Record, found: tuple[PullRequest, ...] | None) -> None:
        self._known[record.node_id] = _Known(updated_at=record.updated_at, pull_requests=found)
        self._known.move_to_end(record.node_id)
        while len(self._known) > KNOWN_ISSUES:
            self._known.popitem(last=False)

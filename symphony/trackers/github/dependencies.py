"""Which issues block which, asked for as seldom as possible.

GitHub tells the number of blockers with each issue that REST lists, and the blockers themselves for
one issue at a time. Only issues that have some, or of which nobody knows, are asked about; an
unchanged answer costs nothing. A number that was seen holds while the issue has not been updated
since, for `KNOWN_SECONDS` at most. A server without dependencies has no blockers to tell
(`issue.blockers.not_invented`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from symphony.domain.json import JsonValue
from symphony.trackers.errors import TrackerError
from symphony.trackers.github.answers import Answer, refused
from symphony.trackers.github.client import GitHubClient
from symphony.trackers.github.pages import Pages
from symphony.trackers.github.records import MalformedRecordError, Record, record_of_rest
from symphony.trackers.github.settings import GitHubSettings
from symphony.trackers.github.together import together

KNOWN_SECONDS = 600.0
"""GitHub may not count a new blocker as an update of the issue, so "none" is not believed for
ever."""

FRESH_SECONDS = 5.0
"""Longer than a second by what the clocks of two machines usually differ."""

KNOWN_ISSUES = 50_000
"""More than one poll can list; the oldest go first."""


class _NotOfferedError(TrackerError):
    """The server has no dependencies, or the issue has just gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    updated_at: datetime | None
    blockers: int
    seen_at: float


class Dependencies:
    """Blockers of the issues of one repository. `elapsed` gives seconds that only grow."""

    def __init__(
        self,
        client: GitHubClient,
        settings: GitHubSettings,
        *,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._settings = settings
        self._elapsed = elapsed
        self._pages: Pages[tuple[Record, ...]] = Pages(client, _records)
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._are_offered = True

    def note_list(self, records: Iterable[Record]) -> None:
        """Remember what a list of REST told about the number of blockers."""
        offered = False
        listed = False
        for record in records:
            listed = True
            if record.blockers is not None:
                offered = True
                self._remember(record, record.blockers)
        if listed:
            # An older server says nothing of dependencies with any issue.
            self._are_offered = offered

    async def of(self, records: Sequence[Record]) -> Mapping[int, tuple[Record, ...]]:
        """The blockers of each of the issues that has some, by number. Raises `TrackerError`."""
        wanted = [each for each in records if self._are_offered and self._may_have_some(each)]
        blockers = await together([partial(self._ask, each) for each in wanted])
        numbers = (each.number for each in wanted)
        return {number: each for number, each in zip(numbers, blockers, strict=True) if each}

    async def _ask(self, record: Record) -> tuple[Record, ...]:
        path = f"/repos/{self._settings.repository}/issues/{record.number}/dependencies/blocked_by"
        try:
            pages = await self._pages.read(path, {}, self._refused)
        except _NotOfferedError:
            return ()
        blockers = tuple(each for page in pages for each in page)
        self._remember(record, len(blockers))
        return blockers

    def _may_have_some(self, record: Record) -> bool:
        if record.blockers is not None:
            return record.blockers > 0
        known = self._known.get(record.number)
        if known is None or known.blockers > 0 or known.updated_at != record.updated_at:
            return True
        return self._elapsed() - known.seen_at > KNOWN_SECONDS

    def _remember(self, record: Record, blockers: int) -> None:
        if not blockers and self._is_fresh(record):
            self._known.pop(record.number, None)
            return
        self._known[record.number] = _Known(
            updated_at=record.updated_at, blockers=blockers, seen_at=self._elapsed()
        )
        self._known.move_to_end(record.number)
        while len(self._known) > KNOWN_ISSUES:
            self._known.popitem(last=False)

    def _is_fresh(self, record: Record) -> bool:
        # Times have whole seconds: what changes in the same second again would look unchanged.
        if record.updated_at is None:
            return True
        return (self._client.now() - record.updated_at).total_seconds() < FRESH_SECONDS

    def _refused(self, answer: Answer) -> TrackerError:
        if answer.status in (404, 410):
            return _NotOfferedError("tracker_status", "no dependencies", status=answer.status)
        return refused(answer, self._settings.repository, self._client.key, self._client.now())


def _records(entries: Sequence[JsonValue]) -> tuple[Record, ...]:
    try:
        return tuple(record_of_rest(each) for each in entries)
    except MalformedRecordError as error:
        # Which issue it is cannot be known, so nobody can say that it is done.
        raise TrackerError(
            "tracker_response", f"GitHub's list of blockers cannot be read: {error.detail}"
        ) from None

"""Issues of the repository by REST lists: open and closed ones, or those with a state label.

A list that comes back unchanged costs nothing of the rate limit. Labels are asked for in the
spelling that the repository has, so that no state is lost to a filter that minds the case. A
malformed entry stands beside the records and hides none of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from symphony.domain.issue import state_key
from symphony.domain.json import JsonValue, as_object, as_text
from symphony.trackers.errors import TrackerError
from symphony.trackers.github.answers import Answer, refused
from symphony.trackers.github.by_number import is_ours, renamed
from symphony.trackers.github.client import GitHubClient
from symphony.trackers.github.pages import Pages
from symphony.trackers.github.records import (
    MalformedRecordError,
    Record,
    is_pull_request,
    record_of_rest,
)
from symphony.trackers.github.settings import GitHubSettings
from symphony.trackers.github.states import CLOSED, OPEN, states_in
from symphony.trackers.github.together import together


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What some lists hold, each issue once. `unknown_states` are names that no label has."""

    records: Sequence[Record]
    malformed: Sequence[MalformedRecordError] = ()
    unknown_states: Sequence[str] = ()


class Listing:
    """Lists of one repository."""

    def __init__(self, client: GitHubClient, settings: GitHubSettings) -> None:
        self._client = client
        self._settings = settings
        self._issues: Pages[Listed] = Pages(client, _parse_issues)
        self._labels: Pages[tuple[str, ...]] = Pages(client, _parse_labels)

    async def read(self, wanted: Collection[str]) -> Listed:
        """A superset of the issues in the wanted states, which are in the form of `state_key`.
        Raises `TrackerError`."""
        if self._settings.state_source == "issue":
            return await self._by_openness(wanted)
        return await self._by_labels(wanted)

    async def _by_openness(self, wanted: Collection[str]) -> Listed:
        asked = [each for each in (OPEN, CLOSED) if each in wanted]
        unknown = sorted(set(wanted) - {OPEN, CLOSED})
        if not asked:
            return Listed(records=(), unknown_states=unknown)
        openness = "all" if len(asked) == 2 else asked[0]
        return _joined([await self._list(openness, None)], unknown)

    async def _by_labels(self, wanted: Collection[str]) -> Listed:
        labels = await self._state_labels()
        lists: list[Callable[[], Awaitable[Listed]]] = []
        for state, spellings in labels.items():
            if state not in wanted:
                continue
            # A closed issue is in a state of its label only where that is a terminal one.
            ended = state in self._settings.terminal and CLOSED not in wanted
            for label in spellings:
                lists.append(partial(self._list, "all" if ended else "open", label))
        if CLOSED in wanted:
            lists.append(partial(self._list, "closed", None))
        return _joined(await together(lists), sorted(set(wanted) - labels.keys() - {CLOSED}))

    async def _state_labels(self) -> dict[str, list[str]]:
        """The labels that name a state, by that state."""
        prefix = self._settings.label_prefix
        path = f"/repos/{self._settings.repository}/labels"
        found: dict[str, list[str]] = {}
        for page in await self._labels.read(path, {}, self._refused):
            for label in page:
                for state in states_in((label,), prefix):
                    found.setdefault(state_key(state), []).append(label)
        return found

    async def _list(self, openness: str, label: str | None) -> Listed:
        # Oldest first: what is created meanwhile comes at the end and shifts no page.
        parameters: dict[str, str | int] = {
            "state": openness,
            "sort": "created",
            "direction": "asc",
        }
        if label is not None and "," not in label:
            # A comma would ask for two labels; without the filter the list is longer, not wrong.
            parameters["labels"] = label
        path = f"/repos/{self._settings.repository}/issues"
        listed = _joined(await self._issues.read(path, parameters, self._refused))
        for record in listed.records:
            if not is_ours(record, self._settings):
                raise renamed(self._settings.repository, record.repository)
        return listed

    def _refused(self, answer: Answer) -> TrackerError:
        return refused(answer, self._settings.repository, self._client.key, self._client.now())


def _joined(lists: Sequence[Listed], unknown_states: Sequence[str] = ()) -> Listed:
    # An issue that moved between two pages, or has two labels, comes twice: once is enough.
    records = {record.number: record for listed in lists for record in listed.records}
    malformed = [error for listed in lists for error in listed.malformed]
    return Listed(
        records=tuple(records.values()), malformed=malformed, unknown_states=unknown_states
    )


def _parse_issues(entries: Sequence[JsonValue]) -> Listed:
    records: list[Record] = []
    malformed: list[MalformedRecordError] = []
    for entry in entries:
        if is_pull_request(as_object(entry) or {}):
            continue
        try:
            records.append(record_of_rest(entry))
        except MalformedRecordError as error:
            malformed.append(error)
    return Listed(records=tuple(records), malformed=tuple(malformed))


def _parse_labels(entries: Sequence[JsonValue]) -> tuple[str, ...]:
    names = (as_text((as_object(entry) or {}).get("name")) for entry in entries)
    return tuple(name for name in names if name)

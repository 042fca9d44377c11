"""Issues by their numbers: one GraphQL query for fifty of them.

What was deleted, transferred to another repository, is a pull request or was never there is left
out; a record of another number or repository is never given (`tracker.ids.foreign`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from symphony.domain.json import JsonObject, JsonValue, as_object, as_text
from symphony.trackers.errors import TrackerError
from symphony.trackers.github.answers import not_seen
from symphony.trackers.github.boards import BoardHead, head_of, refuse_missing_board
from symphony.trackers.github.graphql import Data, GraphQL
from symphony.trackers.github.normalize import IDENTIFIER_PREFIX
from symphony.trackers.github.queries import PLACEMENTS, Extras, issues_by_number
from symphony.trackers.github.records import MalformedRecordError, Record, record_of_graphql
from symphony.trackers.github.settings import GitHubSettings

BATCH = 50
"""A query of this size costs two or three points of five thousand an hour."""

LARGEST_NUMBER = 2**31 - 1
"""GraphQL has no larger integers, and no repository so many issues."""


def number_of(issue_id: str) -> int | None:
    """The number that an id of this tracker stands for; None where it is no such id."""
    if not (issue_id.isascii() and issue_id.isdigit()) or issue_id.startswith("0"):
        return None
    return int(issue_id) if len(issue_id) <= 10 and int(issue_id) <= LARGEST_NUMBER else None


def number_called(name: str) -> int | None:
    """The number in an identifier of this tracker; None where it is no such identifier."""
    prefix = IDENTIFIER_PREFIX
    return number_of(name.removeprefix(prefix)) if name.startswith(prefix) else None


class IssuesByNumber:
    """Reads of one repository, with the placement on the board where the settings name one."""

    def __init__(self, graphql: GraphQL, settings: GitHubSettings) -> None:
        self._graphql = graphql
        self._settings = settings

    async def read(
        self, numbers: Sequence[int], malformed: list[MalformedRecordError] | None = None
    ) -> list[Record]:
        """The records of those that are visible. Raises `TrackerError`, also for a record that is
        malformed, unless there is a list that it can go to."""
        records: list[Record] = []
        for start in range(0, len(numbers), BATCH):
            batch = numbers[start : start + BATCH]
            _, found = await self._batch(batch, malformed)
            records += found
        return records

    async def read_with_board(self, number: int) -> tuple[BoardHead | None, Record | None]:
        """One record, if it is visible, and the board that it may stand on. Raises
        `TrackerError`."""
        head, found = await self._batch((number,))
        return head, found[0] if found else None

    async def _batch(
        self, numbers: Sequence[int], malformed: list[MalformedRecordError] | None = None
    ) -> tuple[BoardHead | None, list[Record]]:
        settings = self._settings
        data = await self._graphql.read(
            partial(_document, numbers, settings.board is not None), self._variables()
        )
        repository = self._repository(data)
        head = None if settings.board is None else head_of(data, settings.board, self._graphql.key)
        records: list[Record] = []
        for number in numbers:
            entry = repository.get(f"i{number}")
            if as_object(entry) is not None:
                record = self._record(number, entry, head, malformed)
                if record is not None:
                    records.append(record)
            elif not any(each.path[-1:] == (f"i{number}",) for each in data.missing):
                raise TrackerError("tracker_response", f"GitHub's answer says nothing of #{number}")
        return head, records

    def _record(
        self,
        number: int,
        entry: JsonValue,
        head: BoardHead | None,
        malformed: list[MalformedRecordError] | None,
    ) -> Record | None:
        try:
            record = record_of_graphql(entry, None if head is None else head.id)
        except MalformedRecordError as error:
            if malformed is not None:
                malformed.append(error)
                return None
            raise TrackerError("tracker_response", error.detail) from None
        if record.number != number or not is_ours(record, self._settings):
            return None
        if head is not None and record.placement is None and _has_more_placements(entry):
            raise TrackerError(
                "tracker_pagination",
                f"GH-{number} stands on more than {PLACEMENTS} boards; remove it from some",
            )
        return record

    def _repository(self, data: Data) -> JsonObject:
        for each in data.missing:
            if each.path[:1] == ("repositoryOwner",) and self._settings.board is not None:
                raise refuse_missing_board(self._settings.board, self._graphql.key, each.message)
        repository = as_object(data.data.get("repository"))
        if repository is None:
            said = data.missing[0].message if data.missing else "no reason given"
            raise TrackerError(
                "tracker_status",
                not_seen(self._settings.repository, self._graphql.key, said),
            )
        named = as_text(repository.get("nameWithOwner")) or ""
        if named.lower() != self._settings.repository.lower():
            raise renamed(self._settings.repository, named)
        return repository

    def _variables(self) -> Mapping[str, JsonValue]:
        settings = self._settings
        variables: dict[str, JsonValue] = {"owner": settings.owner, "name": settings.name}
        if settings.board is not None:
            variables.update(settings.board.variables())
        return variables


def is_ours(record: Record, settings: GitHubSettings) -> bool:
    """Whether the record belongs to the configured repository."""
    return record.repository.lower() == settings.repository.lower()


def renamed(wanted: str, found: str) -> TrackerError:
    """The error for answers that are about another repository than the configured one."""
    return TrackerError(
        "tracker_status",
        f"tracker.provider.repo: GitHub answers for {found} where {wanted} was asked for; it was "
        "renamed or transferred. Write its new name",
    )


def _document(numbers: Sequence[int], with_board: bool, extras: Sequence[Extras]) -> str:
    return issues_by_number(numbers, extras, with_board=with_board)


def _has_more_placements(entry: JsonValue) -> bool:
    items = as_object((as_object(entry) or {}).get("projectItems")) or {}
    return (as_object(items.get("pageInfo")) or {}).get("hasNextPage") is True

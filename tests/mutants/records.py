"""Mutants of what becomes of one record: its fields, and what is done where it lacks some."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace as changed
from datetime import UTC, datetime
from typing import Any

from symphony.domain.issue import BlockerRef, Issue
from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text
from symphony.trackers import blockers
from symphony.trackers.errors import TrackerError
from symphony.trackers.linear import normalize
from symphony.trackers.linear.normalize import Rules, UnusableRecordError
from symphony.trackers.linear.tracker import LinearTracker
from symphony.trackers.notices import Notice, RecordLog
from tests.mutants.patching import private, replace
from tests.mutants.registry import mutant


@mutant(
    "one_bad_record_hides_all",
    kills=("tracker.malformed.isolated",),
    about="A read by states fails where a single record is malformed.",
)
def _() -> None:
    original: Any = private(LinearTracker, "_readable")

    async def readable(
        self: LinearTracker, records: Sequence[JsonValue], answer: Any, log: RecordLog
    ) -> list[Issue]:
        issues: list[Issue] = await original(self, records, answer, log)
        if len(issues) < len(records):
            raise TrackerError("tracker_response", "a record cannot be read as an issue")
        return issues

    replace(LinearTracker, "_readable", readable)


@mutant(
    "bad_records_go_in_silence",
    kills=("tracker.malformed.logged",),
    about="A malformed record is left out without a word.",
)
def _() -> None:
    def tell(self: RecordLog, current: Collection[Notice]) -> None:
        del self, current

    replace(RecordLog, "tell", tell)


@mutant(
    "bad_record_by_id_is_missing",
    kills=("tracker.ids.malformed",),
    about="A malformed record among requested ids counts as not visible.",
)
def _() -> None:
    original = LinearTracker.fetch_issues_by_ids

    async def fetch(self: LinearTracker, ids: Collection[Any]) -> Sequence[Issue]:
        try:
            return await original(self, ids)
        except TrackerError as error:
            if "cannot be read as an issue" not in error.message:
                raise
            return ()

    replace(LinearTracker, "fetch_issues_by_ids", fetch)


def _labels(record: JsonObject) -> list[str]:
    nodes = as_array((as_object(record.get("labels")) or {}).get("nodes")) or ()
    names = [as_text((as_object(each) or {}).get("name")) or "" for each in nodes]
    return [name.strip() for name in names if name.strip()]


@mutant(
    "labels_keep_their_capitals",
    kills=("issue.labels.normalised", "eligibility.labels.compared"),
    about="Labels keep the case that the provider gives them.",
)
def _() -> None:
    def labels(record: JsonObject) -> tuple[str, ...]:
        return tuple(sorted(set(_labels(record))))

    replace(normalize, "_labels", labels)


@mutant(
    "labels_appear_twice",
    kills=("issue.labels.duplicates",),
    about="Labels that differ in case only appear as often as the provider has them.",
)
def _() -> None:
    def labels(record: JsonObject) -> tuple[str, ...]:
        return tuple(sorted(name.lower() for name in _labels(record)))

    replace(normalize, "_labels", labels)


@mutant(
    "offsets_are_ignored",
    kills=("issue.time.parsed",),
    about="A time with an offset is taken for one in UTC.",
)
def _() -> None:
    original: Any = private(normalize, "_instant")

    def instant(value: JsonValue) -> datetime | None:
        if original(value) is None:
            return None
        return datetime.fromisoformat(as_text(value) or "").replace(tzinfo=UTC)

    replace(normalize, "_instant", instant)


@mutant(
    "odd_priority_hides_the_issue",
    kills=("issue.optional.fallback",),
    about="An issue whose priority is no integer counts as malformed.",
)
def _() -> None:
    original = normalize.to_issue

    def to_issue(node: JsonValue, rules: Rules) -> Issue:
        priority = (as_object(node) or {}).get("priority")
        if priority is not None and not (isinstance(priority, float | int) and priority % 1 == 0):
            raise UnusableRecordError("priority", "its priority is no integer", "a record")
        return original(node, rules)

    replace(normalize, "to_issue", to_issue)


@mutant(
    "states_in_small_letters",
    kills=("issue.state.spelling",),
    about="A state reaches the template in small letters.",
)
def _() -> None:
    original = normalize.to_issue

    def to_issue(node: JsonValue, rules: Rules) -> Issue:
        issue = original(node, rules)
        return changed(issue, state=issue.state.lower())

    replace(normalize, "to_issue", to_issue)


@mutant(
    "every_relation_blocks",
    kills=("issue.blockers.not_invented",),
    about="An issue that is only related to another one counts as blocked by it.",
)
def _() -> None:
    original: Any = private(normalize, "_blockers")

    def found(record: JsonObject) -> tuple[BlockerRef, ...]:
        relations = as_object(record.get("inverseRelations")) or {}
        nodes = [as_object(each) or {} for each in as_array(relations.get("nodes")) or ()]
        blocking = [{**each, "type": normalize.BLOCKS} for each in nodes]
        told: tuple[BlockerRef, ...] = original(
            {**record, "inverseRelations": {**relations, "nodes": blocking}}
        )
        return told

    replace(normalize, "_blockers", found)


@mutant(
    "finished_blocker_blocks",
    kills=("issue.dispatchable.derived",),
    about="An issue waits for a blocker that is finished.",
)
def _() -> None:
    def is_open(blocker: BlockerRef, terminal: Collection[str]) -> bool:
        del blocker, terminal
        return True

    replace(blockers, "is_open", is_open)

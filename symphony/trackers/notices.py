"""Telling about records that cannot be used: once for each distinct failure, not at every poll.

Every adapter reports what it left out through a `RecordLog` (`tracker.malformed.logged`). The
event names are the same for all of them, so that an operator has one thing to look for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

SKIPPED = "tracker_record_skipped"
RECOVERED = "tracker_record_recovered"
BLOCKER_UNKNOWN = "tracker_blocker_unknown"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing that is wrong with one record. `record` names it as its owner would, `reason` is
    stable, `detail` is for people. The ids are None where the record does not tell them."""

    event: str
    record: str
    reason: str
    detail: str
    issue_id: str | None = None
    issue_identifier: str | None = None


class RecordLog:
    """Remembers what was told. Not for use by several threads at once."""

    def __init__(self, tracker: str) -> None:
        self._tracker = tracker
        self._told: frozenset[Notice] = frozenset()

    def tell(self, current: Iterable[Notice]) -> None:
        """Log what is new in the complete list of what is wrong now, and what has gone from it."""
        notices = frozenset(current)
        for notice in sorted(notices - self._told, key=_order):
            logger.warning(notice.event, extra={"fields": self._fields(notice)})
        still_wrong = {notice.record for notice in notices}
        for record in sorted({notice.record for notice in self._told} - still_wrong):
            logger.info(RECOVERED, extra={"fields": {"tracker": self._tracker, "record": record}})
        self._told = notices

    def _fields(self, notice: Notice) -> dict[str, str]:
        fields = {
            "tracker": self._tracker,
            "record": notice.record,
            "reason": notice.reason,
            "detail": notice.detail,
        }
        if notice.issue_id is not None:
            fields["issue_id"] = notice.issue_id
        if notice.issue_identifier is not None:
            fields["issue_identifier"] = notice.issue_identifier
        return fields


def _order(notice: Notice) -> tuple[str, str, str, str]:
    return (notice.record, notice.event, notice.reason, notice.detail)

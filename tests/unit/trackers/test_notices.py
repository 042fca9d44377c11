"""What is wrong is told once, and its end is told too."""

from __future__ import annotations

import logging

import pytest

from symphony.trackers.notices import SKIPPED, Notice, RecordLog


def notice(record: str, reason: str = "too_large") -> Notice:
    return Notice(
        event=SKIPPED, record=record, reason=reason, detail="why", issue_identifier="ABC-1"
    )


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    lines = [
        (record.levelname, record.message, str(vars(record)["fields"]["record"]))
        for record in caplog.records
    ]
    caplog.clear()
    return lines


@pytest.mark.proves("tracker.malformed.logged", "log.context.issue")
def test_each_distinct_failure_is_told_once_until_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = RecordLog("files")
    with caplog.at_level(logging.INFO, logger="symphony.trackers.notices"):
        log.tell([notice("a.md"), notice("b.md")])
        assert vars(caplog.records[0])["fields"] == {
            "tracker": "files",
            "record": "a.md",
            "reason": "too_large",
            "detail": "why",
            "issue_identifier": "ABC-1",
        }
        assert told(caplog) == [("WARNING", SKIPPED, "a.md"), ("WARNING", SKIPPED, "b.md")]
        log.tell([notice("b.md"), notice("a.md")])
        assert told(caplog) == []
        log.tell([notice("a.md", reason="no_state")])
        assert told(caplog) == [
            ("WARNING", SKIPPED, "a.md"),
            ("INFO", "tracker_record_recovered", "b.md"),
        ]
        log.tell([])
        log.tell([notice("a.md")])
        assert told(caplog) == [
            ("INFO", "tracker_record_recovered", "a.md"),
            ("WARNING", SKIPPED, "a.md"),
        ]

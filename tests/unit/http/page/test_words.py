"""Codes in plain words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from symphony.domain.run import RunPhase, StopReason
from symphony.http.page import words


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-3.0, "0s"),
        (0.9, "0s"),
        (59.9, "59s"),
        (60.0, "1m 00s"),
        (725.0, "12m 05s"),
        (3_599.0, "59m 59s"),
        (11_220.0, "3h 07m"),
        (86_399.0, "23h 59m"),
        (187_200.0, "2d 04h"),
    ],
)
def test_a_length_of_time_is_short_to_read(seconds: float, shown: str) -> None:
    assert words.duration(seconds) == shown
    assert words.duration(timedelta(seconds=seconds)) == shown


def test_a_time_of_day_has_its_date_only_where_it_is_not_today() -> None:
    now = datetime(2026, 3, 1, 0, 10, tzinfo=UTC)
    assert words.clock(now, now) == "00:10:00 UTC"
    assert words.clock(now - timedelta(minutes=20), now) == "28 Feb 23:50 UTC"


@pytest.mark.parametrize("reason", list(StopReason))
def test_every_reason_for_a_stop_has_words(reason: StopReason) -> None:
    assert not words.stop(reason.value).startswith(f"being stopped: {words.plain(reason.value)}")


@pytest.mark.parametrize("phase", list(RunPhase)[:6])
def test_every_phase_of_a_run_has_words(phase: RunPhase) -> None:
    assert words.phase(phase.value) != words.plain(phase.value)


@pytest.mark.parametrize(
    ("event", "message", "shown"),
    [
        ("notification", "runs: make", "runs: make"),
        ("notification", "", "notification"),
        ("turn_started", "", "began a turn"),
        ("session_started", "0199-1", "session opened"),
        ("turn_failed", "no luck", "the turn failed: no luck"),
        ("turn_input_required", "which one?", "asks a person: which one?"),
        ("something_new", "", "something new"),
        ("something_new", "said", "something new: said"),
    ],
)
def test_an_event_is_a_few_words(event: str, message: str, shown: str) -> None:
    assert words.event(event, message) == shown


def test_codes_that_are_new_are_shown_all_the_same() -> None:
    assert words.request("a_new_one") == "asks: a new one"
    assert words.retry_wait("a_new_one") == "a new one"
    assert words.retry_wait("time") is None
    assert words.stop("a_new_one") == "being stopped: a new one"


def test_a_failure_is_told_without_its_category() -> None:
    assert words.failure("turn_failed: no luck") == "no luck"
    assert words.failure("Error: no luck") == "Error: no luck"
    assert words.failure("no available orchestrator slots") == "no available orchestrator slots"

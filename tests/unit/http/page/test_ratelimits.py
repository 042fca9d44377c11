"""Rate limits as a person reads them, whatever was reported."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from symphony.domain.json import JsonObject
from symphony.http.page.foreign import Foreign
from symphony.http.page.ratelimits import MAX_FACTS, MAX_WINDOWS, Window, rate_limits

FOREIGN = Foreign(lambda text: text)
RESET = datetime(2026, 1, 1, 12, tzinfo=UTC)


def only_window(report: JsonObject) -> Window:
    limits = rate_limits({"primary": report}, FOREIGN)
    assert limits is not None
    (window,) = limits.windows
    return window


def test_nothing_reported_is_nothing_shown() -> None:
    assert rate_limits(None, FOREIGN) is None


@pytest.mark.parametrize("scale", [1, 1000])
def test_a_window_tells_its_length_its_use_and_its_reset(scale: int) -> None:
    reset = int(RESET.timestamp()) * scale
    window = only_window({"usedPercent": 61.7, "windowDurationMins": 300, "resetsAt": reset})
    assert window == Window(name="5-hour window", used=62, resets_at=RESET)


def test_older_names_are_understood() -> None:
    window = only_window({"used_percent": 5, "window_minutes": 10_080})
    assert window == Window(name="7-day window", used=5, resets_at=None)


@pytest.mark.parametrize("odd", [-5, 1e9, float("nan"), "many", True, [], 10**400])
def test_an_odd_number_does_no_harm(odd: float | str | list[int]) -> None:
    report: JsonObject = {"usedPercent": odd, "windowDurationMins": odd, "resetsAt": odd}
    limits = rate_limits({"primary": report}, FOREIGN)
    assert limits is not None
    assert all(0 <= window.used <= 100 for window in limits.windows)


def test_other_values_are_shown_with_their_names_in_words() -> None:
    report: JsonObject = {
        "planType": "team",
        "credits": {"hasCredits": True, "balance": None, "deep": {"er": 1}},
    }
    limits = rate_limits(report, FOREIGN)
    assert limits is not None
    assert limits.facts == (("plan type", "team"), ("credits has credits", "yes"))


def test_a_report_without_end_is_cut() -> None:
    report = {f"window{n}": {"usedPercent": n} for n in range(100)}
    limits = rate_limits(report | {f"fact{n}": n for n in range(100)}, FOREIGN)
    assert limits is not None
    assert (len(limits.windows), len(limits.facts)) == (MAX_WINDOWS, MAX_FACTS)

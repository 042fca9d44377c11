"""The agent's rate limits as a person reads them: how much is used, and when it begins again.

The report is foreign, and its form has changed before: what has the known form becomes a window,
the other plain values are shown as they are, and nothing is too odd to be survived. Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from symphony.domain.json import JsonObject, JsonValue, as_object
from symphony.http.page.foreign import Foreign

MAX_WINDOWS: Final = 6
MAX_FACTS: Final = 12
"""A report has two windows and a handful of other values; the rest is in the JSON interface."""

_HUMPS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_USED: Final = ("usedPercent", "used_percent")
_RESET: Final = ("resetsAt", "resets_at")
_MINUTES: Final = ("windowDurationMins", "window_minutes")
_MINUTES_OF_AN_HOUR: Final = 60
_MINUTES_OF_A_DAY: Final = 24 * 60
_MILLISECONDS_FROM: Final = 1e11
"""No reset lies so many seconds ahead: such a number counts milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """`used` is in percent, from 0 to 100."""

    name: str
    used: int
    resets_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    windows: tuple[Window, ...]
    facts: tuple[tuple[str, str], ...]


def rate_limits(report: JsonObject | None, foreign: Foreign) -> RateLimits | None:
    """None where nothing was reported."""
    if report is None:
        return None
    windows: list[Window] = []
    facts: list[tuple[str, str]] = []
    for name, value in report.items():
        inner = as_object(value)
        window = None if inner is None else _window(name, inner, foreign)
        if window is not None:
            windows.append(window)
        else:
            facts.extend(_facts(name, value, foreign))
    return RateLimits(windows=tuple(windows[:MAX_WINDOWS]), facts=tuple(facts[:MAX_FACTS]))


def _window(name: str, report: JsonObject, foreign: Foreign) -> Window | None:
    used = _number(report, _USED)
    if used is None:
        return None
    minutes = _number(report, _MINUTES)
    shown = _words(name, foreign) if minutes is None else _length(minutes)
    at = _instant(_number(report, _RESET))
    return Window(name=shown, used=round(min(max(used, 0), 100)), resets_at=at)


def _length(minutes: float) -> str:
    if minutes >= _MINUTES_OF_A_DAY:
        return f"{minutes / _MINUTES_OF_A_DAY:g}-day window"
    if minutes >= _MINUTES_OF_AN_HOUR:
        return f"{minutes / _MINUTES_OF_AN_HOUR:g}-hour window"
    return f"{minutes:g}-minute window"


def _number(report: JsonObject, names: tuple[str, ...]) -> float | None:
    value = next((report[name] for name in names if report.get(name) is not None), None)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _instant(seconds: float | None) -> datetime | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(
            seconds / 1000 if seconds > _MILLISECONDS_FROM else seconds, UTC
        )
    except (ValueError, OverflowError, OSError):
        return None


def _facts(name: str, value: JsonValue, foreign: Foreign) -> Iterator[tuple[str, str]]:
    """Plain values, of one level below as well; what lies deeper is for the JSON interface."""
    if isinstance(value, Mapping):
        for inner, deeper in value.items():
            if not isinstance(deeper, Mapping):
                yield from _facts(f"{name} {inner}", deeper, foreign)
    elif isinstance(value, bool):
        yield _words(name, foreign), "yes" if value else "no"
    elif isinstance(value, str | int | float) and value != "":
        yield _words(name, foreign), foreign.line(str(value), 80)


def _words(name: str, foreign: Foreign) -> str:
    """`planType` and `plan_type` as `plan type`."""
    return _HUMPS.sub(" ", foreign.line(name, 60)).replace("_", " ").lower()

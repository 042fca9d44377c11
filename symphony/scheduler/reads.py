"""Honouring a provider that asks to be left alone for a while."""

from __future__ import annotations

from dataclasses import replace

from symphony.domain.settings import Settings, TrackerSettings
from symphony.scheduler.events import ReadFailure
from symphony.scheduler.moment import Moment
from symphony.scheduler.state import SchedulerState

# A provider's wish beyond this is taken for a mistake; asking once an hour harms nobody.
LONGEST_HOLD_MS = 3_600_000


def hold_reads(
    state: SchedulerState, failure: ReadFailure, now: Moment, asked_with: Settings | None
) -> None:
    """Remember until when the provider wants no requests.

    An answer to a question of earlier settings speaks for their tracker and not for the one that
    is asked now.
    """
    hold_for(state, failure.retry_after_ms, now, asked_with)


def hold_for(
    state: SchedulerState, retry_after_ms: int | None, now: Moment, asked_with: Settings | None
) -> None:
    """The same, where only the time is known."""
    if retry_after_ms is None or retry_after_ms <= 0:
        return
    if asked_with is None or not is_same_tracker(asked_with, state.settings):
        return
    until = now.monotonic_ms + min(retry_after_ms, LONGEST_HOLD_MS)
    state.hold_reads_until_ms = max(until, state.hold_reads_until_ms or until)


def is_same_tracker(one: Settings, other: Settings) -> bool:
    """Whether both ask the same one, perhaps for other states or labels."""
    return _who_is_asked(one) == _who_is_asked(other)


def _who_is_asked(settings: Settings) -> TrackerSettings:
    return replace(settings.tracker, active_states=(), terminal_states=(), required_labels=())


def held_ms(state: SchedulerState, due: Moment) -> int:
    """How long after `due` the provider still wants no requests."""
    until = state.hold_reads_until_ms
    return 0 if until is None else max(until - due.monotonic_ms, 0)


def reads_are_held(state: SchedulerState, now: Moment) -> bool:
    """Whether the provider's wish still holds."""
    until = state.hold_reads_until_ms
    if until is None:
        return False
    if now.monotonic_ms < until:
        return True
    state.hold_reads_until_ms = None
    return False

"""Honouring a provider that asks to be left alone for a while."""

from __future__ import annotations

from symphony.scheduler.events import ReadFailure
from symphony.scheduler.moment import Moment
from symphony.scheduler.state import SchedulerState

# A provider's wish beyond this is taken for a mistake; asking once an hour harms nobody.
LONGEST_HOLD_MS = 3_600_000


def hold_reads(state: SchedulerState, failure: ReadFailure, now: Moment) -> None:
    """Remember until when the provider wants no requests."""
    if failure.retry_after_ms is None or failure.retry_after_ms <= 0:
        return
    until = now.monotonic_ms + min(failure.retry_after_ms, LONGEST_HOLD_MS)
    state.hold_reads_until_ms = max(until, state.hold_reads_until_ms or until)


def reads_are_held(state: SchedulerState, now: Moment) -> bool:
    """Whether the provider's wish still holds."""
    until = state.hold_reads_until_ms
    if until is None:
        return False
    if now.monotonic_ms < until:
        return True
    state.hold_reads_until_ms = None
    return False

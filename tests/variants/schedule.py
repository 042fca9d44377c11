"""Variants of when things happen: timers, reloads, retries."""

from __future__ import annotations

from typing import Any

import anyio

from symphony.domain.issue import Issue
from symphony.runtime.reload import Reloader
from symphony.runtime.timers import Timers
from symphony.scheduler import retries, transitions
from symphony.scheduler.commands import Command, RetryTimer, Timer
from symphony.scheduler.moment import Moment
from symphony.scheduler.state import Retry, Running, SchedulerState
from symphony.workflow.watcher import file_identity
from tests.mutants.patching import private, replace
from tests.variants.registry import variant

GRAIN_MS = 200
"""A wheel of timers that turns five times a second."""
RELOAD_DELAY_S = 1.0
"""With what noticing takes, this stays below the two seconds that the manifest declares."""


@variant(
    "retry_timers_are_coarse",
    permitted_by=("retry.continuation.delay", "retry.backoff.failure"),
    plays=("retry", "claim"),
    about="Retries fall due on full fifths of a second: never early, and up to 0.2 s late.",
)
def _() -> None:
    original = Timers.arm

    def arm(self: Timers, timer: Timer, due_ms: int) -> None:
        if isinstance(timer, RetryTimer):
            due_ms = -(-due_ms // GRAIN_MS) * GRAIN_MS
        original(self, timer, due_ms)

    replace(Timers, "arm", arm)


@variant(
    "reload_takes_a_second",
    permitted_by=("reload.detect.change",),
    plays=("reload", "tick.validate", "http.bind"),
    about="An edit is in force a second after it was noticed, within what the manifest declares.",
)
def _() -> None:
    original = Reloader.look
    known: dict[str, object] = {}

    async def look(self: Reloader) -> None:
        path: str = private(self, "_composer").path
        identity = file_identity(path)
        if known.setdefault(path, identity) != identity:
            await anyio.sleep(RELOAD_DELAY_S)
            known[path] = file_identity(path)
        await original(self)

    replace(Reloader, "look", look)


@variant(
    "retries_go_on_while_invalid",
    permitted_by=("reload.invalid.retry",),
    plays=("reload.invalid",),
    declares={
        'reload_in_flight = "keep"': 'reload_in_flight = "keep"\nreload_invalid_retry = "dispatch"'
    },
    about="A retry that falls due while the file is invalid runs with the last good settings.",
)
def _() -> None:
    original: Any = private(retries, "_judge")

    def judge(state: SchedulerState, retry: Retry, issue: Issue, now: Moment) -> list[Command]:
        problem, state.workflow_problem = state.workflow_problem, None
        try:
            return original(state, retry, issue, now)
        finally:
            state.workflow_problem = problem

    replace(retries, "_judge", judge)


@variant(
    "continuations_count_as_failures",
    permitted_by=("retry.backoff.after_continuation",),
    plays=("retry",),
    about="The failure of a continuation run waits 20 s, as if the run before had failed.",
)
def _() -> None:
    original = transitions.queue_continuation

    def queue(state: SchedulerState, entry: Running, now: Moment) -> list[Command]:
        commands = original(state, entry, now)
        state.retrying[entry.issue.id].failures = 1
        return commands

    replace(transitions, "queue_continuation", queue)


@variant(
    "waiting_for_a_slot_counts",
    permitted_by=("retry.slots.attempt",),
    plays=("retry.slots",),
    about="Each time that a retry finds no free slot, its attempt grows.",
)
def _() -> None:
    original = transitions.requeue_for_slot

    def requeue(state: SchedulerState, retry: Retry, issue: Issue, now: Moment) -> list[Command]:
        retry.attempt += 1
        return original(state, retry, issue, now)

    replace(transitions, "requeue_for_slot", requeue)

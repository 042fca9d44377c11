"""Mutants of retries: how long they wait, and what they are called."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace as changed
from pathlib import Path

from symphony.domain.issue import Issue
from symphony.domain.run import OperatorAnswer
from symphony.runtime import timers
from symphony.scheduler import dispatch, retry, transitions
from symphony.scheduler.commands import Command, RetryTimer, StartRun
from symphony.scheduler.moment import Moment
from symphony.scheduler.state import Place, Retry, Running, SchedulerState
from tests.mutants.patching import replace, replace_in
from tests.mutants.registry import mutant

LONG_WAIT_MS = 5_000
"""Longer than what the suite configures, shorter than what the specification fixes."""


@mutant(
    "backoff_one_step_ahead",
    kills=("retry.backoff.failure",),
    about="The wait after the first failure is already doubled.",
)
def _() -> None:
    original = retry.failure_delay_ms

    def failure_delay_ms(failures: int, cap_ms: int) -> int:
        return original(failures + 1, cap_ms)

    replace(retry, "failure_delay_ms", failure_delay_ms)


@mutant(
    "backoff_never_doubles",
    kills=("retry.backoff.failure",),
    about="Every failure waits as long as the first one.",
)
def _() -> None:
    original = retry.failure_delay_ms

    def failure_delay_ms(failures: int, cap_ms: int) -> int:
        del failures
        return original(1, cap_ms)

    replace(retry, "failure_delay_ms", failure_delay_ms)


@mutant(
    "backoff_cap_tenfold",
    kills=("retry.backoff.cap",),
    about="The longest wait is ten times the configured one.",
)
def _() -> None:
    original = retry.failure_delay_ms

    def failure_delay_ms(failures: int, cap_ms: int) -> int:
        return original(failures, 10 * cap_ms)

    replace(retry, "failure_delay_ms", failure_delay_ms)


@mutant(
    "continuation_at_once",
    kills=("retry.continuation.delay",),
    about="After a good end the issue is looked at again without any wait.",
)
def _() -> None:
    replace(retry, "CONTINUATION_DELAY_MS", 0)


def _after_queueing(change: Callable[[Running, Retry], None]) -> None:
    """Change each continuation as it is queued."""
    original = transitions.queue_continuation

    def queue(state: SchedulerState, entry: Running, now: Moment) -> list[Command]:
        commands = original(state, entry, now)
        change(entry, state.retrying[entry.issue.id])
        return commands

    replace(transitions, "queue_continuation", queue)


@mutant(
    "continuation_attempts_count_up",
    kills=("retry.continuation.attempt",),
    about="A continuation goes on with the number of the run before it.",
)
def _() -> None:
    def count(entry: Running, queued: Retry) -> None:
        queued.attempt = (entry.attempt or 0) + 1

    _after_queueing(count)


@mutant(
    "failed_continuation_waits_longer",
    kills=("retry.backoff.after_continuation",),
    about="The failure of a continuation counts as the third in a row.",
)
def _() -> None:
    def burden(entry: Running, queued: Retry) -> None:
        del entry
        queued.failures = 2

    _after_queueing(burden)


@mutant(
    "attempts_count_by_two",
    kills=("retry.attempt.counted",),
    about="The attempts after failures are numbered 1, 3, 5.",
)
def _() -> None:
    original = transitions.queue_failure

    def queue(
        state: SchedulerState,
        issue: Issue,
        *,
        failures: int,
        error: str,
        now: Moment,
        place: Place | None,
        answer: OperatorAnswer | None = None,
    ) -> list[Command]:
        commands = original(
            state, issue, failures=failures, error=error, now=now, place=place, answer=answer
        )
        # What could not even be started has a sentence, and a list, of its own.
        if not error.startswith("codex_not_found"):
            state.retrying[issue.id].attempt = 2 * failures - 1
        return commands

    replace(transitions, "queue_failure", queue)


@mutant(
    "continuation_without_attempt",
    kills=("template.attempt.later", "retry.continuation.attempt"),
    about="A continuation run is told no attempt, as if it were a fresh one.",
)
def _() -> None:
    original = transitions.start_run

    def start(
        state: SchedulerState, issue: Issue, now: Moment, due: Retry | None = None
    ) -> list[Command]:
        commands = original(state, issue, now, due)
        if due is None or due.kind != "continuation":
            return commands
        return [
            changed(each, request=changed(each.request, attempt=None))
            if isinstance(each, StartRun)
            else each
            for each in commands
        ]

    replace(transitions, "start_run", start)


@mutant(
    "retries_leave_in_a_hurry",
    kills=("retry.backoff.failure", "retry.backoff.after_continuation"),
    about="A long wait is cut short by two seconds.",
)
def _() -> None:
    original = timers.Timers.arm

    def arm(self: timers.Timers, timer: object, due_ms: int) -> None:
        clock = self._clock  # pyright: ignore[reportPrivateUsage]
        left = due_ms - clock.now().monotonic_ms
        early = 2_000 if isinstance(timer, RetryTimer) and left > LONG_WAIT_MS else 0
        original(self, timer, due_ms - early)  # pyright: ignore[reportArgumentType]

    replace(timers.Timers, "arm", arm)


@mutant(
    "no_slot_in_other_words",
    kills=("retry.slots.reason",),
    about="The reason of a retry that waits for a slot is worded in another way.",
)
def _() -> None:
    replace(retry, "NO_SLOTS", "no available slots")


@mutant(
    "retries_outlive_the_daemon",
    kills=("recovery.restart.no_timers",),
    about="Retries are written down, and delay their issues after a restart.",
)
def _() -> None:
    queue, start_run = transitions.queue, dispatch.start_run
    earlier: dict[str, float] = {}
    written: dict[str, float] = {}

    def book(state: SchedulerState) -> Path:
        return Path(f"{state.settings.workspace.root}.retries")

    def write_down(state: SchedulerState, queued: Retry, delay_ms: int) -> list[Command]:
        if queued.kind == "failure":
            written[queued.issue.id] = queued.due.utc.timestamp()
            book(state).write_text(json.dumps(written), encoding="utf-8")
        return queue(state, queued, delay_ms)

    def start_later(
        state: SchedulerState, issue: Issue, now: Moment, queued: Retry | None = None
    ) -> list[Command]:
        if state.run_counter == 0 and not earlier and book(state).exists():
            earlier.update(json.loads(book(state).read_text(encoding="utf-8")))
        if queued is None and now.utc.timestamp() < earlier.get(issue.id, 0.0):
            return []
        return start_run(state, issue, now, queued)

    replace(transitions, "queue", write_down)
    replace_in(dispatch, "start_run", start_later)

"""Functions of the scheduler as they would be with a defect in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from symphony.domain.issue import Issue
from symphony.domain.run import StopReason, TokenUsage, UsageReported
from symphony.scheduler import operator, reconcile, retries, runs, ticks, transitions
from symphony.scheduler import step as door
from symphony.scheduler.commands import (
    ArmTimer,
    Command,
    ReadCandidates,
    RemoveWorkspace,
)
from symphony.scheduler.eligibility import Judge
from symphony.scheduler.events import (
    CandidatesRead,
    ForReconciliation,
    ForRetry,
    IssuesRead,
    OperatorAnswered,
    RetryDue,
    RunEnded,
    RunReported,
    TickDue,
    WorkspaceRemoved,
)
from symphony.scheduler.moment import Moment
from symphony.scheduler.slots import Slots
from symphony.scheduler.state import Retry, Running, SchedulerState


def _of(owner: object, attribute: str) -> Any:
    """What the scheduler has there; a name that is gone is an error of this list."""
    return vars(owner)[attribute]


# Ownership and limits.


def judge_without(*codes: str) -> Callable[[Judge, Issue], object]:
    def first_block(judge: Judge, issue: Issue) -> object:
        failed = (rule for rule in judge.rules(issue) if not rule.passed)
        return next((rule for rule in failed if rule.code not in codes), None)

    return first_block


def one_more_slot(slots: Slots) -> int:
    return int(vars(slots)["_free"]) + 1


def start_and_keep_retry(
    state: SchedulerState, issue: Issue, now: Moment, retry: Retry | None = None
) -> list[Command]:
    commands = transitions.start_run(state, issue, now, retry)
    if retry is not None:
        state.retrying[issue.id] = retry
    return commands


def removed_and_forgotten(
    state: SchedulerState, event: WorkspaceRemoved, now: Moment
) -> list[Command]:
    kept = state.cleaning.get(event.issue_id)
    commands: list[Command] = REMOVED(state, event, now)
    if kept is not None:
        state.cleaning[event.issue_id] = kept
    return commands


def refresh_without_looking(
    state: SchedulerState, entry: Running, issue: Issue, now: Moment
) -> list[Command]:
    del state, now
    entry.issue = issue
    return []


# Time.


def arm_too_early(state: SchedulerState, retry: Retry) -> ArmTimer:
    armed = ARM_RETRY(state, retry)
    return ArmTimer(timer=armed.timer, due_ms=armed.due_ms - 400)


def due_whatever_timer(state: SchedulerState, event: RetryDue, now: Moment) -> list[Command]:
    retry = state.retrying.get(event.issue_id)
    epoch = event.epoch if retry is None else retry.epoch
    return retries.retry_due(state, replace(event, epoch=epoch), now)


def linear_delay(failures: int, cap_ms: int) -> int:
    return min(10_000 * failures, cap_ms)


def uncapped_delay(failures: int, cap_ms: int) -> int:
    del cap_ms
    return int(10_000 * 2 ** min(failures - 1, 20))


def silent_by_the_wall(entry: Running, now: Moment) -> int:
    silent = (now.utc - entry.started.utc).total_seconds() * 1_000
    return max(SILENT_MS(entry, now), round(silent))


def tick_whatever_timer(state: SchedulerState, event: TickDue, now: Moment) -> list[Command]:
    return ticks.tick_due(state, replace(event, epoch=state.tick_epoch), now)


# Order.


def begin_with_candidates(state: SchedulerState) -> list[Command]:
    commands: list[Command] = BEGIN(state)
    assert state.tick is not None
    return [ReadCandidates(tick=state.tick.epoch, settings=state.settings), *commands]


def begin_without_runs(state: SchedulerState) -> list[Command]:
    running, state.running = state.running, {}
    try:
        return BEGIN(state)
    finally:
        state.running = running


def poll_of_any_settings(
    state: SchedulerState, event: CandidatesRead, now: Moment
) -> list[Command]:
    if state.tick is not None and state.tick.phase == "fetching":
        state.tick.settings = state.settings
    return ticks.candidates_read(state, event, now)


def judged_by_any_question(
    state: SchedulerState, purpose: ForReconciliation, event: IssuesRead, now: Moment
) -> list[Command]:
    runs_now = tuple((key, one.run_id) for key, one in state.running.items())
    return reconcile.reconcile(state, replace(purpose, runs=runs_now), event, now)


def stop_and_remove(entry: Running, reason: StopReason) -> list[Command]:
    commands = transitions.stop_run(entry, reason)
    if commands and reason is StopReason.TERMINAL:
        path = entry.workspace_path
        commands.append(RemoveWorkspace(issue=entry.issue, path=path, settings=entry.settings))
    return commands


def stop_again(entry: Running, reason: StopReason) -> list[Command]:
    if entry.stopping is reason:
        entry.stopping = None
    return transitions.stop_run(entry, reason)


def clean_by_name(state: SchedulerState, issue: Issue, place: object, now: Moment) -> list[Command]:
    del place
    return transitions.clean(state, issue, None, now)


# The past.


def any_run(state: SchedulerState, run_id: int) -> Running | None:
    found = next((one for one in state.running.values() if one.run_id == run_id), None)
    return found or next(iter(state.running.values()), None)


def retry_of_any_epoch(
    state: SchedulerState, purpose: ForRetry, event: IssuesRead, now: Moment
) -> list[Command]:
    retry = state.retrying.get(purpose.issue_id)
    epoch = purpose.epoch if retry is None else retry.epoch
    return retries.retry_read(state, replace(purpose, epoch=epoch), event, now)


def latest(left: TokenUsage, right: TokenUsage) -> TokenUsage:
    del left
    return right


def reported_in_vain(state: SchedulerState, event: RunReported, now: Moment) -> list[Command]:
    return [] if isinstance(event.update, UsageReported) else runs.run_reported(state, event, now)


# People.


def go_on_unasked(state: SchedulerState, entry: Running, now: Moment) -> list[Command]:
    return transitions.queue_continuation(state, entry, now)


def answer_in_other_words(
    state: SchedulerState, event: OperatorAnswered, now: Moment
) -> list[Command]:
    return operator.operator_answered(state, replace(event, text="other words"), now)


def answer_any_question(
    state: SchedulerState, event: OperatorAnswered, now: Moment
) -> list[Command]:
    parked = state.parked.get(event.issue_id)
    question = event.question if parked is None else parked.epoch
    return operator.operator_answered(state, replace(event, question=question), now)


# Liveness.


def ended_but_kept(state: SchedulerState, event: RunEnded, now: Moment) -> list[Command]:
    entry = state.running_by_run(event.run_id)
    commands = runs.run_ended(state, event, now)
    if entry is not None:
        state.running[entry.issue.id] = entry
    return commands


def failed_once(state: SchedulerState, issue: Issue, **told: Any) -> list[Command]:
    told["failures"] = 1
    return transitions.queue_failure(state, issue, **told)


def nothing(*_: object) -> list[Command]:
    return []


def never(*_: object) -> bool:
    return False


def none_at_all(*_: object) -> int:
    return 0


ARM_RETRY: Any = _of(transitions, "arm_retry")
SILENT_MS: Any = _of(reconcile, "silent_ms")
BEGIN: Any = _of(ticks, "_begin")
REMOVED: Any = _of(door, "_workspace_removed")

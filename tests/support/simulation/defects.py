"""Schedulers with one defect each: what the simulator is worth is what it finds of these.

A defect is in force during one step and gone after it. `rule` is how the complaint reads that has
to find it; a defect that is found by another rule proves nothing about this one.
"""

from __future__ import annotations

from dataclasses import dataclass

from symphony.scheduler import dispatch, reconcile, retries, runs, ticks, transitions
from symphony.scheduler import step as door
from symphony.scheduler import usage as accounting
from symphony.scheduler.commands import (
    Command,
)
from symphony.scheduler.eligibility import Judge
from symphony.scheduler.events import (
    Event,
)
from symphony.scheduler.moment import Moment
from symphony.scheduler.slots import Slots
from symphony.scheduler.state import SchedulerState
from tests.support.simulation import breakages as broken


@dataclass(frozen=True, slots=True)
class Defect:
    """`attribute` of a module or class of the scheduler is replaced."""

    name: str
    owner: object
    attribute: str
    replacement: object
    rule: str

    def decide(self, state: SchedulerState, event: Event, now: Moment) -> list[Command]:
        """`step`, with the defect."""
        original = vars(self.owner)[self.attribute]
        setattr(self.owner, self.attribute, self.replacement)
        try:
            return door.step(state, event, now)
        finally:
            setattr(self.owner, self.attribute, original)


DEFECTS = (
    Defect(
        "a running issue is started again",
        Judge,
        "first_block",
        broken.judge_without("already_running"),
        "a second run of",
    ),
    Defect("one run too many", Slots, "free", property(broken.one_more_slot), "run at once"),
    Defect("no limit by state", Slots, "state_is_full", broken.never, "runs in "),
    Defect("two claims", retries, "start_run", broken.start_and_keep_retry, "has two claims"),
    Defect(
        "a claim outlives its removal",
        door,
        "_workspace_removed",
        broken.removed_and_forgotten,
        "a removal is awaited that nobody does",
    ),
    Defect(
        "a run outlives its end",
        door,
        "run_ended",
        broken.ended_but_kept,
        "has two claims|do not agree on who runs",
    ),
    Defect(
        "a run takes over another issue",
        runs,
        "_refreshed",
        broken.refresh_without_looking,
        "the claim of .* holds",
    ),
    Defect(
        "labels are not asked for",
        Judge,
        "first_block",
        broken.judge_without("label_missing"),
        "is not eligible",
    ),
    Defect(
        "blockers are not asked for",
        Judge,
        "first_block",
        broken.judge_without("not_dispatchable"),
        "is not eligible",
    ),
    Defect(
        "a state that is in both lists is active",
        Judge,
        "first_block",
        broken.judge_without("state_terminal"),
        "is not eligible",
    ),
    Defect(
        "two issues share a workspace",
        Judge,
        "identifier_is_taken",
        broken.never,
        "uses that workspace|in a vanishing workspace|a removal under",
    ),
    Defect(
        "old answers count",
        SchedulerState,
        "is_outdated",
        broken.never,
        "by an answer from the past",
    ),
    Defect(
        "answers to old settings count",
        door,
        "candidates_read",
        broken.poll_of_any_settings,
        "by an answer to older settings",
    ),
    Defect(
        "retries are woken early", transitions, "arm_retry", broken.arm_too_early, "before its time"
    ),
    Defect(
        "any timer wakes a retry",
        door,
        "retry_due",
        broken.due_whatever_timer,
        "of the past led to|before its time|by a timer of the past",
    ),
    Defect(
        "linear backoff",
        transitions,
        "failure_delay_ms",
        broken.linear_delay,
        "ms after . failures",
    ),
    Defect(
        "backoff without a cap",
        transitions,
        "failure_delay_ms",
        broken.uncapped_delay,
        "ms after . failures|for a slot",
    ),
    Defect(
        "each failure is the first",
        runs,
        "queue_failure",
        broken.failed_once,
        "ms after . failures|attempt 1",
    ),
    Defect(
        "candidates come first",
        ticks,
        "_begin",
        broken.begin_with_candidates,
        "read before reconciliation",
    ),
    Defect("runs are not reconciled", ticks, "_begin", broken.begin_without_runs, "reconcile"),
    Defect(
        "old questions judge new runs",
        ticks,
        "reconcile",
        broken.judged_by_any_question,
        "judged by an old question",
    ),
    Defect(
        "a workspace goes before its processes",
        reconcile,
        "stop_run",
        broken.stop_and_remove,
        "a removal under",
    ),
    Defect("a workspace is found by name", runs, "clean", broken.clean_by_name, "is removed, not"),
    Defect("a run is stopped twice", reconcile, "stop_run", broken.stop_again, "stopped twice"),
    Defect(
        "the dead speak",
        SchedulerState,
        "running_by_run",
        broken.any_run,
        "of the past led to|changed what is shown|do not agree on who runs",
    ),
    Defect(
        "any timer is a tick", door, "tick_due", broken.tick_whatever_timer, "of the past led to"
    ),
    Defect(
        "any answer is that to a retry",
        door,
        "retry_read",
        broken.retry_of_any_epoch,
        "of the past led to|changed what is shown|by an answer",
    ),
    Defect(
        "totals follow the agent",
        accounting,
        "highest",
        broken.latest,
        "tokens are counted instead",
    ),
    Defect(
        "usage is lost", door, "run_reported", broken.reported_in_vain, "tokens are counted instead"
    ),
    Defect(
        "stalls are overlooked",
        reconcile,
        "silent_ms",
        broken.none_at_all,
        "not seen to be stalled",
    ),
    Defect(
        "the wall clock decides",
        reconcile,
        "silent_ms",
        broken.silent_by_the_wall,
        "stalled too early",
    ),
    Defect(
        "the wish for a rest is ignored",
        retries,
        "reads_are_held",
        broken.never,
        "although the provider wants none",
    ),
    Defect(
        "a broken workflow stops nobody",
        Judge,
        "first_block",
        broken.judge_without("workflow_invalid"),
        "while the workflow is broken",
    ),
    Defect(
        "retries wait for ever",
        door,
        "wake_after_workflow",
        broken.nothing,
        "that is valid|to older",
    ),
    Defect(
        "nothing wakes a retry that was put off",
        retries,
        "arm_retry",
        broken.nothing,
        "waits for a timer",
    ),
    Defect(
        "a stop does not hold",
        runs,
        "hold_run",
        broken.go_on_unasked,
        "an operator stopped it|RunEnded queued a retry",
    ),
    Defect(
        "an answer is not the one given",
        door,
        "operator_answered",
        broken.answer_in_other_words,
        "is not told",
    ),
    Defect(
        "an answer is given to any question",
        door,
        "operator_answered",
        broken.answer_any_question,
        "is not told",
    ),
    Defect("nobody hears an answer", reconcile, "_judge_parked", broken.nothing, "never done"),
    Defect("a stop begins something", door, "_WHILE_DRAINING", (object,), "while stopping"),
    Defect(
        "free slots are not used",
        dispatch,
        "start_run",
        broken.nothing,
        "left behind although a slot is free",
    ),
)

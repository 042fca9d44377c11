"""Mutants of the limits: how many sessions run, and what fills a slot that frees."""

from __future__ import annotations

from dataclasses import replace as changed

from symphony.documents.front_matter import Document
from symphony.domain.ids import IssueId
from symphony.domain.issue import Issue, state_key
from symphony.domain.json import as_object, as_whole_number
from symphony.scheduler import dispatch, retries, transitions
from symphony.scheduler.commands import Command
from symphony.scheduler.eligibility import NO_STATE_SLOT, Judge, Rule
from symphony.scheduler.moment import Moment
from symphony.scheduler.slots import Slots
from symphony.scheduler.state import Retry, SchedulerState
from symphony.workflow import validation
from symphony.workflow.validation import IGNORED_STATE_LIMIT, CheckedFrontMatter
from tests.mutants.patching import private, replace, replace_in
from tests.mutants.registry import mutant


@mutant(
    "cap_off_by_one",
    kills=("slots.global.limit", "config.default.limits"),
    about="One session more than allowed runs.",
)
def _() -> None:
    original = Slots.__init__

    def init(self: Slots, state: SchedulerState) -> None:
        original(self, state)
        allowed = state.settings.agent.max_concurrent_agents + 1
        self._free = max(allowed - len(state.running), 0)  # pyright: ignore[reportPrivateUsage]

    replace(Slots, "__init__", init)


@mutant(
    "cap_counts_claims",
    kills=("refill.slot.freed",),
    about="Issues that wait for a retry or a clean-up hold a slot, although nothing runs for them.",
)
def _() -> None:
    original = Slots.__init__

    def init(self: Slots, state: SchedulerState) -> None:
        original(self, state)
        waiting = [each for each in state.retrying.values() if each.waiting_for == "time"]
        held = len(waiting) + len(state.cleaning) + len(state.parked)
        self._free = max(self._free - held, 0)  # pyright: ignore[reportPrivateUsage]

    replace(Slots, "__init__", init)


@mutant(
    "cap_does_not_hold_retries",
    kills=("retry.slots.requeue", "retry.slots.reason", "retry.entry.fields"),
    about="A due retry is dispatched although no slot is free for it.",
)
def _() -> None:
    class Endless(Slots):
        def available(self, state_name: str) -> bool:
            del state_name
            return True

    replace_in(retries, "Slots", Endless)


@mutant(
    "state_cap_counts_first_state",
    kills=("slots.state.refreshed",),
    about="A running issue counts under the state that it was dispatched in.",
)
def _() -> None:
    begun: dict[IssueId, str] = {}
    start_run = transitions.start_run
    original = Slots.__init__

    def start(
        state: SchedulerState, issue: Issue, now: Moment, retry: Retry | None = None
    ) -> list[Command]:
        begun[issue.id] = issue.state
        return start_run(state, issue, now, retry)

    def init(self: Slots, state: SchedulerState) -> None:
        original(self, state)
        used = private(self, "_used")
        used.clear()
        used.update(
            state_key(begun.get(key, entry.issue.state)) for key, entry in state.running.items()
        )

    replace(transitions, "start_run", start)
    replace(Slots, "__init__", init)


@mutant(
    "state_cap_blocks_others",
    kills=("slots.state.no_blocking",),
    about="Once a state is full, nothing behind it in the order is started.",
)
def _() -> None:
    original = Judge.first_block
    stuck: dict[int, Rule] = {}

    def first_block(self: Judge, issue: Issue) -> Rule | None:
        block = original(self, issue)
        if block is None:
            return stuck.get(id(self))
        if block.code == NO_STATE_SLOT:
            stuck.clear()
            stuck[id(self)] = block
        return block

    def init(self: Judge, state: SchedulerState, slots: Slots) -> None:
        # An identity is given to somebody else as soon as its owner is gone.
        stuck.pop(id(self), None)
        first_init(self, state, slots)

    refillable = private(dispatch, "_refillable")

    def before_the_stuck(state: SchedulerState) -> list[IssueId]:
        slots = Slots(state)
        ids = [each.id for each in state.backlog]
        full = [slots.state_is_full(each.state) for each in state.backlog]
        ahead = ids[: full.index(True)] if True in full else ids
        return [each for each in refillable(state) if each in ahead]

    first_init = Judge.__init__
    replace(dispatch, "_refillable", before_the_stuck)
    replace(Judge, "__init__", init)
    replace(Judge, "first_block", first_block)


def _limits(document: Document) -> dict[str, int]:
    agent = as_object(document.metadata.get("agent")) or {}
    written = as_object(agent.get("max_concurrent_agents_by_state")) or {}
    found = {name: as_whole_number(value) for name, value in written.items()}
    return {name: limit for name, limit in found.items() if limit is not None and limit > 0}


@mutant(
    "state_cap_minds_case",
    kills=("config.agent.by_state_normalised",),
    about="A limit holds only for a state that is spelled exactly as in the settings.",
)
def _() -> None:
    original = validation.check_front_matter

    def check(document: Document, path: str) -> CheckedFrontMatter:
        return changed(original(document, path), limits=_limits(document))

    def state_is_full(self: Slots, state_name: str) -> bool:
        limit = private(self, "_limits").get(state_name)
        return limit is not None and private(self, "_used")[state_key(state_name)] >= limit

    replace(validation, "check_front_matter", check)
    replace(Slots, "state_is_full", state_is_full)


@mutant(
    "state_cap_entry_spoils_the_others",
    kills=("config.agent.by_state_invalid",),
    about="An invalid limit of one state switches off the limits of all states.",
)
def _() -> None:
    original = validation.check_front_matter

    def check(document: Document, path: str) -> CheckedFrontMatter:
        checked = original(document, path)
        spoiled = any(each.code == IGNORED_STATE_LIMIT for each in checked.warnings)
        return changed(checked, limits={}) if spoiled else checked

    replace(validation, "check_front_matter", check)


@mutant(
    "freed_slot_waits_for_the_tick",
    kills=("refill.slot.freed",),
    about="A slot that frees between two ticks stays empty until the next one.",
)
def _() -> None:
    def want_refill(state: SchedulerState, now: Moment) -> list[Command]:
        del state, now
        return []

    replace(dispatch, "want_refill", want_refill)


@mutant(
    "freed_slot_wakes_no_retry",
    kills=("retry.slots.wakes",),
    about="A retry that waits for a slot sleeps until its timer, whatever frees meanwhile.",
)
def _() -> None:
    def wake_for_slot(state: SchedulerState, now: Moment) -> list[Command]:
        del state, now
        return []

    replace(retries, "wake_for_slot", wake_for_slot)

"""Mutants of following what runs: the stall clock, and the reads that say what became of issues."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace as changed
from typing import Any

from symphony.agents.channel import Channel
from symphony.domain.ids import IssueId
from symphony.domain.issue import Issue
from symphony.domain.run import StopReason
from symphony.domain.settings import TrackerSettings
from symphony.scheduler import eligibility, reconcile, runs, ticks, transitions
from symphony.scheduler.commands import CheckWorkflow, Command, RemoveWorkspace
from symphony.scheduler.events import ForReconciliation, IssuesRead, ReadFailure, RunEnded
from symphony.scheduler.moment import Moment
from symphony.scheduler.state import Place, Running, SchedulerState
from symphony.trackers.github.tracker import GitHubTracker
from symphony.trackers.linear.tracker import LinearTracker
from tests.mutants.patching import private, replace, replace_in
from tests.mutants.registry import mutant

ZERO_STANDS_FOR_MS = 300


@mutant(
    "stall_clock_hears_stderr",
    kills=("stall.clock.origin",),
    about="Any line on standard error restarts the stall clock.",
)
def _() -> None:
    original = private(Channel, "_read_diagnostics")

    async def read(self: Channel) -> None:
        transport = private(self, "_transport")
        reporter = private(private(self, "_receiver"), "_reporter")
        receive = transport.receive_stderr

        async def heard(max_bytes: int) -> bytes:
            data: bytes = await receive(max_bytes)
            if data:
                await reporter.event("notification", "something on standard error")
            return data

        transport.receive_stderr = heard
        await original(self)

    replace(Channel, "_read_diagnostics", read)


@mutant(
    "stall_clock_never_restarts",
    kills=("stall.clock.origin", "stall.detect.within_tick"),
    about="The stall clock runs from the start of a run, whatever its agent tells.",
)
def _() -> None:
    def silent_ms(entry: Running, now: Moment) -> int:
        return now.monotonic_ms - entry.started.monotonic_ms

    replace(reconcile, "silent_ms", silent_ms)


@mutant(
    "stall_zero_is_a_limit",
    kills=("stall.detect.disabled",),
    about="A stall timeout of 0 stands for one of 0.3 s.",
)
def _() -> None:
    original = reconcile.stop_stalled

    def stop_stalled(state: SchedulerState, now: Moment) -> list[Command]:
        if state.settings.codex.stall_timeout_ms > 0:
            return original(state, now)
        commands: list[Command] = []
        for entry in state.running.values():
            if reconcile.silent_ms(entry, now) > ZERO_STANDS_FOR_MS:
                commands += transitions.stop_run(entry, StopReason.STALLED)
        return commands

    replace(reconcile, "stop_stalled", stop_stalled)


@mutant(
    "stall_waits_for_the_read",
    kills=("tick.read.slow",),
    about="No run is found stalled while the tracker lets a tick wait.",
)
def _() -> None:
    original = reconcile.stop_stalled

    def stop_stalled(state: SchedulerState, now: Moment) -> list[Command]:
        return original(state, now) if state.tick is None else []

    replace(reconcile, "stop_stalled", stop_stalled)


def _ends_as(instead: StopReason, *, of: StopReason) -> None:
    """Take one reason for an end for another one, once the run has ended."""
    original = runs.run_ended

    def run_ended(state: SchedulerState, event: RunEnded, now: Moment) -> list[Command]:
        entry = state.running_by_run(event.run_id)
        if entry is not None and entry.stopping is of:
            entry.stopping = instead
        return original(state, event, now)

    replace(runs, "run_ended", run_ended)


@mutant(
    "inactive_is_removed",
    kills=("reconcile.state.inactive",),
    about="The workspace goes when an issue is not active any more, and not only when it ended.",
)
def _() -> None:
    _ends_as(StopReason.TERMINAL, of=StopReason.NOT_ACTIVE)


@mutant(
    "missing_is_removed",
    kills=("reconcile.issue.missing",),
    about="The workspace goes when an issue is missing from a refresh.",
)
def _() -> None:
    _ends_as(StopReason.TERMINAL, of=StopReason.NOT_VISIBLE)


@mutant(
    "missing_goes_on",
    kills=("reconcile.issue.missing", "tracker.ids.invisible", "tracker.ids.foreign"),
    about="A run whose issue is missing from a refresh goes on.",
)
def _() -> None:
    original = private(reconcile, "_judge_run")

    def judge(state: SchedulerState, entry: Running, issue: Issue | None) -> Any:
        return [] if issue is None else original(state, entry, issue)

    replace(reconcile, "_judge_run", judge)


@mutant(
    "label_removed_goes_on",
    kills=("reconcile.route.label_removed",),
    about="A run goes on although its issue lost a required label.",
)
def _() -> None:
    def is_routable(issue: Issue, tracker: TrackerSettings) -> bool:
        del tracker
        return issue.dispatchable

    replace_in(reconcile, "is_routable", is_routable)


@mutant(
    "not_dispatchable_goes_on",
    kills=("reconcile.route.not_dispatchable",),
    about="A run goes on although its tracker holds the issue back by now.",
)
def _() -> None:
    def is_routable(issue: Issue, tracker: TrackerSettings) -> bool:
        return eligibility.required_labels(tracker) <= set(issue.labels)

    replace_in(reconcile, "is_routable", is_routable)


@mutant(
    "failed_refresh_stops_a_run",
    kills=("reconcile.read.failed",),
    about="Where the refresh fails, the run that began last counts as missing.",
)
def _() -> None:
    original = reconcile.reconcile

    def judge(
        state: SchedulerState, purpose: ForReconciliation, event: IssuesRead, now: Moment
    ) -> list[Command]:
        if isinstance(event.answer, ReadFailure):
            known = tuple(entry.issue for entry in state.running.values())
            event = changed(event, answer=known[:-1])
        return original(state, purpose, event, now)

    replace(reconcile, "reconcile", judge)


@mutant(
    "refresh_of_51_is_cut",
    kills=("reconcile.read.all_ids",),
    about="A read by ids asks for the first fifty only.",
)
def _() -> None:
    for adapter in (LinearTracker, GitHubTracker):
        _cut_reads_of(adapter)


def _cut_reads_of(adapter: type[LinearTracker] | type[GitHubTracker]) -> None:
    original: Any = adapter.fetch_issues_by_ids

    async def fetch(self: object, ids: Collection[IssueId]) -> Sequence[Issue]:
        found: Sequence[Issue] = await original(self, sorted(set(ids))[:50])
        return found

    replace(adapter, "fetch_issues_by_ids", fetch)


@mutant(
    "dispatch_before_reconciliation",
    kills=("tick.order.reconcile",),
    about="A tick reads candidates first, and then what runs.",
)
def _() -> None:
    begin = private(ticks, "_begin")
    end = private(ticks, "_end")
    reconciled = ticks.reconciliation_read

    def check_first(state: SchedulerState) -> list[Command]:
        commands: list[Command] = begin(state)
        tick = state.tick
        if tick is None or any(isinstance(each, CheckWorkflow) for each in commands):
            return commands
        tick.phase = "checking"
        return [CheckWorkflow(tick=tick.epoch)]

    def then_reconcile(state: SchedulerState, now: Moment) -> list[Command]:
        commands: list[Command] = begin(state)
        if any(isinstance(each, CheckWorkflow) for each in commands):
            return list(end(state, now))
        return commands

    def and_end(
        state: SchedulerState, purpose: ForReconciliation, event: IssuesRead, now: Moment
    ) -> list[Command]:
        judged = reconciled(state, purpose, event, now)
        ended: list[Command] = end(state, now)
        return [*(each for each in judged if not isinstance(each, CheckWorkflow)), *ended]

    replace(ticks, "reconciliation_read", and_end)
    replace(ticks, "_begin", check_first)
    replace(ticks, "_end", then_reconcile)


@mutant(
    "cleanup_before_the_end",
    kills=("reconcile.cleanup.after_exit", "hook.after_run.cancelled"),
    about="The workspace of a terminal issue is removed while its agent is being ended.",
)
def _() -> None:
    original = transitions.stop_run

    def stop_run(entry: Running, reason: StopReason) -> list[Command]:
        commands = original(entry, reason)
        place = entry.place
        if not commands or place is None or reason is not StopReason.TERMINAL:
            return commands
        removal = RemoveWorkspace(issue=entry.issue, path=place.path, settings=place.settings)
        return [removal, *commands]

    replace(transitions, "stop_run", stop_run)


@mutant(
    "cleanup_by_newer_settings",
    kills=("reconcile.cleanup.recorded_path",),
    about="The path that is removed after a run follows from the settings of that moment.",
)
def _() -> None:
    original = transitions.clean

    def clean(
        state: SchedulerState, issue: Issue, place: Place | None, now: Moment
    ) -> list[Command]:
        return [
            changed(each, path=None, settings=state.settings)
            if isinstance(each, RemoveWorkspace)
            else each
            for each in original(state, issue, place, now)
        ]

    replace(transitions, "clean", clean)

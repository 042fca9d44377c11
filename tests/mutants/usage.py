"""Mutants of what is counted: tokens, running time, and the limits that an agent tells of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as changed
from typing import Any

from symphony.agents import reporting, telemetry
from symphony.agents.reporting import Reporter
from symphony.domain.ids import ThreadId
from symphony.domain.json import JsonObject, JsonValue, as_object
from symphony.domain.run import RateLimitsReported, TokenUsage, UsageReported
from symphony.scheduler import ratelimits, runs, snapshot, usage
from symphony.scheduler.commands import Command
from symphony.scheduler.events import RunEnded, RunReported
from symphony.scheduler.moment import Moment
from symphony.scheduler.snapshot import Snapshot
from symphony.scheduler.state import SchedulerState
from symphony.scheduler.usage import RunUsage
from tests.mutants.patching import private, replace
from tests.mutants.registry import mutant


def _reading(change: Callable[[JsonObject], JsonObject]) -> None:
    """Take the usage of a thread from other members of its report."""
    original: Any = telemetry.read_usage

    def read_usage(params: JsonObject, **options: Any) -> UsageReported | None:
        report: UsageReported | None = original(change(params), **options)
        return report

    replace(telemetry, "read_usage", read_usage)


@mutant(
    "totals_from_the_last_turn",
    kills=("usage.total.absolute",),
    about="The `last` of a report, which is what was added, is taken for the total of the thread.",
)
def _() -> None:
    def last_as_total(params: JsonObject) -> JsonObject:
        given = as_object(params.get("tokenUsage"))
        if given is None:
            return params
        return {**params, "tokenUsage": {**given, "total": given.get("last")}}

    _reading(last_as_total)


@mutant(
    "any_usage_is_counted",
    kills=("usage.total.absolute",),
    about="A map called `usage` counts, whatever notification it stands in.",
)
def _() -> None:
    original = Reporter.notification

    async def notification(self: Reporter, method: str, params: JsonObject) -> None:
        count = telemetry.read_usage(
            {**params, "tokenUsage": {"total": params.get("usage")}}, resumed=None, own_turns=()
        )
        if count is not None:
            await private(self, "_report")(count)
        await original(self, method, params)

    replace(Reporter, "notification", notification)


def _taking(added: Callable[[RunUsage, UsageReported], TokenUsage | None]) -> None:
    """Add something else for some reports; None stands for what is right."""
    original = RunUsage.take

    def take(self: RunUsage, report: UsageReported) -> TokenUsage:
        other = added(self, report)
        right = original(self, report)
        return right if other is None else other

    replace(RunUsage, "take", take)


@mutant(
    "repeated_report_counts_again",
    kills=("usage.total.counted_once",),
    about="A report that is repeated is counted once more.",
)
def _() -> None:
    def added(run: RunUsage, report: UsageReported) -> TokenUsage | None:
        return report.total if run.seen.get(report.thread_id) == report.total else None

    _taking(added)


@mutant(
    "totals_follow_a_lower_report",
    kills=("usage.total.monotonic",),
    about="A report of less than before makes the totals smaller.",
)
def _() -> None:
    latest: dict[ThreadId, TokenUsage] = {}

    def added(run: RunUsage, report: UsageReported) -> TokenUsage:
        del run
        before = latest.get(report.thread_id, TokenUsage())
        latest[report.thread_id] = report.total
        return usage.difference(report.total, before)

    _taking(added)


@mutant(
    "ended_sessions_are_subtracted",
    kills=("usage.total.summed",),
    about="The totals are those of the sessions that run.",
)
def _() -> None:
    original = runs.run_ended

    def run_ended(state: SchedulerState, event: RunEnded, now: Moment) -> list[Command]:
        entry = state.running_by_run(event.run_id)
        commands = original(state, event, now)
        if entry is not None:
            state.totals = usage.difference(state.totals, entry.usage.spent)
        return commands

    replace(runs, "run_ended", run_ended)


@mutant(
    "threads_of_others_are_free",
    kills=("usage.threads.summed",),
    about="What another thread on the connection uses is not counted.",
)
def _() -> None:
    def none_of_others(run: RunUsage, report: UsageReported) -> TokenUsage | None:
        is_other = bool(run.seen) and report.thread_id != next(iter(run.seen))
        return TokenUsage() if is_other else None

    _taking(none_of_others)


@mutant(
    "older_names_are_unknown",
    kills=("usage.fields.tolerant",),
    about="Token counts under the names of older versions are not found.",
)
def _() -> None:
    def member(container: JsonObject, *names: str) -> JsonValue:
        return container.get(names[0])

    replace(telemetry, "_member", member)


@mutant(
    "time_of_what_ended_only",
    kills=("usage.runtime.live",),
    about="Sessions count for the running time when they have ended.",
)
def _() -> None:
    original: Any = snapshot.take_snapshot

    def take_snapshot(state: SchedulerState, *arguments: Any) -> Snapshot:
        taken: Snapshot = original(state, *arguments)
        return changed(taken, seconds_running=state.ended_seconds)

    replace(snapshot, "take_snapshot", take_snapshot)


@mutant(
    "limits_are_replaced",
    kills=("ratelimit.sparse.kept",),
    about="A report of rate limits replaces what was known, also where it is null.",
)
def _() -> None:
    def latest(known: JsonObject, update: JsonObject, depth: int = 1) -> JsonObject:
        del known, depth
        return update

    replace(ratelimits, "overlay", latest)


@mutant(
    "first_limits_stay",
    kills=("ratelimit.latest.kept",),
    about="Once rate limits are known, later reports of a session change nothing.",
)
def _() -> None:
    original = runs.run_reported

    def run_reported(state: SchedulerState, event: RunReported, now: Moment) -> list[Command]:
        if isinstance(event.update, RateLimitsReported) and state.rate_limits is not None:
            return []
        return original(state, event, now)

    replace(runs, "run_reported", run_reported)


@mutant(
    "limits_without_windows",
    kills=("ratelimit.shape.values",),
    about="Of the windows of a limit only the share that is used is kept.",
)
def _() -> None:
    original = telemetry.read_rate_limits

    def read_rate_limits(params: JsonObject) -> JsonObject | None:
        limits = original(params)
        return None if limits is None else {name: _share(each) for name, each in limits.items()}

    replace(reporting, "read_rate_limits", read_rate_limits)


def _share(value: JsonValue) -> JsonValue:
    window = as_object(value)
    return value if window is None else {"usedPercent": window.get("usedPercent")}

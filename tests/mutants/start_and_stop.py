"""Mutants of the start, the ticks that follow it, and the end."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace as changed
from typing import Any

from symphony.cli import daemon as command
from symphony.domain.issue import Issue
from symphony.domain.run import StopReason
from symphony.runtime.daemon import Daemon
from symphony.scheduler import reconcile, runs, ticks, transitions
from symphony.scheduler.commands import ArmTimer, Command, TickTimer
from symphony.scheduler.events import CandidatesRead, ReadFailure, RunEnded, TerminalRead, TickDue
from symphony.scheduler.moment import Moment
from symphony.scheduler.state import SchedulerState
from tests.mutants.patching import private, replace
from tests.mutants.registry import mutant

LONGEST_WAIT_MS = 45_000
"""Too late for an opening tick on any machine, however slow it is taken to be."""


def _rearmed(commands: list[Command], due_ms: int) -> list[Command]:
    """The commands with the next tick at another time."""
    return [
        changed(each, due_ms=due_ms)
        if isinstance(each, ArmTimer) and isinstance(each.timer, TickTimer)
        else each
        for each in commands
    ]


@mutant(
    "opening_tick_waits",
    kills=("startup.order.sequence",),
    about="The opening tick comes after a pause.",
)
def _() -> None:
    original = ticks.begin_when_clean

    def begin(state: SchedulerState, now: Moment) -> list[Command]:
        wait = min(state.settings.polling.interval_ms, LONGEST_WAIT_MS)
        return _rearmed(original(state, now), now.monotonic_ms + wait)

    replace(ticks, "begin_when_clean", begin)


@mutant(
    "ticks_at_half_the_interval",
    kills=("tick.cadence.interval", "reload.apply.poll_interval"),
    about="The pause between two ticks is half of the configured one.",
)
def _() -> None:
    original = ticks.tick_due

    def tick_due(state: SchedulerState, event: TickDue, now: Moment) -> list[Command]:
        interval = state.settings.polling.interval_ms
        return _rearmed(original(state, event, now), now.monotonic_ms + interval // 2)

    replace(ticks, "tick_due", tick_due)


@mutant(
    "failed_poll_is_the_last",
    kills=(
        "tracker.error.candidates",
        "tracker.error.application",
        "tracker.pages.integrity",
        "tracker.reads.atomic",
    ),
    about="After candidates could not be read once, no tick reads them again.",
)
def _() -> None:
    original = ticks.candidates_read

    def candidates_read(state: SchedulerState, event: CandidatesRead, now: Moment) -> list[Command]:
        tick = state.tick
        commands = original(state, event, now)
        if isinstance(event.answer, ReadFailure):
            state.tick = tick
        return commands

    replace(ticks, "candidates_read", candidates_read)


@mutant(
    "terminal_stays_at_start",
    kills=("startup.cleanup.terminal",),
    about="The workspaces of terminal issues are not removed at start.",
)
def _() -> None:
    def terminal_found(
        state: SchedulerState, issues: tuple[Issue, ...], now: Moment
    ) -> list[Command]:
        del state, issues, now
        return []

    replace(reconcile, "terminal_found", terminal_found)


@mutant(
    "inactive_is_removed_at_start",
    kills=("startup.cleanup.others_kept",),
    about="The workspaces of all issues that are not active are removed at start.",
)
def _() -> None:
    original = reconcile.terminal_found

    def terminal_found(
        state: SchedulerState, issues: tuple[Issue, ...], now: Moment
    ) -> list[Command]:
        commands = original(state, issues, now)
        for issue in issues:
            if state.claim_of(issue.id) is None and not state.is_active(issue):
                commands += transitions.clean(state, issue, None, now)
        return commands

    replace(reconcile, "terminal_found", terminal_found)


@mutant(
    "failed_cleanup_is_the_end",
    kills=("startup.cleanup.fetch_failed",),
    about="Where terminal issues cannot be read at start, no tick ever comes.",
)
def _() -> None:
    original = ticks.terminal_read

    def terminal_read(state: SchedulerState, event: TerminalRead, now: Moment) -> list[Command]:
        commands = original(state, event, now)
        failed = isinstance(event.answer, ReadFailure)
        return [each for each in commands if not (failed and isinstance(each, ArmTimer))]

    replace(ticks, "terminal_read", terminal_read)


@mutant(
    "stop_removes_workspaces",
    kills=("cli.stop.workspaces_kept",),
    about="An orderly stop removes the workspaces of what it ends.",
)
def _() -> None:
    original = runs.run_ended

    def run_ended(state: SchedulerState, event: RunEnded, now: Moment) -> list[Command]:
        entry = state.running_by_run(event.run_id)
        if entry is not None and entry.stopping is StopReason.SHUTDOWN and entry.workspace_path:
            shutil.rmtree(entry.workspace_path, ignore_errors=True)
        return original(state, event, now)

    replace(runs, "run_ended", run_ended)


@mutant(
    "stop_leaves_agents",
    kills=("cli.stop.agents_ended",),
    about="A stop signal ends the service and nothing that it started.",
)
def _() -> None:
    async def request_stop(self: Daemon) -> None:
        options: Any = private(self, "_options")
        if options.identity.warden is not None:
            # Dismissed, it would end what nobody has made sure of.
            os.kill(options.identity.warden.pid, signal.SIGKILL)
        os._exit(0)

    replace(Daemon, "request_stop", request_stop)


def _with_exit_code(judged: Callable[[int], int]) -> None:
    original: Any = command.run_daemon

    def run_daemon(**options: Any) -> int:
        return judged(original(**options))

    replace(command, "run_daemon", run_daemon)


@mutant(
    "stop_exits_with_an_error",
    kills=("cli.exit.normal", "cli.exit.signal"),
    about="An orderly stop exits with the code 1.",
)
def _() -> None:
    _with_exit_code(lambda code: code or 1)


@mutant(
    "failed_start_exits_well",
    kills=("cli.exit.startup_failure",),
    about="A start that failed exits with the code 0.",
)
def _() -> None:
    _with_exit_code(lambda code: 0 if code == 1 else code)


@mutant(
    "default_path_in_small_letters",
    kills=("workflow.path.default",),
    about="Without a path, `workflow.md` is looked for.",
)
def _() -> None:
    replace(command, "DEFAULT_WORKFLOW", "workflow.md")


@mutant(
    "current_directory_wins",
    kills=("workflow.path.explicit",),
    about="A WORKFLOW.md in the current directory is taken, whatever path was given.",
)
def _() -> None:
    original: Any = command.run_daemon

    def run_daemon(*, path: str | None, **options: Any) -> int:
        is_here = os.path.isfile(command.DEFAULT_WORKFLOW)
        code: int = original(path=None if is_here else path, **options)
        return code

    replace(command, "run_daemon", run_daemon)

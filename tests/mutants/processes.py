"""Mutants of the processes that the service owns, and of what they may know."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Collection, Mapping
from typing import Any

from symphony.processes import environment, warden
from symphony.processes.process import OwnedProcess, StopReport
from symphony.processes.tree import OwnedTree
from symphony.runtime import sessions
from symphony.runtime.roots import WorkspaceRoots
from tests.mutants.patching import private, replace, replace_in
from tests.mutants.registry import mutant


@mutant(
    "stubborn_agent_is_left",
    kills=(
        "run.end.process_stopped",
        "run.end.tree",
        "reconcile.cleanup.after_exit",
        "cli.stop.agents_ended",
    ),
    about="An agent that ignores the end of its input and SIGTERM is left alone.",
)
def _() -> None:
    def kill_until_gone(self: OwnedTree, limit_s: float = 0.0) -> frozenset[Any]:
        del limit_s
        return self.still_running()

    original = OwnedTree.signal

    def never_kill(self: OwnedTree, number: signal.Signals) -> None:
        if number is not signal.SIGKILL:
            original(self, number)

    replace(OwnedTree, "kill_until_gone", kill_until_gone)
    replace(OwnedTree, "signal", never_kill)


@mutant(
    "children_of_agents_are_left",
    kills=("run.end.tree", "reconcile.cleanup.after_exit"),
    about="Of an agent only the process itself is ended, and not what it started.",
)
def _() -> None:
    original = sessions.spawn

    def spawn(*arguments: Any, **options: Any) -> OwnedProcess:
        process = original(*arguments, **options)
        child = private(process, "_child")

        async def stop(*, grace_ms: int) -> StopReport:
            del grace_ms
            child.kill()
            code = await process.wait()
            process.close_stdin()
            private(process, "_stdout").close()
            private(process, "_stderr").close()
            return StopReport(exit_code=code)

        process.stop = stop
        return process

    replace_in(sessions, "spawn", spawn)


@mutant(
    "nobody_ends_orphans",
    kills=("recovery.kill.agents_ended", "recovery.restart.single_run"),
    about="The agents of a service that was killed live on, beside those of the next one.",
)
def _() -> None:
    original = warden.start_warden

    def start(daemon_id: str) -> warden.Warden:
        started = original(daemon_id)
        with contextlib.suppress(ProcessLookupError):
            os.kill(started.pid, signal.SIGKILL)
        return started

    async def sweep(self: WorkspaceRoots, root: str) -> None:
        del self, root

    replace(warden, "start_warden", start)
    replace(WorkspaceRoots, "_sweep", sweep)


@mutant(
    "agents_inherit_the_secret",
    kills=(
        "security.agent_env.absent",
        "security.agent_env.removed",
        "security.agent_env.login_profile",
    ),
    about="The agent inherits the whole environment.",
)
def _() -> None:
    original: Any = environment.child_environment

    def inherited(base: Mapping[str, str], **options: Any) -> dict[str, str]:
        found: dict[str, str] = original(base, **{**options, "drop_names": (), "drop_values": ()})
        return found

    replace_in(sessions, "child_environment", inherited)
    replace_in(sessions, "guard_script", _unguarded)


@mutant(
    "login_profile_brings_the_secret",
    kills=("security.agent_env.login_profile", "security.agent_env.removed"),
    about="What a login profile exports again reaches the agent.",
)
def _() -> None:
    replace_in(sessions, "guard_script", _unguarded)


def _unguarded(command: str, drop_names: Collection[str]) -> str:
    del drop_names
    return command

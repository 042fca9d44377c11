"""Mutants of how one hook is run: its script, its bounds, and what is left of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as changed
from typing import Any

import anyio

from symphony.processes.process import OwnedProcess, StopReport
from symphony.workspaces import hooks
from symphony.workspaces.hooks import Hook
from tests.mutants.patching import private, replace, replace_in
from tests.mutants.registry import mutant


def _starting(change: Callable[[Hook], Hook]) -> None:
    original = private(hooks, "_start")

    def start(hook: Hook) -> OwnedProcess:
        process: OwnedProcess = original(change(hook))
        return process

    replace(hooks, "_start", start)


@mutant(
    "hooks_run_in_the_root",
    kills=("hook.script.directory",),
    about="A hook's current directory is the workspace root.",
)
def _() -> None:
    _starting(lambda hook: changed(hook, workspace=hook.workspace.rpartition("/")[0]))


@mutant(
    "hooks_are_one_line",
    kills=("hook.script.shell",),
    about="Of a script only the first line is run.",
)
def _() -> None:
    _starting(lambda hook: changed(hook, script=hook.script.strip().partition("\n")[0]))


@mutant(
    "hook_waits_for_its_children",
    kills=("hook.timeout.applied",),
    about="A hook lasts for as long as a child that it left holds its output open.",
)
def _() -> None:
    async def wait(process: OwnedProcess, tail: Any, timeout_s: float) -> int | None:
        exit_code: int | None = None
        async with anyio.create_task_group() as readers:
            readers.start_soon(tail.fill, process.receive_stdout)
            readers.start_soon(tail.fill, process.receive_stderr)
            with anyio.move_on_after(timeout_s):
                exit_code = await process.wait()
            if exit_code is None:
                await process.stop(grace_ms=hooks.HOOK_GRACE_MS)
        return exit_code

    replace(hooks, "_wait", wait)


@mutant(
    "hook_leaves_its_children",
    kills=("hook.timeout.tree",),
    about="Of a hook that times out only the shell is ended.",
)
def _() -> None:
    original = hooks.spawn

    def spawn(*arguments: Any, **options: Any) -> OwnedProcess:
        process = original(*arguments, **options)
        child = private(process, "_child")

        async def stop(*, grace_ms: int) -> StopReport:
            del grace_ms
            child.kill()
            code = await process.wait()
            private(process, "_stdout").close()
            private(process, "_stderr").close()
            return StopReport(exit_code=code)

        process.stop = stop
        return process

    replace_in(hooks, "spawn", spawn)


@mutant(
    "hook_begins_in_silence",
    kills=("hook.log.events",),
    about="The start of a hook is not logged.",
)
def _() -> None:
    original = private(hooks, "_log")

    def log(level: int, event: str, hook: Hook, **facts: object) -> None:
        if event != "hook_started":
            original(level, event, hook, **facts)

    replace(hooks, "_log", log)

"""Run one workspace hook, and leave nothing of it behind.

A hook is the shell text of the workflow file, run by a login shell in the workspace, in a tree of
its own that is ended before `run_hook` returns: after a timeout, a failure and a cancellation, and
also after success. What a hook starts in the background does not outlive it; a service that should
belongs to a service manager. Output is always read to the end and only its tail is kept. Logs:
`hook_started`, `hook_completed`, `hook_failed`, `hook_timed_out`, `hook_cancelled`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import anyio

from symphony.domain.issue import Issue
from symphony.processes.environment import SHORTEST_SECRET, guard_script, login_shell
from symphony.processes.process import OwnedProcess, spawn

HookName: TypeAlias = Literal["after_create", "before_run", "after_run", "before_remove"]

HOOK_OUTPUT_BYTES: Final = 8 * 1024
"""How much of the end of a hook's output is kept: the lines that tell why it failed."""
LOGGED_OUTPUT_CHARACTERS: Final = 1000
"""How much of that goes into a log line (`hook.output.truncated`)."""
HOOK_GRACE_MS: Final = 2_000
"""From SIGTERM to SIGKILL, so that git can remove its lock files."""
_CHUNK_BYTES: Final = 64 * 1024
_REDACTED: Final = "[redacted]"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One hook to run. `environment` is the child's, with an owner mark of its own. `forget` names
    variables that a login profile may not bring back, `secrets` what must not appear in output.
    `started` and `ended` are told the process group."""

    name: HookName
    script: str
    issue: Issue
    workspace: str
    timeout_ms: int
    environment: Mapping[str, str] = field(repr=False)
    forget: Collection[str] = ()
    secrets: Collection[str] = field(default=(), repr=False)
    started: Callable[[int], None] | None = None
    ended: Callable[[int], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HookResult:
    """How a hook ended. `exit_code` is None where it timed out or could not be started. `output` is
    the tail of standard output and error together, without secrets. `survivors` are pids that
    could not be ended."""

    hook: HookName
    exit_code: int | None
    timed_out: bool
    output: str
    duration_ms: int
    survivors: tuple[int, ...] = ()

    @property
    def ok(self) -> bool:
        return self.exit_code == 0

    @property
    def reason(self) -> str:
        """What happened, for people."""
        if self.timed_out:
            return f"the hook {self.hook} timed out after {self.duration_ms} ms"
        if self.exit_code is None:
            return f"the hook {self.hook} could not be started"
        return f"the hook {self.hook} ended with exit code {self.exit_code}"


async def run_hook(hook: Hook) -> HookResult:
    """Run to the end: at most `timeout_ms` plus the time to end its tree. Never raises for what the
    hook did."""
    _log(logging.INFO, "hook_started", hook)
    try:
        result = await _run(hook, _Tail(hook.secrets), anyio.current_time())
    except BaseException:
        _log(logging.WARNING, "hook_cancelled", hook, outcome="cancelled")
        raise
    _log_end(hook, result)
    return result


async def _run(hook: Hook, tail: _Tail, began: float) -> HookResult:
    exit_code: int | None = None
    timed_out = False
    survivors: tuple[int, ...] = ()
    try:
        process = _start(hook)
    except (OSError, ValueError) as problem:
        tail.add(str(problem).encode())
    else:
        try:
            exit_code = await _wait(process, tail, hook.timeout_ms / 1000)
        finally:
            survivors = await _end(process, hook)
        timed_out = exit_code is None
    return HookResult(
        hook=hook.name,
        exit_code=exit_code,
        timed_out=timed_out,
        output=tail.text(),
        duration_ms=round((anyio.current_time() - began) * 1000),
        survivors=survivors,
    )


def _start(hook: Hook) -> OwnedProcess:
    arguments = login_shell(guard_script(hook.script, hook.forget), hook.environment)
    process = spawn(arguments, cwd=hook.workspace, environment=hook.environment, stdin=False)
    if hook.started is not None:
        hook.started(process.pid)
    return process


async def _wait(process: OwnedProcess, tail: _Tail, timeout_s: float) -> int | None:
    """The exit code, or None after the time-out. Reads for as long as anything writes."""
    exit_code: int | None = None
    async with anyio.create_task_group() as readers:
        readers.start_soon(tail.fill, process.receive_stdout)
        readers.start_soon(tail.fill, process.receive_stderr)
        with anyio.move_on_after(timeout_s):
            exit_code = await process.wait()
        # The end of the tree is the end of the output: a child in the background may hold it.
        await process.stop(grace_ms=HOOK_GRACE_MS)
    return exit_code


async def _end(process: OwnedProcess, hook: Hook) -> tuple[int, ...]:
    report = await process.stop(grace_ms=HOOK_GRACE_MS)
    if report.confirmed and hook.ended is not None:
        hook.ended(process.pid)
    return report.survivors


class _Tail:
    """The end of an output of any length, without secrets."""

    def __init__(self, secrets: Collection[str]) -> None:
        self._secrets = sorted(
            (secret for secret in secrets if len(secret) >= SHORTEST_SECRET), key=len, reverse=True
        )
        self._longest_secret = max(map(len, self._secrets), default=0)
        self._kept = bytearray()
        self._is_cut = False

    async def fill(self, receive: Callable[[int], Awaitable[bytes]]) -> None:
        while data := await receive(_CHUNK_BYTES):
            self.add(data)

    def add(self, data: bytes) -> None:
        self._kept += data
        # More than is shown, so that a secret across the edge is still seen as a whole.
        bound = HOOK_OUTPUT_BYTES + 4 * self._longest_secret
        self._is_cut |= len(self._kept) > bound
        del self._kept[:-bound]

    def text(self) -> str:
        text = self._kept.decode(errors="replace")
        for secret in self._secrets:
            text = text.replace(secret, _REDACTED)
        if self._is_cut:
            # The first characters may be the rest of a secret that was cut.
            text = text[self._longest_secret :]
        return text[-HOOK_OUTPUT_BYTES:]


def _log_end(hook: Hook, result: HookResult) -> None:
    facts: dict[str, object] = {"duration_ms": result.duration_ms}
    if result.survivors:
        facts["pids"] = " ".join(map(str, result.survivors))
    if result.ok and not result.survivors:
        _log(logging.INFO, "hook_completed", hook, outcome="completed", **facts)
        return
    event, outcome = (
        ("hook_timed_out", "timed_out") if result.timed_out else ("hook_failed", "failed")
    )
    output = result.output.strip()[-LOGGED_OUTPUT_CHARACTERS:]
    facts |= {"reason": result.reason, "exit_code": result.exit_code, "output": output}
    _log(logging.WARNING, event, hook, outcome=outcome, **facts)


def _log(level: int, event: str, hook: Hook, **facts: object) -> None:
    fields = {
        "issue_id": hook.issue.id,
        "issue_identifier": hook.issue.identifier,
        "hook": hook.name,
        **facts,
    }
    _logger.log(level, event, extra={"fields": fields})

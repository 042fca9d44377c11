"""One child process and everything it starts, owned from the first instant to the last.

`spawn` has no await between starting the child and owning it. Whoever spawned must call `stop` in
the end, also when the child has exited by itself: only then are its leftovers ended, its pipes
closed and the child reaped. `stop` takes at most twice its grace plus `KILL_LIMIT_S`, is shielded
from cancellation, and says whether anything is left.

Without `/proc` (macOS) the tree is the process group: a grandchild that called `setsid` escapes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from signal import SIGKILL, SIGTERM
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from symphony.processes.exits import peek_exit_code, wait_for_exit
from symphony.processes.owner import OwnerMark, innermost_mark
from symphony.processes.pipes import InputClosedError, InputPipe, OutputPipe
from symphony.processes.table import Member, start_ticks
from symphony.processes.tree import OwnedTree

T = TypeVar("T")
_LOOK_AGAIN_S: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class StopReport:
    """How stopping went. `survivors` are the pids that are still there (a process stuck in the
    kernel, or one that changed its user); empty means confirmed gone."""

    exit_code: int | None
    survivors: tuple[int, ...] = ()

    @property
    def confirmed(self) -> bool:
        return not self.survivors


def spawn(
    arguments: Sequence[str],
    *,
    cwd: str,
    environment: Mapping[str, str],
    stdin: bool = True,
) -> OwnedProcess:
    """Start a child in a session of its own, with pipes for its three streams.

    Where `stdin` is False, it reads `/dev/null`. The tree is recognised by the innermost owner
    mark in `environment`; processes with equal marks end together, so each tree needs its own.
    Raises `OSError` where the program or the directory cannot be used.
    """
    child = subprocess.Popen(
        arguments,
        cwd=cwd,
        env=environment,
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        close_fds=True,
        start_new_session=True,
    )
    try:
        return OwnedProcess(child, innermost_mark(environment))
    except BaseException:
        _abandon(child)
        raise


def _abandon(child: subprocess.Popen[bytes]) -> None:
    """End a child that nobody will own: it has just begun, so its group is all that there is."""
    with contextlib.suppress(OSError):
        os.killpg(child.pid, SIGKILL)
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()
    child.wait()


class OwnedProcess:
    """A running or ended child. Use from one event loop."""

    def __init__(self, child: subprocess.Popen[bytes], mark: OwnerMark | None) -> None:
        if child.stdout is None or child.stderr is None:
            raise ValueError("an owned process needs pipes for its output")
        self._child = child
        self._input = InputPipe(child.stdin) if child.stdin is not None else None
        self._stdout = OutputPipe(child.stdout)
        self._stderr = OutputPipe(child.stderr)
        self.started_at_ticks = start_ticks(child.pid)
        """Clock ticks between boot and start; 0 where there is no process table."""
        self._tree = OwnedTree(
            carries=partial(_is_mark, mark),
            leader=child.pid,
            since=self.started_at_ticks,
            poll_leader=child.poll,
        )
        self._stopping = anyio.Lock()
        self._stopped = False
        # Nothing counts as gone before it was confirmed.
        self._report = StopReport(exit_code=None, survivors=(child.pid,))

    @property
    def pid(self) -> int:
        """The pid of the child; also the id of its process group and session."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number where a signal ended it."""
        return peek_exit_code(self._child)

    async def send(self, data: bytes) -> None:
        """Write to its standard input. Raises `InputClosedError` where that is closed."""
        if self._input is None:
            raise InputClosedError("the child was started without a standard input")
        await self._input.send(data)

    def close_stdin(self) -> None:
        """Let the child see the end of its input. Idempotent."""
        if self._input is not None:
            self._input.close()

    async def receive_stdout(self, max_bytes: int) -> bytes:
        """The next output; empty at the end or after `stop`."""
        return await self._stdout.receive(max_bytes)

    async def receive_stderr(self, max_bytes: int) -> bytes:
        """The next of its standard error; empty at the end or after `stop`."""
        return await self._stderr.receive(max_bytes)

    async def wait(self) -> int:
        """Wait until the child itself has ended; what it started may still run."""
        return await wait_for_exit(self._child)

    async def stop(self, *, grace_ms: int) -> StopReport:
        """End the child and everything it started; returns when that is done.

        Closes its input and gives it `grace_ms` to leave, then SIGTERM and again `grace_ms`, then
        SIGKILL until nothing is left. Output is drained meanwhile. Idempotent.
        """
        with anyio.CancelScope(shield=True):
            async with self._stopping:
                if not self._stopped:
                    self._report = await self._end_or_kill(grace_ms / 1000)
                    self._stopped = True
        return self._report

    def kill_now(self) -> None:
        """SIGKILL what can be found in one look, without waiting. `stop` is still due."""
        if not self._stopped:
            with contextlib.suppress(OSError):
                self._tree.look()
            self._tree.signal(SIGKILL)

    async def _end_or_kill(self, grace_s: float) -> StopReport:
        try:
            return await self._end(grace_s)
        except BaseException:
            # A shield does not hold against everything (a loop that is torn down).
            self.kill_now()
            raise

    async def _end(self, grace_s: float) -> StopReport:
        survivors = self._report.survivors
        async with anyio.create_task_group() as drains:
            drains.start_soon(self._stdout.drain)
            drains.start_soon(self._stderr.drain)
            survivors = await self._end_tree(grace_s)
            drains.cancel_scope.cancel()
        self._stdout.close()
        self._stderr.close()
        exit_code = self.exit_code
        if exit_code is not None:
            self._child.wait()
        return StopReport(exit_code=exit_code, survivors=survivors)

    async def _end_tree(self, grace_s: float) -> tuple[int, ...]:
        # Looked at before the child leaves: afterwards its children are nobody's descendants.
        await self._look()
        if self._input is not None:
            self._input.close()
            with anyio.move_on_after(grace_s):
                await self.wait()
            await self._look()
        if self._tree.still_running():
            self._tree.signal(SIGTERM)
            with anyio.move_on_after(grace_s):
                while self._tree.still_running():  # noqa: ASYNC110 - no event for strangers' children
                    await anyio.sleep(_LOOK_AGAIN_S)
        left = await self._kill()
        return tuple(sorted(member.pid for member in left))

    async def _kill(self) -> frozenset[Member]:
        with contextlib.suppress(RuntimeError):
            return await _in_thread(self._tree.kill_until_gone)
        # No thread to be had, which is no reason to let the tree live on.
        passes = self._tree.killing()
        while True:
            try:
                pause = next(passes)
            except StopIteration as end:
                return end.value
            await anyio.sleep(pause)

    async def _look(self) -> None:
        """In a thread, and never behind other threads' work: the table may be long."""
        # Out of descriptors: what was seen so far has to do, and `kill_until_gone` looks again.
        with contextlib.suppress(OSError):
            try:
                await _in_thread(self._tree.look)
            except RuntimeError:
                self._tree.look()


async def _in_thread(work: Callable[[], T]) -> T:
    """Raises RuntimeError where the system gives no thread."""
    return await anyio.to_thread.run_sync(work, limiter=anyio.CapacityLimiter(1))


def _is_mark(mine: OwnerMark | None, mark: OwnerMark) -> bool:
    return mark == mine

"""The implementation under test: started, signalled, watched and cleared away.

Guarantees: every life of it is supervised from its first instant, so that whatever it starts is
found and ended, also when the suite itself dies. What it prints and when it starts and ends is on
the timeline. Must not: know what the implementation is for.

    target = Target(manifest, places, timeline, variables={"LINEAR_API_KEY": secret})
    await target.start()
    ...
    status = await target.stop()
    leftovers = await target.sweep()
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shlex
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from conformance.lab.timeline import Timeline
from conformance.manifest.model import Manifest
from conformance.target.errors import LeftoversError, TargetError
from conformance.target.launching import Places, free_port, launch_order, needs_port
from conformance.target.life import Life, signal_number
from conformance.target.output import Output
from conformance.target.repository import make_repository
from conformance.target.supervisor import END_LIMIT_S
from conformance.target.table import ProcessRecord, carriers, record

START_LIMIT_S: Final = 60.0
"""How long the machine may take to start a program at all."""
KILL_LIMIT_S: Final = 30.0
"""How long the machine may take to end one by SIGKILL."""
LAST_WORDS_S: Final = 1.0
"""How long the last output may take once the target has ended; what it started may hold the pipe
open for ever."""
COMMAND_SHOWN: Final = 500
"""Characters of a command line that the timeline shows."""
_LOOK_AGAIN_S: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitStatus:
    """How a life ended. `code` is minus the number of the signal that ended it. `forced`: it did
    not heed its stop signal and was killed. `seconds` is how long stopping took."""

    code: int
    forced: bool
    seconds: float


class Target:
    """One implementation in one scenario; it may live several times, one life after the other.

    `variables` come on top of its environment and may hold the secrets of the scenario.
    """

    def __init__(
        self,
        manifest: Manifest,
        places: Places,
        timeline: Timeline,
        *,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.manifest = manifest
        self.places = places
        self.token = f"target-{secrets.token_hex(8)}"
        self._variables = dict(variables or {})
        self._timeline = timeline
        self._output = Output(timeline, places.logs / "output.log")
        self._port: int | None = None
        self._lives: list[Life] = []

    # Its life.

    async def start(
        self,
        *,
        port: int | None = None,
        workflow: Path | None = None,
        without_workflow: bool = False,
        directory: Path | None = None,
        arguments: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start a life. Returns as soon as the program runs, before it is ready for anything.

        With a `port` its HTTP interface is asked for on the command line; 0 means any. `workflow`
        is the scenario's own unless another path is given; `without_workflow` leaves it out.
        `variables` are added for this life. Raises `TargetError`.
        """
        if self.alive:
            raise TargetError("the last life of the target still runs; stop it first")
        self.places.make()
        if self.manifest.launch.git_repository:
            await anyio.to_thread.run_sync(make_repository, self.places.workflow.parent)
        chosen = free_port() if port is None and needs_port(self.manifest) else port
        order = launch_order(
            self.manifest,
            self.places,
            token=self.token,
            variables={**self._variables, **(variables or {})},
            port=chosen,
            workflow=None if without_workflow else workflow or self.places.workflow,
            directory=directory,
            arguments=arguments,
        )
        self._port = chosen
        self._output.begin_life()
        life = Life(order, output=self._output, on_exit=self._note_exit)
        self._lives.append(life)
        await self._confirm(life, order.arguments)

    async def stop(self) -> ExitStatus:
        """Ask the target to end, as its manifest says, and kill it when its grace is over.

        What it started is left as it is. For a life that has ended already: how it ended. Raises
        `TargetError` where it was never started.
        """
        launch = self.manifest.launch
        return await self.signal_and_wait(
            signal_number(launch.stop_signal), grace_s=launch.stop_grace_ms / 1000
        )

    async def signal_and_wait(self, number: int, *, grace_s: float) -> ExitStatus:
        """Like `stop`, with this signal and grace."""
        life = self._life()
        began = time.monotonic()
        forced = False
        if life.runs:
            self.signal(number)
            if not await _until(life.exited.is_set, grace_s):
                forced = True
                await self.kill()
        seconds = time.monotonic() - began
        await self._hear_last_words()
        return ExitStatus(code=life.exit_code or 0, forced=forced, seconds=seconds)

    async def kill(self) -> None:
        """End the target alone by SIGKILL, as a crash would; what it started is left as it is."""
        life = self._life()
        if life.runs:
            self.signal(signal.SIGKILL)
            if not await _until(life.exited.is_set, KILL_LIMIT_S):
                raise LeftoversError(f"the target {life.pid} is still there after SIGKILL")

    def signal(self, number: int) -> None:
        """Send a signal to the target alone."""
        self._timeline.add("target", "signal", f"gets {signal.Signals(number).name}")
        self._life().signal(number)

    async def wait(self, within_s: float) -> int | None:
        """The exit code, once it ends by itself; None where it still runs after that time.

        Its output is complete then, unless something that it started holds it open.
        """
        if await _until(self._life().exited.is_set, within_s):
            await self._hear_last_words()
        return self.exit_code

    @property
    def alive(self) -> bool:
        """Whether the target itself runs."""
        return bool(self._lives) and self._lives[-1].runs

    @property
    def pid(self) -> int | None:
        """Of the last life."""
        return self._lives[-1].pid if self._lives else None

    @property
    def exit_code(self) -> int | None:
        """Of the last life; None while it runs."""
        return self._lives[-1].exit_code if self._lives else None

    @property
    def port(self) -> int | None:
        """Where its HTTP interface is: the port that was asked for, or, where any was, the one that
        its output names; None where there is none or it is not known yet."""
        pattern = self.manifest.http.port_pattern
        if self._port != 0 or not pattern:
            return self._port or None
        found = re.search(pattern, self.output(life_only=True))
        return int(found[1]) if found else None

    # What it says.

    def output(self, *, life_only: bool = False) -> str:
        """All that it printed, or what the last life did, both streams as they came."""
        return self._output.text(life_only=life_only)

    def logs(self) -> str:
        """What it printed, and what is in the log files that its manifest names."""
        pattern = self.manifest.logs.files
        files = sorted(self.places.logs.glob(pattern)) if pattern else []
        texts = [path.read_text(encoding="utf-8", errors="replace") for path in files]
        return "\n".join([self.output(), *texts])

    # What it started.

    def survivors(self) -> Sequence[ProcessRecord]:
        """What it started, in any of its lives, and lives now; a running target is not among it.

        Reads the process table, which takes milliseconds.
        """
        own = {life.pid for life in self._lives if life.runs}
        return [record(pid) for pid in sorted(self._pids()) if pid not in own]

    async def sweep(self) -> Sequence[ProcessRecord]:
        """End everything: a running target, and all that any life of it left.

        Gives what had been left besides a running target. Shielded from cancellation. Raises
        `LeftoversError` where something cannot be ended.
        """
        found: list[ProcessRecord] = []
        with anyio.CancelScope(shield=True):
            found += await anyio.to_thread.run_sync(self.sweep_now)
        return found

    def sweep_now(self) -> Sequence[ProcessRecord]:
        """`sweep` for where there is no event loop; blocks."""
        found = self.survivors()
        for each in found:
            self._timeline.add("target", "leftover", f"left behind: {each}", pid=each.pid)
        # First those that may have lost their supervisor: they hold pipes that `end` reads.
        left = _kill_carriers(self.token)
        ended = [life.end() for life in self._lives]
        if left or not all(ended):
            raise LeftoversError(
                f"processes of the target cannot be ended: {', '.join(map(str, left)) or 'unknown'}"
            )
        return found

    def _pids(self) -> frozenset[int]:
        return carriers(self.token).union(*(life.processes() for life in self._lives))

    def _life(self) -> Life:
        if not self._lives:
            raise TargetError("the target was not started")
        return self._lives[-1]

    async def _hear_last_words(self) -> None:
        life = self._life()
        await _until(lambda: life.silent, LAST_WORDS_S)

    async def _confirm(self, life: Life, arguments: Sequence[str]) -> None:
        started = await _until(life.started.is_set, START_LIMIT_S)
        if not started or life.failure is not None:
            reason = life.failure or f"nothing happened within {START_LIMIT_S:.0f} s"
            raise TargetError(
                f"the target cannot be started: {reason}; correct launch.command, or the "
                "interpreter that the first line of the program names"
            )
        command = " ".join(shlex.join(arguments).split())[:COMMAND_SHOWN]
        text = f"started as {life.pid}: {command}"
        self._timeline.add("target", "started", text, pid=life.pid, arguments=list(arguments))

    def _note_exit(self, code: int) -> None:
        how = f"signal {-code}" if code < 0 else f"code {code}"
        self._timeline.add("target", "exited", f"exited with {how}", code=code)


async def _until(condition: Callable[[], bool], within_s: float) -> bool:
    """Whether it came true in time. Threads make it true, and they wake no event loop."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return condition()
        await anyio.sleep(_LOOK_AGAIN_S)
    return True


def _kill_carriers(token: str) -> Sequence[ProcessRecord]:
    """The last resort, for what lost its supervisor; gives what is left."""
    deadline = time.monotonic() + END_LIMIT_S
    while (pids := carriers(token)) and time.monotonic() < deadline:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_LOOK_AGAIN_S)
    return [record(pid) for pid in pids]

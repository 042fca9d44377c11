"""Running a small program for a question, owned and bounded like everything that we start."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial

import anyio

from symphony.processes.environment import child_environment, guard_script, login_shell
from symphony.processes.owner import OwnerMark, root_fingerprint
from symphony.processes.process import OwnedProcess, spawn
from symphony.runtime.identity import new_daemon_id

LIMIT_S = 15.0
"""Login profiles can be slow; nothing that is asked here takes longer by itself."""
OUTPUT_BYTES = 4096
_GRACE_MS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How it ended: `exit_code` None where it did not within the limit, or could not be started.
    `output` is the end of both outputs."""

    exit_code: int | None
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """Runs commands as agents are run: by a login shell, without the tracker's secrets."""

    environment: Mapping[str, str]
    secret_names: Collection[str]
    secret_values: Collection[str]

    def run(self, script: str, directory: str) -> Trial:
        """Run it to its end, and end whatever it leaves."""
        return anyio.run(partial(self._run, script, directory))

    async def _run(self, script: str, directory: str) -> Trial:
        mark = OwnerMark(root=root_fingerprint(directory), daemon=new_daemon_id(), run="doctor")
        environment = child_environment(
            self.environment,
            drop_names=self.secret_names,
            drop_values=self.secret_values,
            owner=mark,
        )
        words = login_shell(guard_script(script, self.secret_names), environment)
        try:
            process = spawn(words, cwd=directory, environment=environment, stdin=False)
        except OSError as error:
            return Trial(exit_code=None, output=os.strerror(error.errno or 0))
        return await _to_the_end(process)


async def _to_the_end(process: OwnedProcess) -> Trial:
    kept = bytearray()
    code: int | None = None

    async def keep(receive: Callable[[int], Awaitable[bytes]]) -> None:
        while data := await receive(OUTPUT_BYTES):
            kept.extend(data)
            del kept[:-OUTPUT_BYTES]

    async with anyio.create_task_group() as readers:
        readers.start_soon(keep, process.receive_stdout)
        readers.start_soon(keep, process.receive_stderr)
        with anyio.move_on_after(LIMIT_S):
            code = await process.wait()
        # The end of the tree is the end of the output.
        await process.stop(grace_ms=_GRACE_MS)
    return Trial(exit_code=code, output=kept.decode(errors="replace"))

"""One daemon and one directory for a benchmark, over a board."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from benchmarks.boards import Board

PATIENCE_S = 180.0
_AGENT = Path(__file__).with_name("agent.py")
_TOP = Path(__file__).parents[1]
_LOOK_AGAIN_S = 0.005

_Board = TypeVar("_Board", bound=Board)


class Site(Generic[_Board]):
    """A directory with a WORKFLOW.md that points at the board; the daemon is started by `start` and
    ended with the block. `agent` is what the agents are told; `--done` lets them end their issue.
    """

    def __init__(
        self, board: _Board, *, agent: str = "--silent", poll_ms: int = 30_000, slots: int = 10
    ) -> None:
        self.board = board
        self.root = Path(tempfile.mkdtemp(prefix="symphony-benchmark-"))
        self.workflow = self.root / "WORKFLOW.md"
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self._agent, self._poll_ms, self._slots = agent, poll_ms, slots
        self._agents = self.root / "agents"

    def __enter__(self) -> Self:
        tracker = self.board.open(self.root)
        self._agents.mkdir()
        (self.root / "done.json").write_text(json.dumps(self.board.done()))
        words = self._agent.replace("--done", f"--done {self.root}/done.json")
        self.workflow.write_text(
            f"""---
tracker: {tracker}
polling: {{interval_ms: {self._poll_ms}}}
workspace: {{root: ./workspaces}}
agent: {{max_concurrent_agents: {self._slots}}}
codex: {{command: ": > {self._agents}/$$; exec {sys.executable} -S -E {_AGENT} {words}"}}
---
Work on {{{{ issue.id }}}}
"""
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
        self.board.close()
        shutil.rmtree(self.root, ignore_errors=True)

    def start(self, *options: str) -> None:
        """Start the daemon with these options; `started_at` is the moment before."""
        program = Path(sys.executable).with_name("symphony")
        self.started_at = time.monotonic()
        with (self.root / "log").open("wb") as log:
            self.process = subprocess.Popen(
                (str(program), "WORKFLOW.md", *options),
                cwd=self.root,
                env=self._environment(),
                stderr=log,
            )

    def inside(self, *words: str) -> dict[str, float]:
        """Run `benchmarks.inside` on the workflow; gives its figures."""
        command = (sys.executable, "-m", "benchmarks.inside", str(self.workflow), *words)
        done = subprocess.run(
            command,
            cwd=_TOP,
            env=self._environment(),
            stdout=subprocess.PIPE,
            timeout=PATIENCE_S,
            check=True,
        )
        figures: dict[str, float] = json.loads(done.stdout)
        return figures

    def wait(self, condition: Callable[[], bool], what: str) -> float:
        """Seconds from the start until the condition held."""
        deadline = self.started_at + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(f"not within {PATIENCE_S:.0f} s: {what}\n{self.log()[-2000:]}")
            time.sleep(_LOOK_AGAIN_S)
        return time.monotonic() - self.started_at

    def log(self) -> str:
        return (self.root / "log").read_text(errors="replace")

    def wait_for_sessions(self, count: int) -> None:
        self.wait(lambda: self.log().count("event=session_started") >= count, f"{count} sessions")

    def agents(self) -> int:
        """How many agent processes were started so far."""
        return sum(1 for _ in self._agents.iterdir())

    def reads(self, after: int = 0) -> int:
        """What the daemon asked of its own, beyond the first so many requests."""
        asked = self.board.requests(after)
        return sum(not each.is_mutation and each.method in ("GET", "POST") for each in asked)

    def resident_mb(self) -> float:
        """Resident memory of the daemon alone."""
        text = (Path("/proc") / str(self._pid()) / "status").read_text()
        line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def processor_seconds(self) -> float:
        """Processor time of the daemon alone so far."""
        fields = (Path("/proc") / str(self._pid()) / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            **self.board.environment,
        }

    def _pid(self) -> int:
        if self.process is None:
            raise RuntimeError("the daemon was not started")
        return self.process.pid

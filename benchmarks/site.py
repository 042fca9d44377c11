"""One daemon, one fake Linear, one directory for a benchmark."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from conformance.fakes.linear.executor import Rights
from conformance.fakes.linear.server import LinearFake
from conformance.fakes.world import World

KEY = "lin_api_benchmark_0123456789"
PROJECT = "benchmark0123"
PATIENCE_S = 180.0
_AGENT = Path(__file__).with_name("agent.py")
_LOOK_AGAIN_S = 0.005


class Site:
    """A directory with a WORKFLOW.md that points at a fake Linear; the daemon is started by
    `start` and ended with the block."""

    def __init__(self, *, issues: int, agent: str, poll_ms: int = 30_000, slots: int = 10) -> None:
        self.world = World()
        team = self.world.add_team("ENG")
        self.world.add_project(PROJECT, "Benchmark", team)
        user = self.world.add_user("Ada Example")
        self.fake = LinearFake(self.world, keys={KEY: Rights(user_id=user.id)})
        for number in range(issues):
            self.world.put_issue(team, title=f"Issue {number}", state="Todo", project=PROJECT)
        self.root = Path(tempfile.mkdtemp(prefix="symphony-benchmark-"))
        self._agent, self._poll_ms, self._slots = agent, poll_ms, slots
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0

    def __enter__(self) -> Self:
        self.fake.start()
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
        self.fake.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def state_id(self, name: str) -> str:
        return next(state.id for state in self.world.states.values() if state.name == name)

    def set_agent(self, words: str) -> None:
        """What the agent is told, where that follows from the world."""
        self._agent = words

    def start(self) -> None:
        """Start the daemon; `started_at` is the moment before."""
        command = (
            f"touch {self.root}/first-agent; exec {sys.executable} -S -E {_AGENT} {self._agent}"
        )
        (self.root / "WORKFLOW.md").write_text(
            f"""---
tracker:
  kind: linear
  provider: {{endpoint: "{self.fake.url}", project_slug: {PROJECT}}}
polling: {{interval_ms: {self._poll_ms}}}
workspace: {{root: ./workspaces}}
agent: {{max_concurrent_agents: {self._slots}}}
codex: {{command: "{command}"}}
---
Work on {{{{ issue.id }}}}
"""
        )
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "LINEAR_API_KEY": KEY,
        }
        program = Path(sys.executable).with_name("symphony")
        self.started_at = time.monotonic()
        with (self.root / "log").open("wb") as log:
            self.process = subprocess.Popen(
                (str(program), "WORKFLOW.md"), cwd=self.root, env=environment, stderr=log
            )

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

    def first_agent(self) -> float:
        """Seconds until the first agent process ran."""
        return self.wait((self.root / "first-agent").exists, "an agent process")

    def in_state(self, name: str) -> int:
        with self.world.lock:
            wanted = self.state_id(name)
            return sum(issue.state_id == wanted for issue in self.world.issues.values())

    def resident_mb(self) -> float:
        """Resident memory of the daemon alone."""
        return self._status("VmRSS") / 1024

    def processor_seconds(self) -> float:
        """Processor time of the daemon alone so far."""
        fields = (Path("/proc") / str(self._pid()) / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _status(self, name: str) -> int:
        text = (Path("/proc") / str(self._pid()) / "status").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name))

    def _pid(self) -> int:
        if self.process is None:
            raise RuntimeError("the daemon was not started")
        return self.process.pid

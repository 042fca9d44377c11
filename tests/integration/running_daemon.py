"""The daemon as an operator has it: a program, a workflow file, issues, signals and a log.

Nothing here looks inside. What a test wants to know it reads from files, from the key=value lines
on standard error, from the exit code and from the process table.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml

from symphony.domain.json import JsonValue, as_object
from tests.support.codex import Laboratory

PATIENCE = 60.0
"""Seconds until a condition that does not come true fails the test."""
STOP_PATIENCE = 20.0
"""Seconds that an orderly stop may take."""
_LOOK_AGAIN = 0.05
_PAIR = re.compile(r'([A-Za-z_][\w.]*)=("(?:[^"\\]|\\.)*"|\S*)')

_DEFECT = re.compile(r"Traceback|\btraceback=|_defect\b|\bevent=(agent_processes_survived|log_\w+)")

PROMPT = """\
You work on {{ issue.identifier }}: {{ issue.title }}
{{ issue.description }}
"""

LogRecord = Mapping[str, str]


def wait_until(
    condition: Callable[[], object],
    what: str,
    *,
    seconds: float = PATIENCE,
    give_up: Callable[[], str | None] = lambda: None,
) -> None:
    """Return once the condition holds. Other processes make it true, so it is looked at again and
    again. `give_up` names a reason why it never will."""
    deadline = time.monotonic() + seconds
    while not condition():
        if (reason := give_up()) is not None:
            raise AssertionError(f"waited for: {what}; but {reason}")
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(_LOOK_AGAIN)


class RunningDaemon:
    """One daemon in one laboratory, started at most once at a time."""

    def __init__(self, laboratory: Laboratory) -> None:
        self.laboratory = laboratory
        self.workflow = laboratory.root / "WORKFLOW.md"
        self._log = laboratory.root / "daemon.log"
        self._process: subprocess.Popen[bytes] | None = None

    # Input.

    def write_workflow(
        self, model_url: str, *, options: Sequence[str] = (), **sections: Mapping[str, JsonValue]
    ) -> None:
        """A workflow for quick tests; `sections` add to its settings or replace single keys.

        `options` are further settings for the command line of Codex.
        """
        settings: dict[str, dict[str, JsonValue]] = {
            "tracker": {"kind": "files", "provider": self.provider()},
            "polling": {"interval_ms": 300},
            "workspace": {"root": str(self.laboratory.workspaces)},
            "hooks": {"after_create": f"git clone --quiet '{self.laboratory.repository}' ."},
            "agent": {"max_retry_backoff_ms": 300},
            "codex": {
                "command": self.laboratory.command(model_url, *options),
                # The first start on a busy machine is slow.
                "read_timeout_ms": 30_000,
            },
        }
        for name, section in sections.items():
            settings.setdefault(name, {}).update(section)
        text = f"---\n{yaml.safe_dump(settings, sort_keys=False)}---\n{PROMPT}"
        self.workflow.write_text(text, encoding="utf-8")

    def provider(self) -> dict[str, JsonValue]:
        """The settings of the tracker itself; the states beyond the default ones are those that
        the agent may choose as well."""
        return {"path": str(self.laboratory.issues), "states": ["Human Review", "Backlog"]}

    def write_issue(self, name: str, state: str = "Todo", text: str = "", **more: str) -> None:
        """Create an issue, or replace it as a whole."""
        front = yaml.safe_dump({"title": f"Title of {name}", "state": state, **more})
        waiting = self.laboratory.issues / f".{name}.being-written"
        waiting.write_text(f"---\n{front}---\n{text}\n", encoding="utf-8")
        waiting.replace(self.laboratory.issues / f"{name}.md")

    # What can be seen from outside.

    def issue_text(self, name: str) -> str:
        """The issue's file as it is now."""
        return (self.laboratory.issues / f"{name}.md").read_text(encoding="utf-8")

    def issue_state(self, name: str) -> str:
        """The state in the issue's file."""
        front: object = yaml.safe_load(self.issue_text(name).split("---\n")[1])
        return str((as_object(front) or {}).get("state"))

    def workspace(self, name: str) -> Path:
        """Where the issue's workspace is, if it is."""
        return self.laboratory.workspaces / name

    def log_text(self) -> str:
        """Everything on standard error so far."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def log(self, **wanted: str) -> Sequence[LogRecord]:
        """The log lines, as far as they have all these values."""
        records = [_record(line) for line in self.log_text().splitlines()]
        return [r for r in records if all(r.get(k) == v for k, v in wanted.items())]

    def defects(self) -> Sequence[str]:
        """The log lines that no operator should ever see, whatever an agent or a model does."""
        return [line for line in self.log_text().splitlines() if _DEFECT.search(line)]

    def processes(self) -> Sequence[str]:
        """The command lines of everything that the daemon is or has started."""
        return [process.command for process in self.laboratory.processes()]

    def agents(self) -> Sequence[str]:
        """The command lines of the app-servers among them, their login shells included."""
        return [command for command in self.processes() if "app-server" in command]

    # Life.

    def start(self, *options: str) -> None:
        """Start the program on the workflow file, with further options of its command line."""
        program = Path(sys.executable).with_name("symphony")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                (str(program), str(self.workflow), *options),
                cwd=self.laboratory.root,
                env=self.laboratory.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # An interrupt of the test run must not look like one of the daemon.
                start_new_session=True,
            )

    def wait_for(
        self, condition: Callable[[], object], what: str, *, seconds: float = PATIENCE
    ) -> None:
        """`wait_until`, as long as the daemon lives."""
        wait_until(condition, what, seconds=seconds, give_up=self._has_ended)

    def wait_for_state(self, name: str, state: str) -> None:
        """Wait until the issue's file says so."""
        self.wait_for(lambda: self.issue_state(name) == state, f"{name} is {state}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the daemon alone."""
        os.kill(self._running().pid, number)

    def wait_for_exit(self, seconds: float = STOP_PATIENCE) -> int:
        """The exit code, once there is one."""
        try:
            code = self._running().wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the daemon still runs after {seconds} s") from None
        self._process = None
        return code

    def end(self) -> None:
        """Stop the daemon by all means. Idempotent."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the daemon was not started"
        return self._process

    def _has_ended(self) -> str | None:
        code = self._running().poll()
        return None if code is None else f"the daemon exited with {code}"


def _record(line: str) -> LogRecord:
    return {name: _plain(value) for name, value in _PAIR.findall(line)}


def _plain(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value[1:-1]

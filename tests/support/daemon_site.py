"""A directory with everything that a daemon needs: home, workflow, issues, workspaces, fake agents.

    site.write_workflow()
    site.write_issue("MT-1")
    site.start()
    site.until(lambda: site.state("MT-1") == "Done", "MT-1 is done")

Everything that is started here has a token in its environment or on its command line, as part of a
path; by it leftovers are found, and a daemon that hides its environment as well.
Each agent session has a script and a journal of its own, by workspace and number.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from conformance.agents import APP_SERVER
from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text
from tests.support.daemon_gates import Gates, StandingAgent
from tests.support.daemon_process import DaemonProcess, wait_until
from tests.support.process_tokens import end_all_with, new_token, pids_with

PROMPT: Final = "Work on {{ issue.identifier }}: {{ issue.title }}"

Script = Mapping[str, JsonValue]
Section = Mapping[str, JsonValue]
Step = dict[str, JsonValue]

HOUR_MS: Final = 3_600_000
"""A poll interval or a wait that no test lives to see the end of."""

SAY: Final[Step] = {"do": "message", "text": "Not there yet."}
FINISH: Final[Step] = {"do": "tool", "tool": "issue_update", "arguments": {"state": "Done"}}
WAIT: Final[Step] = {"do": "gate", "name": "working"}

FINISHES: Final[Script] = {}
"""Sets the issue to Done by the tool."""
WORKS: Final[Script] = {"turns": [[WAIT]]}
"""Stands at the gate `working`, and completes the turn when it is opened."""

# Inherited from the machine: only what programs need to be found and to speak.
_INHERITED: Final = ("PATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")

# Sessions of one issue are numbered from 1, whichever workspace root they have.
_LAUNCHER: Final = """\
#!/bin/bash
name=${PWD##*/}
mkdir -p @AGENTS@/"$name"
sessions=(@AGENTS@/"$name"/*.jsonl)
[ -e "${sessions[0]}" ] && number=$(( ${#sessions[@]} + 1 )) || number=1
for script in @SCRIPTS@/"$name.$number.json" @SCRIPTS@/"$name.json" @SCRIPTS@/default.json; do
  [ -e "$script" ] && break
done
exec @PYTHON@ -S -E @AGENT@ --script="$script" --control=@SOCKET@ \\
  --journal=@AGENTS@/"$name/$number.jsonl" "$@"
"""


@dataclass(frozen=True, slots=True)
class AgentJournal:
    """What one agent session noted."""

    path: Path

    def entries(self, event: str | None = None) -> Sequence[JsonObject]:
        """The complete entries of one kind, or all, in order."""
        text = self.path.read_text(encoding="utf-8").rpartition("\n")[0]
        read = [as_object(json.loads(line)) or {} for line in text.splitlines()]
        return [entry for entry in read if event is None or entry.get("event") == event]

    def received(self, method: str) -> Sequence[JsonObject]:
        """The parameters of the messages of this name that it got."""
        messages = [as_object(entry["message"]) or {} for entry in self.entries("received")]
        return [
            as_object(message.get("params")) or {}
            for message in messages
            if message.get("method") == method
        ]

    def prompts(self) -> Sequence[str]:
        """The text that each turn was started with."""
        return [
            "".join(
                as_text((as_object(part) or {}).get("text")) or ""
                for part in as_array(params.get("input")) or ()
            )
            for params in self.received("turn/start")
        ]

    def answers(self, method: str) -> Sequence[JsonObject]:
        """What its requests of this name were answered: `result` or `error`, and `id`."""
        return [entry for entry in self.entries("answered") if entry["method"] == method]

    @property
    def environment(self) -> JsonObject:
        return as_object(self.entries("start")[0]["environment"]) or {}

    @property
    def directory(self) -> str:
        return as_text(self.entries("start")[0]["cwd"]) or ""


class Site:
    """One tree, below `ground`; at most one daemon of it is current."""

    def __init__(self, ground: Path) -> None:
        self.token = new_token()
        self.top = top = _directory(ground / self.token)
        self.home = _directory(top / "home")
        self.project = _directory(top / "project")
        self.issues = _directory(self.project / "issues")
        self.workspaces = top / "workspaces"
        self.agents = _directory(top / "agents")
        self.scripts = _directory(top / "scripts")
        self.workflow = self.project / "WORKFLOW.md"
        self.log = top / "daemon.log"
        # Not deeper: the path of a socket has to be short.
        self.socket = ground / "gates"
        self.gates = Gates(self.socket)
        self.launcher = self._write_launcher()
        self.daemons: list[DaemonProcess] = []
        self.write_script("default", FINISHES)

    @property
    def daemon(self) -> DaemonProcess:
        """The daemon that was started last."""
        return self.daemons[-1]

    # Input.

    def write_workflow(self, prompt: str = PROMPT, **sections: Section) -> None:
        """Write the workflow file; `sections` add to its settings or replace keys."""
        self.write_workflow_text(self.workflow_text(prompt, **sections))

    def write_workflow_text(self, text: str) -> None:
        """Replace the workflow file as a whole: nobody sees half of it, nor none."""
        new = self.project / ".WORKFLOW.md.new"
        new.write_text(text, encoding="utf-8")
        new.replace(self.workflow)

    def workflow_text(self, prompt: str = PROMPT, **sections: Section) -> str:
        """A workflow for quick tests."""
        settings: dict[str, dict[str, JsonValue]] = {
            "tracker": {"kind": "files", "provider": {"path": str(self.issues)}},
            "polling": {"interval_ms": 100},
            "workspace": {"root": str(self.workspaces)},
            "codex": {"command": str(self.launcher), "read_timeout_ms": 30_000},
        }
        for name, section in sections.items():
            settings.setdefault(name, {}).update(section)
        return f"---\n{yaml.safe_dump(settings, sort_keys=False)}---\n{prompt}\n"

    def write_issue(
        self, name: str, state: str = "Todo", text: str = "", **front: JsonValue
    ) -> None:
        """Create an issue, or replace it as a whole."""
        members = {"title": f"Title of {name}", "state": state, **front}
        waiting = self.issues / f".{name}.being-written"
        waiting.write_text(f"---\n{yaml.safe_dump(members)}---\n{text}\n", encoding="utf-8")
        waiting.replace(self.issues / f"{name}.md")

    def remove_issue(self, name: str) -> None:
        """Delete the file of an issue."""
        (self.issues / f"{name}.md").unlink()

    def write_script(self, name: str, *sessions: Script) -> None:
        """What the agents of an issue do: the first session the first script, the last one for all
        that follow. `name` is the name of the workspace, or `default`."""
        for number, script in enumerate(sessions[:-1], start=1):
            (self.scripts / f"{name}.{number}.json").write_text(json.dumps(script))
        (self.scripts / f"{name}.json").write_text(json.dumps(sessions[-1]))

    # The daemon.

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """What a daemon of this site gets to see."""
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        own = {
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"),
            "SYMPHONY_TEST_TOKEN": self.token,
        }
        return {**inherited, **own, **(more or {})}

    def start(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        shell: str | None = None,
    ) -> DaemonProcess:
        """Start a daemon, on this site's workflow file where no arguments are given."""
        started = DaemonProcess(
            arguments or (str(self.workflow),),
            directory=directory or self.top,
            environment=self.environment(environment),
            log=self.log,
            shell=shell,
        )
        self.daemons.append(started)
        return started

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait, as long as the current daemon lives."""
        self.daemon.wait_for(condition, what)

    # What can be seen from outside.

    def issue_text(self, name: str) -> str:
        """The file of an issue as it is now."""
        return (self.issues / f"{name}.md").read_text(encoding="utf-8")

    def state(self, name: str) -> str | None:
        """The state in it."""
        front: object = yaml.safe_load(self.issue_text(name).split("---\n")[1])
        return as_text((as_object(front) or {}).get("state"))

    def workspace(self, name: str) -> Path:
        """Where the workspace of this name is, if it is."""
        return self.workspaces / name

    def sessions(self, name: str) -> Sequence[AgentJournal]:
        """The agent sessions that there were in workspaces of this name, in order."""
        files = (self.agents / name).glob("*.jsonl")
        return [AgentJournal(path) for path in sorted(files, key=lambda path: int(path.stem))]

    def all_sessions(self) -> Sequence[AgentJournal]:
        """Those of all workspaces."""
        return [each for folder in self.agents.iterdir() for each in self.sessions(folder.name)]

    def at_gate(self, workspace: str, gate: str = "working") -> StandingAgent:
        """Wait for an agent at a gate."""
        found: list[StandingAgent] = []

        def look() -> bool:
            agent = self.gates.take(workspace, gate)
            if agent is not None:
                found.append(agent)
            return bool(found)

        self.until(look, f"an agent in {workspace} at the gate {gate}")
        return found[0]

    def processes(self) -> Sequence[int]:
        """The pids of everything that was started here and still is, the daemon included."""
        return pids_with(self.token)

    def wait_until_gone(self) -> None:
        """Wait until nothing is left; for after the end of a daemon."""
        wait_until(lambda: not self.processes(), "every process is gone")

    # The end.

    def close(self) -> None:
        """End everything, whatever happened before."""
        for daemon in self.daemons:
            daemon.kill()
        end_all_with(self.token)
        self.gates.close()

    def check(self) -> None:
        """What holds after every test: the daemon stops in order and leaves nothing behind, no
        agent found fault with a message, and no defect was logged."""
        for daemon in self.daemons:
            if daemon.runs:
                assert daemon.stop() == 0
        self.wait_until_gone()
        faults = [entry for each in self.all_sessions() for entry in each.entries("violation")]
        assert not faults
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        assert "Traceback" not in text
        assert "_defect" not in text

    def _write_launcher(self) -> Path:
        words = {
            "AGENTS": self.agents,
            "SCRIPTS": self.scripts,
            "SOCKET": self.socket,
            "PYTHON": sys.executable,
            "AGENT": APP_SERVER,
        }
        text = _LAUNCHER
        for word, path in words.items():
            text = text.replace(f"@{word}@", shlex.quote(str(path)))
        launcher = self.top / "codex"
        launcher.write_text(text, encoding="utf-8")
        launcher.chmod(0o755)
        return launcher


def _directory(path: Path) -> Path:
    path.mkdir()
    return path

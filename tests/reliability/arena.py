"""A site whose hooks and agents run under witnesses, and whose daemons have numbered generations.

The word of a generation stands on the command line of its daemon and warden and in the environment
or on the command line of all that they start.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from symphony.domain.json import JsonValue
from symphony.processes.owner import DaemonInstance, OwnerMark, root_fingerprint
from symphony.processes.table import start_ticks
from tests.reliability import witness
from tests.reliability.witness import COMPLAINTS, HAPPENINGS
from tests.support.daemon_process import DaemonProcess
from tests.support.daemon_site import FINISH, Script, Site, Step
from tests.support.process_children import LEAVES_AN_ORPHAN, python
from tests.support.process_tokens import runs

HOOKS: Final = ("after_create", "before_run", "after_run", "before_remove")
POLL_MS: Final = 100
LONGEST_BACKOFF_MS: Final = 200
HOOK_TIMEOUT_MS: Final = 120_000
RECYCLED_NONCE: Final = "recycled"
STRANGER: Final = "import time\nwhile True: time.sleep(600)"

Manners = Mapping[str, Mapping[str, JsonValue]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of the witnesses."""

    kind: str
    issue: str
    generation: str
    text: str


@dataclass(slots=True, kw_only=True)
class Generation:
    """One life of the daemon."""

    word: str
    daemon: DaemonProcess
    gone_after_s: float | None = None
    survivors: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Arena:
    """`site` with witnesses; not more than one generation is alive."""

    site: Site
    generations: list[Generation] = field(default_factory=list[Generation])

    @property
    def place(self) -> Path:
        return self.site.top / "witness"

    @property
    def current(self) -> Generation:
        return self.generations[-1]

    def prepare(self) -> None:
        """Make the place of the witnesses and the workflow."""
        for name in ("locks", "manners"):
            (self.place / name).mkdir(parents=True)
        self.write_workflow()

    def write_workflow(self, **polling: int) -> None:
        """A whole, valid workflow."""
        self.site.write_workflow(
            polling={"interval_ms": POLL_MS, **polling},
            agent={"max_retry_backoff_ms": LONGEST_BACKOFF_MS},
            hooks={
                **{name: f"exec {self.under_witness(name)}" for name in HOOKS},
                "timeout_ms": HOOK_TIMEOUT_MS,
            },
            codex={"command": self.under_witness("agent", str(self.site.launcher))},
        )

    def under_witness(self, kind: str, *command: str) -> str:
        """Shell text."""
        program = (sys.executable, "-S", "-E", witness.__file__, str(self.place))
        return shlex.join((*program, kind, *command))

    def behave(self, issue: str, manners: Manners, script: Script) -> None:
        """How the trees of an issue behave that start from now on; earlier ones go on as before."""
        number = len(list(self.site.scripts.glob(f"{issue}~*.json")))
        path = self.site.scripts / f"{issue}~{number}.json"
        path.write_text(json.dumps(script))
        agent = {**manners.get("agent", {}), "script": str(path)}
        waiting = self.place / f"{issue}.being-written"
        waiting.write_text(json.dumps({**manners, "agent": agent}))
        waiting.replace(self.place / "manners" / issue)

    def start(self) -> Generation:
        """The next generation of the daemon."""
        word = f"{self.site.token}-{len(self.generations):05}-"
        daemon = self.site.start(
            str(self.site.workflow),
            "--logs-root",
            str(self.site.top / "logs" / word),
            environment={witness.GENERATION_VARIABLE: word},
        )
        self.generations.append(Generation(word=word, daemon=daemon))
        return self.current

    def mark(self) -> int:
        """A point in what the witnesses see, to look from."""
        path = self.place / HAPPENINGS
        return path.stat().st_size if path.exists() else 0

    def happenings(self, mark: int = 0) -> Sequence[Happening]:
        """Everything that the witnesses have seen since then."""
        return self._lines(HAPPENINGS, mark)

    def complaints(self) -> Sequence[str]:
        """Everything that they found fault with."""
        return [line.text for line in self._lines(COMPLAINTS)]

    def seen(self, kind: str, issues: Sequence[str], mark: int) -> bool:
        """Whether a tree of this kind has begun for one of the issues since then."""
        return any(each.kind == kind and each.issue in issues for each in self.happenings(mark))

    def leave_stray(self, bystander: int) -> None:
        """A process that says that it belongs to a daemon which had the pid of a bystander."""
        daemon = DaemonInstance(
            pid=bystander, started_at_ticks=start_ticks(bystander) - 1, nonce=RECYCLED_NONCE
        )
        root = root_fingerprint(str(self.site.workspaces))
        mark = OwnerMark(root=root, daemon=daemon.render(), run="agent-stray")
        arguments = python(LEAVES_AN_ORPHAN, mark.render(), self.current.word)
        subprocess.run(arguments, check=True, capture_output=True)

    def _lines(self, name: str, mark: int = 0) -> Sequence[Happening]:
        path = self.place / name
        if not path.exists():
            return []
        with path.open("rb") as file:
            file.seek(mark)
            text = file.read().decode(errors="replace").rpartition("\n")[0]
        return [_happening(line) for line in text.splitlines()]


def _happening(line: str) -> Happening:
    kind, issue, *rest = line.split(" ", 2)
    return Happening(
        kind=kind, issue=issue, generation=rest[0].partition(" ")[0] if rest else "", text=line
    )


def steps(arena: Arena, *, handshake_s: float, turn_s: float) -> Script:
    """An agent that takes its time at each stage, tells of the turn, and sets its issue to Done."""
    tell = f'echo "turn ${{PWD##*/}} $SYMPHONY_TEST_GENERATION" >> {arena.place}/{HAPPENINGS}'
    before: list[JsonValue] = [_shell(f"sleep {handshake_s}")]
    turn: list[JsonValue] = [_shell(f"{tell}; sleep {turn_s}"), FINISH]
    return {"before_thread": before, "turns": [turn]}


def _shell(command: str) -> Step:
    return {"do": "run", "command": command}


@contextmanager
def bystander() -> Generator[int]:
    """The pid of a process that has nothing to do with any daemon; it has to live to the end."""
    clean = {name: value for name, value in os.environ.items() if name != "SYMPHONY_OWNER"}
    with subprocess.Popen(python(STRANGER), env=clean, start_new_session=True) as process:
        try:
            yield process.pid
            assert runs(process.pid), "the bystander was ended"
        finally:
            process.kill()

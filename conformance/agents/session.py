"""One agent process, as the desk saw it.

Guarantees: what is read here never changes afterwards, it only grows; reading is safe from any
thread. Must not: judge; a violation is a fact like any other.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from conformance.agents.steps import Step
from conformance.fakes.json_values import JsonObject, as_array, as_object, as_text, texts

MALFORMED: Final = "malformed"
"""What was sent is no message of the protocol; Codex is silent, or refuses it."""
OUT_OF_ORDER: Final = "order"
"""A message that does not belong there yet, or not any more."""
WRONG_ANSWER: Final = "answer"
"""An answer that the request cannot have."""
SECOND_ANSWER: Final = "answered_twice"
"""An answer to a request that had one."""
ELSEWHERE: Final = "directory"
"""Another working directory than that of the process."""
REUSED_ID: Final = "reused_id"
"""The id of an earlier request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """What the agent found wrong with what it received; `kind` is one of the constants above."""

    kind: str
    text: str


@dataclass(slots=True, kw_only=True, eq=False)
class AgentSession:
    """`name` is the last part of `cwd`. `number` counts the sessions of that name, from 1.
    Times are seconds of the monotonic clock; `ended_at` is None as long as the process lives.
    `argv` is what follows the name of the program. `end_reason` is what the agent said last, empty
    where it was killed.
    """

    name: str
    number: int
    pid: int
    parent_pid: int
    cwd: str
    argv: Sequence[str]
    environment: JsonObject
    started_at: float
    connection: socket.socket
    ended_at: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _events: list[JsonObject] = field(default_factory=list[JsonObject])
    _standing: set[str] = field(default_factory=set[str])

    # Messages.

    def events(self, kind: str | None = None) -> Sequence[JsonObject]:
        """What it told the desk, in order; the kinds are described in `app_server.py`."""
        with self._lock:
            found = list(self._events)
        return [each for each in found if kind in (None, each.get("event"))]

    def messages(self) -> Sequence[JsonObject]:
        """Every message that it received, whole."""
        return [as_object(each.get("message")) for each in self.events("received")]

    def received(self, method: str) -> Sequence[JsonObject]:
        """The parameters of the messages of this name that it received."""
        return [
            as_object(message.get("params"))
            for message in self.messages()
            if message.get("method") == method
        ]

    def sent(self, method: str) -> Sequence[JsonObject]:
        """The parameters of the requests and notifications of this name that it sent."""
        messages = [as_object(each.get("message")) for each in self.events("sent")]
        return [as_object(each.get("params")) for each in messages if each.get("method") == method]

    def answers(self, method: str) -> Sequence[JsonObject]:
        """What its requests of this name were answered: `id`, and `result` or `error`."""
        return [each for each in self.events("answered") if each.get("method") == method]

    @property
    def turns(self) -> Sequence[JsonObject]:
        """The parameters of each `turn/start`."""
        return self.received("turn/start")

    @property
    def thread_starts(self) -> Sequence[JsonObject]:
        """The parameters of each `thread/start`."""
        return self.received("thread/start")

    @property
    def thread_resumes(self) -> Sequence[JsonObject]:
        """The parameters of each `thread/resume`."""
        return self.received("thread/resume")

    def prompts(self) -> Sequence[str]:
        """The text that each turn was started with."""
        inputs = [as_array(parameters.get("input")) for parameters in self.turns]
        return [
            "".join(as_text(as_object(part).get("text")) or "" for part in each) for each in inputs
        ]

    @property
    def tools(self) -> Sequence[str]:
        """The names of the tools that it was offered."""
        starts = self.thread_starts
        offered = as_array(starts[0].get("dynamicTools")) if starts else ()
        return texts([as_object(tool).get("name") for tool in offered])

    @property
    def violations(self) -> Sequence[Violation]:
        """What was wrong with what it received."""
        return [
            Violation(kind=as_text(each.get("kind")) or "", text=as_text(each.get("text")) or "")
            for each in self.events("violation")
        ]

    @property
    def refusals(self) -> Sequence[JsonObject]:
        """The requests that it refused as Codex would: `method`, `id`, `text`. What the script told
        it to refuse is not among them."""
        return [each for each in self.events("refused") if each.get("scripted") is not True]

    @property
    def children(self) -> Sequence[int]:
        """The pids of the children that its script had it leave."""
        pids = [each.get("pid") for each in self.events("child")]
        return [pid for pid in pids if isinstance(pid, int)]

    # Life.

    @property
    def alive(self) -> bool:
        """Whether the process is there: its connection ends with it."""
        return self.ended_at is None

    @property
    def end_reason(self) -> str:
        """Why it ended by itself, such as `SIGTERM` or `end of input`."""
        ends = self.events("end")
        return as_text(ends[-1].get("reason")) or "" if ends else ""

    def at_gate(self, name: str = "working") -> bool:
        """Whether it stands at this gate now."""
        with self._lock:
            return self.alive and name in self._standing

    def open_gate(self, name: str = "working") -> None:
        """Let it pass, once; where it has not come to the gate yet, when it does. Nothing happens
        where it has ended."""
        self.tell({"go": name})

    def push(self, *steps: Step) -> None:
        """Have it do these steps at once, wherever it stands: at a gate, in want of an answer, or
        between two turns. They are done in order, also if the turn ends meanwhile."""
        for step in steps:
            self.tell(step)

    # For the desk.

    def note(self, event: JsonObject) -> None:
        """It told something."""
        name = as_text(event.get("name")) or ""
        with self._lock:
            self._events.append(event)
            if event.get("event") == "gate":
                self._standing.add(name)
            elif event.get("event") == "gate_left":
                self._standing.discard(name)

    def tell(self, message: JsonObject) -> None:
        """One message, whole, to the process; nothing where it has ended."""
        line = json.dumps(message).encode() + b"\n"
        try:
            with self._lock:
                self.connection.sendall(line)
        except OSError:
            # Whoever steers an agent cannot know beforehand that it has ended.
            return


def workspace_name(cwd: str) -> str:
    """The last part of a working directory."""
    return os.path.basename(os.path.normpath(cwd))

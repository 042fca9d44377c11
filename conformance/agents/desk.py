"""The desk: where agents of a scenario report, and from where they are steered.

Guarantees: whatever an agent tells is on the timeline, tap `agent`, before the desk answers it;
what an agent sends is on the timeline before it goes out. When the desk closes, every agent that
was connected ends. Must not: start agents, which only the implementation does.

    async with AgentDesk(timeline) as desk:
        desk.script("MT-1", agent_script(turn(gate())))
        ...  # the implementation runs `desk.command()`
        desk.sessions("MT-1")[0].open_gate()
"""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import socket
import socketserver
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import BinaryIO, Final, Self, TypeAlias

import anyio.to_thread

from conformance.agents import APP_SERVER
from conformance.agents.narration import told
from conformance.agents.session import AgentSession, workspace_name
from conformance.agents.steps import TALKS, Script
from conformance.fakes.json_values import JsonObject, as_object, as_text, texts
from conformance.lab.timeline import Timeline

Selector: TypeAlias = str | Callable[[str], bool] | None
"""An identifier or the name of a workspace; a predicate of the working directory; None: any."""

LARGEST_LINE: Final = 64 * 1024 * 1024
"""Bytes of one event; a prompt and the results of tools are in it whole."""
_HANG_UP_S: Final = 10.0
"""For connections that end; threads on a loaded machine may need a while to see it."""
_POLL_S: Final = 0.02
"""How soon the listener notices that it shall end."""


@dataclass(slots=True, kw_only=True)
class _Entry:
    """Scripts of the workspaces that match, and how many sessions each of them had since."""

    selector: Selector
    scripts: Sequence[Script]
    begun: Counter[str] = field(default_factory=Counter[str])

    def take(self, name: str) -> Script:
        self.begun[name] += 1
        return self.scripts[min(self.begun[name], len(self.scripts)) - 1]


class AgentDesk:
    """Agents of one scenario. An async context manager; steering is safe from any thread."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._lock = threading.Lock()
        self._entries = [_Entry(selector=None, scripts=(TALKS,))]
        self._sessions: list[AgentSession] = []
        self._numbers: Counter[str] = Counter()
        self._server = _Server(self)
        serve = partial(self._server.serve_forever, poll_interval=_POLL_S)
        self._thread = threading.Thread(target=serve, name="agent desk", daemon=True)

    @property
    def address(self) -> str:
        """Host and port, as in `127.0.0.1:4711`."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def command(self) -> str:
        """The text for `codex.command`."""
        # Without site packages and PYTHON* variables: whatever the implementation hands down.
        python = [sys.executable, "-S", "-E", str(APP_SERVER)]
        return shlex.join([*python, "--desk", self.address, "app-server"])

    def script(self, selector: Selector, *sessions: Script) -> None:
        """Say what agents do: the first session of a workspace from now on the first script, the
        last script for all that follow. A name goes before a predicate, and both before None;
        of several that match, the last said."""
        if not sessions:
            raise ValueError("say at least one script; agent_script() does what is usual")
        with self._lock:
            self._entries.append(_Entry(selector=selector, scripts=sessions))

    def sessions(self, selector: Selector = None) -> Sequence[AgentSession]:
        """The sessions so far of the workspaces that match, in the order of their start."""
        with self._lock:
            return [each for each in self._sessions if _matches(selector, each.cwd)]

    def alive(self, selector: Selector = None) -> Sequence[AgentSession]:
        """Those of them whose process is there."""
        return [each for each in self.sessions(selector) if each.alive]

    def defects(self) -> Sequence[str]:
        """What went wrong in the agents themselves, or in their scripts. Such a scenario proves
        nothing of the implementation."""
        found = [each for session in self.sessions() for each in session.events("defect")]
        return [as_text(each.get("text")) or "" for each in found]

    # Life of the desk.

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up; agents that are connected end. Blocks for some milliseconds."""
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # However it ends, also when cancelled: the thread must not outlive the scenario.
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self.stop)

    # Called from the connections' threads.

    def welcome(self, event: JsonObject, connection: socket.socket) -> tuple[AgentSession, Script]:
        """An agent has started."""
        cwd = as_text(event.get("cwd")) or ""
        name = workspace_name(cwd)
        with self._lock:
            self._numbers[name] += 1
            session = AgentSession(
                name=name,
                number=self._numbers[name],
                pid=_number(event.get("pid")),
                parent_pid=_number(event.get("ppid")),
                cwd=cwd,
                argv=texts(event.get("argv")),
                environment=as_object(event.get("environment")),
                started_at=time.monotonic(),
                connection=connection,
            )
            self._sessions.append(session)
            script = self._entry_for(cwd).take(name)
        self.told(session, event)
        return session, script

    def told(self, session: AgentSession, event: JsonObject) -> None:
        """An agent has told something."""
        session.note(event)
        kind = as_text(event.get("event")) or "unknown"
        self._timeline.add(
            "agent",
            kind,
            told(session.number, event),
            subject=session.name,
            number=session.number,
            pid=session.pid,
            event=event,
        )

    def gone(self, session: AgentSession) -> None:
        """The connection of an agent has ended, and its process with it."""
        session.ended_at = time.monotonic()
        self._timeline.add(
            "agent",
            "gone",
            f"session {session.number}: the process is gone",
            subject=session.name,
            number=session.number,
            pid=session.pid,
        )

    def _entry_for(self, cwd: str) -> _Entry:
        found = [entry for entry in self._entries if _matches(entry.selector, cwd)]
        return max(enumerate(found), key=lambda each: (_weight(each[1].selector), each[0]))[1]


def _weight(selector: Selector) -> int:
    """How exact a selector is: the longest name first."""
    if selector is None:
        return 0
    return 1 + len(selector) if isinstance(selector, str) else 1


def _matches(selector: Selector, cwd: str) -> bool:
    """Keys of unusual identifiers get a suffix, behind anything that is no letter or digit."""
    if selector is None:
        return True
    if not isinstance(selector, str):
        return selector(cwd)
    name = workspace_name(cwd)
    for wanted in {selector, re.sub(r"[^A-Za-z0-9._-]", "_", selector)}:
        if name == wanted or (name.startswith(wanted) and not name[len(wanted)].isalnum()):
            return True
    return False


def _plain(script: Script) -> JsonObject:
    return as_object({**script})


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, desk: AgentDesk) -> None:
        self.desk = desk
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._closed = False
        super().__init__(("127.0.0.1", 0), _Handler)

    def note(self, connection: socket.socket) -> bool:
        """Whether the connection is welcome."""
        with self._changed:
            if not self._closed:
                self._connections.add(connection)
            return not self._closed

    def forget(self, connection: socket.socket) -> None:
        with self._changed:
            self._connections.discard(connection)
            self._changed.notify_all()

    def hang_up(self) -> None:
        """Returns when the end of every connection is on the timeline."""
        with self._changed:
            self._closed = True
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._connections, _HANG_UP_S)


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]
    rfile: BinaryIO  # pyright: ignore[reportIncompatibleVariableOverride]

    def handle(self) -> None:
        connection: socket.socket = self.request
        if not self.server.note(connection):
            return
        try:
            with contextlib.suppress(ConnectionError, ValueError):
                self._serve(connection)
        finally:
            self.server.forget(connection)

    def _serve(self, connection: socket.socket) -> None:
        desk = self.server.desk
        first = self._event()
        if first is None or first.get("event") != "start":
            return
        session, script = desk.welcome(first, connection)
        try:
            session.tell({"script": _plain(script)})
            while (event := self._event()) is not None:
                desk.told(session, event)
                if "tell_when_noted" in event:
                    session.tell({"noted": event["tell_when_noted"]})
        finally:
            desk.gone(session)

    def _event(self) -> JsonObject | None:
        """The next thing it tells; None at the end, also in the middle of a line."""
        line = self.rfile.readline(LARGEST_LINE)
        return as_object(json.loads(line)) if line.endswith(b"\n") else None

"""The test's end of the fake agents' control socket, without an event loop.

An agent that reaches a gate stands there until the test lets it go. That is how a test knows that
a point is reached, and how an agent is silent for as long as the test wants.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from dataclasses import dataclass
from pathlib import Path

from symphony.domain.json import as_object, as_text, as_whole_number


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingAgent:
    """An agent at a gate. `workspace` is the name of its directory."""

    gate: str
    workspace: str
    pid: int
    connection: socket.socket

    def go(self) -> None:
        """Open the gate; no harm where the agent has gone meanwhile."""
        with contextlib.suppress(OSError):
            self.connection.sendall(json.dumps({"go": self.gate}).encode() + b"\n")


class Gates:
    """Listens on a Unix socket from the beginning to `close`."""

    def __init__(self, path: Path) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._lock = threading.Lock()
        self._standing: list[StandingAgent] = []
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def take(self, workspace: str, gate: str) -> StandingAgent | None:
        """The agent of this workspace that came to this gate first, once; None if there is none."""
        with self._lock:
            for agent in self._standing:
                if (agent.workspace, agent.gate) == (workspace, gate):
                    self._standing.remove(agent)
                    return agent
        return None

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            for connection in (self._listener, *self._connections):
                # Closing alone does not wake a thread that waits for the other end.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with self._lock:
                    self._connections.append(connection)
                threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection.makefile("rb") as lines:
            for line in lines:
                said = as_object(json.loads(line)) or {}
                agent = StandingAgent(
                    gate=as_text(said.get("gate")) or "",
                    workspace=os.path.basename(as_text(said.get("cwd")) or ""),
                    pid=as_whole_number(said.get("pid")) or 0,
                    connection=connection,
                )
                with self._lock:
                    self._standing.append(agent)

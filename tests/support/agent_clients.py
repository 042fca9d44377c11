"""A client of the suite's fake agent, as an implementation is one: over the agent's pipes.

with AgentClient(desk.command(), workspace) as client:
    client.begin()
    client.turn("Go.")
    client.until("turn/completed")
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from conformance.fakes.json_values import JsonObject, JsonValue, as_object, as_text

DEADLINE_S: Final = 60.0
"""Until an agent that does not say what it should is killed, which ends its output."""
CLIENT: Final[JsonObject] = {"name": "test", "title": "Test", "version": "0"}
INITIALIZE: Final[JsonObject] = {
    "clientInfo": CLIENT,
    "capabilities": {"experimentalApi": True},
}


class AgentClient:
    """One agent process and every line that it said."""

    def __init__(
        self, command: str, workspace: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        workspace.mkdir(parents=True, exist_ok=True)
        self.workspace = workspace
        self.lines: list[bytes] = []
        self.thread = self.current_turn = ""
        self._last_id = 0
        self.process = subprocess.Popen(
            shlex.split(command),
            cwd=workspace,
            env={**os.environ, "HOME": str(workspace), **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._timer = threading.Timer(DEADLINE_S, self.process.kill)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        self.process.kill()
        # Not `communicate`: a test may have closed the input, and read part of the rest.
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()
        self.process.wait(DEADLINE_S)

    @property
    def messages(self) -> Sequence[JsonObject]:
        """Everything that it said so far and was read."""
        return [as_object(json.loads(line)) for line in self.lines]

    def write(self, line: bytes) -> None:
        """A line as it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def send(self, message: JsonObject) -> None:
        self.write(json.dumps(message).encode())

    def request(self, method: str, parameters: JsonObject) -> int:
        """Send a request; gives its id."""
        self._last_id += 1
        self.send({"id": self._last_id, "method": method, "params": parameters})
        return self._last_id

    def read(self) -> JsonObject:
        """The next message; fails at the end of the output."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.endswith(b"\n"), f"the agent ended; it had said {self.lines[-3:]!r}"
        self.lines.append(line)
        return as_object(json.loads(line))

    def until(self, method: str) -> JsonObject:
        """Read to the next notification or request of this name."""
        while True:
            message = self.read()
            if message.get("method") == method:
                return message

    def response(self, request_id: JsonValue) -> JsonObject:
        """Read to the response to this request."""
        while True:
            message = self.read()
            if "method" not in message and message.get("id") == request_id:
                return message

    def answer(self, request: JsonObject, result: JsonObject) -> None:
        """Answer a request of the agent."""
        self.send({"id": request["id"], "result": result})

    def begin(self, *tools: str) -> None:
        """The handshake and a thread, with these tools."""
        self.response(self.request("initialize", INITIALIZE))
        self.send({"method": "initialized"})
        offered: list[JsonObject] = [
            {"type": "function", "name": name, "description": "A tool.", "inputSchema": {}}
            for name in tools
        ]
        start = self.request(
            "thread/start",
            {"cwd": str(self.workspace), "approvalPolicy": "never", "dynamicTools": offered},
        )
        thread = as_object(as_object(self.response(start)["result"])["thread"])
        self.thread = as_text(thread["id"]) or ""

    def turn(self, prompt: str) -> None:
        """Begin a turn; the response has arrived when this returns."""
        part: JsonObject = {"type": "text", "text": prompt}
        started = self.response(
            self.request("turn/start", {"threadId": self.thread, "input": [part]})
        )
        turn = as_object(as_object(started["result"])["turn"])
        self.current_turn = as_text(turn["id"]) or ""

    def end_input(self) -> int:
        """Close the agent's input; gives its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(DEADLINE_S)

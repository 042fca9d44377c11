"""The shortest client of a Codex app-server: one request at a time, everything else is kept.

It exists so that the facts which the daemon builds on can be shown without the daemon.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from symphony.domain.json import JsonObject, as_object, as_text
from tests.support.codex import Laboratory

PATIENCE = 60.0
"""Seconds until an answer that does not come fails the test."""

ISSUE_UPDATE: JsonObject = {
    "type": "function",
    "name": "issue_update",
    "description": "Change the issue.",
    "inputSchema": {
        "type": "object",
        "properties": {"state": {"type": "string"}},
        "required": ["state"],
        "additionalProperties": False,
    },
}

ToolHandler = Callable[[str, JsonObject], str]


class RawCodex(contextlib.AbstractContextManager["RawCodex"]):
    """A running app-server with one thread in one workspace."""

    def __init__(
        self,
        laboratory: Laboratory,
        model_url: str,
        *,
        options: Sequence[str] = ("features.plugins=false",),
        on_tool: ToolHandler = lambda _name, _arguments: "done",
    ) -> None:
        self.notifications: list[JsonObject] = []
        self._on_tool = on_tool
        self._incoming: queue.Queue[JsonObject | None] = queue.Queue()
        self._last_id = 0
        with (laboratory.root / "codex-stderr.log").open("ab") as errors:
            self.process = subprocess.Popen(
                laboratory.arguments(model_url, *options),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=laboratory.root,
                env=laboratory.environment(),
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> int:
        """End standard input and give the exit code."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._reader.join(PATIENCE)
        self.process.stdout.close()
        return code

    def begin_thread(self, workspace: Path, sandbox: str = "workspace-write") -> str:
        """Handshake and thread; gives the id of the thread."""
        self.request(
            "initialize",
            {
                "clientInfo": {"name": "symphony", "title": "Symphony", "version": "0"},
                "capabilities": {"experimentalApi": True},
            },
        )
        self._send({"method": "initialized"})
        started = self.request(
            "thread/start",
            {
                "cwd": str(workspace),
                "approvalPolicy": "never",
                "sandbox": sandbox,
                "dynamicTools": [ISSUE_UPDATE],
            },
        )
        thread = as_object(started.get("thread"))
        assert thread is not None
        identity = as_text(thread.get("id"))
        assert identity is not None
        return identity

    def run_turn(self, thread: str, text: str, sandbox: JsonObject) -> JsonObject:
        """Run one turn to its end; gives the turn as `turn/completed` tells it."""
        self.start_turn(thread, text, sandbox)
        completed = self._read_until(lambda message: message.get("method") == "turn/completed")
        turn = as_object((as_object(completed.get("params")) or {}).get("turn"))
        assert turn is not None
        return turn

    def start_turn(self, thread: str, text: str, sandbox: JsonObject) -> None:
        """Begin a turn and leave it running."""
        self.request(
            "turn/start",
            {
                "threadId": thread,
                "input": [{"type": "text", "text": text}],
                "sandboxPolicy": sandbox,
            },
        )

    def request(self, method: str, params: JsonObject) -> JsonObject:
        """The result of one request; an error fails the test."""
        self._last_id += 1
        number = self._last_id
        self._send({"id": number, "method": method, "params": params})
        answer = self._read_until(lambda m: m.get("id") == number and "method" not in m)
        result = as_object(answer.get("result"))
        assert result is not None, answer
        return result

    def params_of(self, method: str) -> Sequence[JsonObject]:
        """The parameters of all notifications of this name so far."""
        found = (as_object(m.get("params")) for m in self.notifications if m["method"] == method)
        return [params for params in found if params is not None]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message = as_object(json.loads(line))
            if message is not None:
                self._incoming.put(message)
        self._incoming.put(None)

    def _send(self, message: JsonObject) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def _read_until(self, wanted: Callable[[JsonObject], bool]) -> JsonObject:
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self._incoming.get(timeout=max(0.01, deadline - time.monotonic()))
            assert message is not None, "the app-server ended"
            if wanted(message):
                return message
            if "id" in message:
                self._answer(message)
            elif "method" in message:
                self.notifications.append(message)

    def _answer(self, message: JsonObject) -> None:
        if message.get("method") != "item/tool/call":
            refusal: JsonObject = {"code": -32601, "message": "not in this test"}
            self._send({"id": message["id"], "error": refusal})
            return
        params = as_object(message.get("params")) or {}
        text = self._on_tool(
            as_text(params.get("tool")) or "", as_object(params.get("arguments")) or {}
        )
        content: JsonObject = {"type": "inputText", "text": text}
        self._send({"id": message["id"], "result": {"contentItems": [content], "success": True}})

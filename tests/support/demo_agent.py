"""The demo agent at the other end of two pipes, driven message by message."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import Empty, Queue

from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text

PATIENCE_S = 60.0
"""Bound of every wait; the machine may be busy with other tests."""

TOOL: JsonObject = {
    "type": "function",
    "name": "issue_update",
    "description": "Change the issue.",
    "inputSchema": {"type": "object"},
}
Answer = Callable[[JsonObject], JsonObject]


def tool_answer(text: str = "{}", *, success: bool = True) -> JsonObject:
    content: JsonValue = [{"type": "inputText", "text": text}]
    return {"result": {"contentItems": content, "success": success}}


class DemoAgent:
    """One process of the agent. Everything it sent is in `heard`."""

    def __init__(self, workspace: Path, environment: Mapping[str, str] | None = None) -> None:
        self.workspace = workspace
        self.heard: list[JsonObject] = []
        self.calls: list[JsonObject] = []
        self._numbers = 0
        self._lines: Queue[bytes] = Queue()
        self.process = subprocess.Popen(
            (sys.executable, "-P", "-m", "symphony.demo.agent"),
            cwd=workspace,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def send_line(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def send(self, message: JsonObject) -> None:
        self.send_line(json.dumps(message).encode())

    def receive(self) -> JsonObject:
        """The next message."""
        try:
            line = self._lines.get(timeout=PATIENCE_S)
        except Empty:
            raise AssertionError(f"the agent is silent; it said: {self.heard[-3:]}") from None
        assert line, "the agent is gone"
        message = as_object(json.loads(line))
        assert message is not None
        self.heard.append(message)
        return message

    def call(self, method: str, params: JsonObject) -> JsonObject:
        """The answer to a request of ours; what comes before it is kept in `heard`."""
        self._numbers += 1
        number = self._numbers
        self.send({"id": number, "method": method, "params": params})
        while True:
            message = self.receive()
            if "method" not in message and message.get("id") == number:
                return message

    def open(self, tools: Sequence[JsonObject] = (TOOL,)) -> str:
        """Shake hands and start a thread; its id."""
        client: JsonObject = {"name": "test", "title": "Test", "version": "1"}
        self.call("initialize", {"clientInfo": client, "capabilities": {"experimentalApi": True}})
        self.send({"method": "initialized"})
        params: JsonObject = {
            "cwd": str(self.workspace),
            "approvalPolicy": "never",
            "sandbox": "workspace-write",
            "dynamicTools": list(tools),
        }
        started = as_object(self.call("thread/start", params)["result"]) or {}
        thread = as_text((as_object(started["thread"]) or {}).get("id"))
        assert thread
        self.call("thread/name/set", {"threadId": thread, "name": "DUR-1: a title"})
        return thread

    def turn(
        self, thread: str, prompt: str, answer: Answer = lambda _: tool_answer()
    ) -> JsonObject:
        """Run one turn to its end, answering tool calls; the turn as it was reported at last."""
        self.start_turn(thread, prompt)
        return self.finish_turn(answer)

    def start_turn(self, thread: str, prompt: str) -> str:
        """Start a turn; its id."""
        text: JsonValue = [{"type": "text", "text": prompt}]
        result = self.call("turn/start", {"threadId": thread, "input": text})
        turn = as_object((as_object(result["result"]) or {})["turn"]) or {}
        assert turn["status"] == "inProgress"
        return str(turn["id"])

    def finish_turn(self, answer: Answer = lambda _: tool_answer()) -> JsonObject:
        while True:
            message = self.receive()
            method = message.get("method")
            if method == "item/tool/call":
                self.calls.append(message)
                self.send({"id": message["id"], **answer(message)})
            elif method == "turn/completed":
                return as_object((as_object(message["params"]) or {})["turn"]) or {}

    def arguments(self) -> list[JsonValue]:
        """What the tool was called with, in order."""
        return [(as_object(call["params"]) or {})["arguments"] for call in self.calls]

    def notifications(self, method: str) -> list[JsonObject]:
        """The parameters of all notifications of this name."""
        return [
            as_object(message["params"]) or {}
            for message in self.heard
            if message.get("method") == method and "id" not in message
        ]

    def items(self, kind: str) -> list[JsonObject]:
        """The items of this type that were completed."""
        items = [as_object(params["item"]) or {} for params in self.notifications("item/completed")]
        return [item for item in items if item["type"] == kind]

    def close(self) -> int:
        """End its input; its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(PATIENCE_S)

    def end(self) -> None:
        """Whatever happened before."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


def error_text(answer: JsonObject) -> str:
    return as_text((as_object(answer.get("error")) or {}).get("message")) or ""


def texts(items: Sequence[JsonObject], name: str) -> list[str]:
    return [str(item[name]) for item in items]


def changed_paths(items: Sequence[JsonObject]) -> list[str]:
    changes = [as_object(each) or {} for item in items for each in as_array(item["changes"]) or ()]
    return [str(change["path"]) for change in changes]

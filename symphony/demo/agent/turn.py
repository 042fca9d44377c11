"""One turn: what the agent can do in it.

Acts are thinking, running a program, changing a file, calling a tool of the client, and saying
something. An interrupt takes effect within a moment, also in the middle of an act, and leaves no
program of the turn running. However the turn ends, the client hears `turn/completed` once.
"""

from __future__ import annotations

import difflib
import os
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from symphony.demo.agent.report import TurnReport
from symphony.demo.agent.wire import TurnInterruptedError, Wire, now_ms
from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text

COMMAND_LIMIT_S: Final = 30.0
"""Far more than a program of a demo task takes."""
SHOWN_OUTPUT_CHARACTERS: Final = 300
"""Of a program or tool that failed: enough for its last words."""
_LOOK_AGAIN_S: Final = 0.02


class TurnFailedError(Exception):
    """The turn cannot go on; the text says why, `kind` in the protocol's own terms."""

    def __init__(self, message: str, *, kind: str = "other") -> None:
        super().__init__(message)
        self.kind = kind


class Turn:
    """Runs in a thread of its own (`go`); `interrupt` may be called from another one."""

    def __init__(self, report: TurnReport, wire: Wire, *, cwd: str, tools: Sequence[str]) -> None:
        self.cwd = cwd
        self.report = report
        self._wire = wire
        self._tools = tools
        self._interrupted = threading.Event()

    def interrupt(self) -> None:
        """Let the turn end soon."""
        self._interrupted.set()

    def go(self, prompt: str, work: Callable[[Turn, str], None]) -> None:
        """Do the work and report how it ended."""
        self.report.begin()
        content: JsonValue = [{"type": "text", "text": prompt, "text_elements": []}]
        with self.report.item("userMessage", {"clientId": None, "content": content}):
            self.report.heard(prompt)
        try:
            work(self, prompt)
        except TurnInterruptedError:
            self.report.end("interrupted")
        except TurnFailedError as error:
            self.report.end("failed", str(error), error.kind)
        except Exception as error:
            self.report.end("failed", f"the demo agent broke: {type(error).__name__}: {error}")
        else:
            self.report.end("completed")

    def think(self, text: str, seconds: float) -> None:
        """Say a thought, and take so long over it. Raises `TurnInterruptedError`."""
        with self.report.item("reasoning", {"summary": [text], "content": []}):
            pass
        self.say(text, phase="commentary")
        if self._interrupted.wait(seconds):
            raise TurnInterruptedError

    def say(self, text: str, phase: str = "final_answer") -> None:
        """A message to whoever reads along."""
        facts: dict[str, JsonValue] = {"text": "", "phase": phase, "memoryCitation": None}
        with self.report.item("agentMessage", facts) as item_id:
            self.report.tell("item/agentMessage/delta", {"itemId": item_id, "delta": text})
            facts["text"] = text
        self.report.spoke(text)

    def run(self, *command: str, shown: str | None = None) -> str:
        """Run a program in the workspace and return its output. Raises `TurnFailedError` where it
        ends with another code than 0."""
        text = shown or shlex.join(command)
        facts: dict[str, JsonValue] = {
            "command": text,
            "cwd": self.cwd,
            "processId": None,
            "source": "agent",
            "status": "inProgress",
            "commandActions": [{"type": "unknown", "command": text}],
            "aggregatedOutput": None,
            "exitCode": None,
            "durationMs": None,
        }
        begun = now_ms()
        with self.report.item("commandExecution", facts):
            code, output = self._outcome_of(command)
            facts["status"] = "failed" if code else "completed"
            facts["aggregatedOutput"], facts["exitCode"] = output, code
            facts["durationMs"] = now_ms() - begun
        self.report.heard(output)
        self.report.spoke(text)
        if code:
            last_words = output.strip()[-SHOWN_OUTPUT_CHARACTERS:]
            raise TurnFailedError(f"`{text}` ended with {code}: {last_words}")
        return output

    def read(self, path: str) -> str:
        """The text of a file of the workspace; empty where there is none."""
        try:
            with open(os.path.join(self.cwd, path), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def change(self, path: str, text: str) -> None:
        """Write a file of the workspace."""
        before = self.read(path)
        diff = _diff(path, before, text)
        kind: JsonObject = {"type": "update", "move_path": None} if before else {"type": "add"}
        change: JsonObject = {"path": path, "kind": kind, "diff": diff if before else text}
        facts: dict[str, JsonValue] = {"changes": [change], "status": "inProgress"}
        with self.report.item("fileChange", facts):
            with open(os.path.join(self.cwd, path), "w", encoding="utf-8") as file:
                file.write(text)
            facts["status"] = "completed"
        self.report.tell("turn/diff/updated", {"diff": diff})
        self.report.spoke(diff)

    def call(self, tool: str, arguments: JsonObject) -> str:
        """Call a tool of the client and return its text. Raises `TurnFailedError`."""
        if tool not in self._tools:
            raise TurnFailedError(f"the client offers no tool `{tool}`")
        facts: dict[str, JsonValue] = {
            "namespace": None,
            "tool": tool,
            "arguments": arguments,
            "status": "inProgress",
            "contentItems": None,
            "success": None,
            "durationMs": None,
        }
        begun = now_ms()
        with self.report.item("dynamicToolCall", facts) as call_id:
            content, success = self._ask(call_id, tool, arguments)
            facts["contentItems"], facts["success"] = content, success
            facts["status"] = "completed" if success else "failed"
            facts["durationMs"] = now_ms() - begun
        text = "\n".join(_texts(content))
        self.report.heard(text)
        self.report.spoke(tool)
        if not success:
            shown = text[:SHOWN_OUTPUT_CHARACTERS]
            raise TurnFailedError(f"the tool `{tool}` did not do it: {shown}")
        return text

    def _ask(self, call_id: str, tool: str, arguments: JsonObject) -> tuple[list[JsonValue], bool]:
        request: JsonObject = {
            "threadId": self.report.thread_id,
            "turnId": self.report.turn_id,
            "callId": call_id,
            "namespace": None,
            "tool": tool,
            "arguments": arguments,
        }
        answer = self._wire.ask("item/tool/call", request, self._interrupted)
        result = as_object(answer.get("result"))
        if result is None:
            error = as_object(answer.get("error")) or {}
            text = as_text(error.get("message")) or "the client gave no result"
            return [{"type": "inputText", "text": text}], False
        return list(as_array(result.get("contentItems")) or ()), result.get("success") is True

    def _outcome_of(self, command: Sequence[str]) -> tuple[int, str]:
        with subprocess.Popen(
            command,
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as child:
            try:
                return self._end_of(child)
            finally:
                child.kill()

    def _end_of(self, child: subprocess.Popen[str]) -> tuple[int, str]:
        deadline = time.monotonic() + COMMAND_LIMIT_S
        while True:
            try:
                output, _ = child.communicate(timeout=_LOOK_AGAIN_S)
            except subprocess.TimeoutExpired:
                if self._interrupted.is_set():
                    raise TurnInterruptedError from None
                if time.monotonic() > deadline:
                    return 1, f"no end within {COMMAND_LIMIT_S:g} s"
            else:
                return child.returncode, output


def _texts(content: Sequence[JsonValue]) -> list[str]:
    items = [as_object(item) or {} for item in content]
    return [text for item in items if (text := as_text(item.get("text"))) is not None]


def _diff(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"a/{path}" if before else "/dev/null",
        f"b/{path}",
    )
    return "".join([f"diff --git a/{path} b/{path}\n", *lines])

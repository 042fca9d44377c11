"""The methods that a client may call, and the threads (conversations) that it opened.

The shapes are those of recorded sessions with Codex 0.169. What is not needed to get an issue done
is refused by name, as an older version would refuse it.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from symphony import __version__
from symphony.demo.agent.report import TurnReport
from symphony.demo.agent.tokens import Tokens
from symphony.demo.agent.turn import Turn
from symphony.demo.agent.wire import Wire, now_ms, read_message
from symphony.demo.agent.work import Worker
from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text

MODEL: Final = "demo"

_Method: TypeAlias = "Callable[[JsonValue, JsonObject], None]"


@dataclass(slots=True, kw_only=True)
class _Thread:
    """One conversation. `turn` is the one that goes on, if any."""

    id: str
    cwd: str
    tools: tuple[str, ...]
    worker: Worker
    tokens: Tokens = field(default_factory=Tokens)
    name: str | None = None
    turn: Turn | None = None


class Server:
    """Serves one client; `receive` is called from one thread."""

    def __init__(self, wire: Wire, *, thinking_s: float = 0.0) -> None:
        self._wire = wire
        self._thinking_s = thinking_s
        self._client: str | None = None
        self._threads: dict[str, _Thread] = {}
        self._methods: dict[str, _Method] = {
            "initialize": self._initialize,
            "thread/start": self._start_thread,
            "thread/name/set": self._name_thread,
            "turn/start": self._start_turn,
            "turn/interrupt": self._interrupt_turn,
        }

    def receive(self, line: bytes) -> None:
        """Take one line. What is no message, or a notification, gets no answer."""
        message = read_message(line)
        if message is None or "id" not in message:
            return
        method = as_text(message.get("method"))
        if method is None:
            self._wire.take_answer(message)
            return
        self._request(message["id"], method, as_object(message.get("params")) or {})

    def _request(self, request: JsonValue, method: str, params: JsonObject) -> None:
        if self._client is None and method != "initialize":
            self._wire.refuse(request, "Not initialized")
            return
        call = self._methods.get(method)
        if call is None:
            known = ", ".join(f"`{name}`" for name in self._methods)
            message = f"Invalid request: unknown variant `{method}`, expected one of {known}"
            self._wire.refuse(request, message)
            return
        call(request, params)

    def _initialize(self, request: JsonValue, params: JsonObject) -> None:
        if self._client is not None:
            self._wire.refuse(request, "Already initialized")
            return
        client = as_object(params.get("clientInfo")) or {}
        self._client = as_text(client.get("name")) or "unknown"
        agent = f"{self._client}/{__version__} (demo agent)"
        home = ""  # It keeps nothing.
        self._wire.answer(
            request,
            {
                "userAgent": agent,
                "codexHome": home,
                "platformFamily": "unix",
                "platformOs": "posix",
            },
        )

    def _start_thread(self, request: JsonValue, params: JsonObject) -> None:
        cwd = as_text(params.get("cwd"))
        if cwd is None:
            self._wire.refuse(request, "Invalid request: the demo agent needs `cwd`")
            return
        thread = _Thread(
            id=str(uuid.uuid4()),
            cwd=cwd,
            tools=_tool_names(params),
            worker=Worker(self._thinking_s),
        )
        self._threads[thread.id] = thread
        policy = params.get("approvalPolicy", "never")
        self._wire.answer(request, _started(thread, policy, params.get("sandbox")))
        self._wire.notify("thread/started", {"thread": _thread_object(thread)})

    def _name_thread(self, request: JsonValue, params: JsonObject) -> None:
        thread = self._thread(request, params)
        if thread is not None:
            thread.name = as_text(params.get("name")) or ""
            self._wire.answer(request, {})
            named: JsonObject = {"threadId": thread.id, "threadName": thread.name}
            self._wire.notify("thread/name/updated", named)

    def _start_turn(self, request: JsonValue, params: JsonObject) -> None:
        thread = self._thread(request, params)
        if thread is None:
            return
        if thread.turn is not None and not thread.turn.report.is_over:
            # As the real agent does: the turn that goes on is meant.
            self._wire.answer(request, {"turn": thread.turn.report.turn_object()})
            return
        report = TurnReport(self._wire, thread_id=thread.id, tokens=thread.tokens)
        cwd = as_text(params.get("cwd")) or thread.cwd
        turn = thread.turn = Turn(report, self._wire, cwd=cwd, tools=thread.tools)
        self._wire.answer(request, {"turn": report.turn_object()})
        # A daemon thread: the end of input ends the process, whatever the turn is at.
        work = (_prompt(params), thread.worker.take_turn)
        threading.Thread(target=turn.go, args=work, daemon=True).start()

    def _interrupt_turn(self, request: JsonValue, params: JsonObject) -> None:
        thread = self._thread(request, params)
        if thread is not None:
            self._wire.answer(request, {})
            if thread.turn is not None:
                thread.turn.interrupt()

    def _thread(self, request: JsonValue, params: JsonObject) -> _Thread | None:
        wanted = as_text(params.get("threadId")) or ""
        thread = self._threads.get(wanted)
        if thread is None:
            self._wire.refuse(request, f"thread not found: {wanted}")
        return thread


def _tool_names(params: JsonObject) -> tuple[str, ...]:
    tools = [as_object(tool) or {} for tool in as_array(params.get("dynamicTools")) or ()]
    return tuple(name for tool in tools if (name := as_text(tool.get("name"))))


def _prompt(params: JsonObject) -> str:
    parts = [as_object(part) or {} for part in as_array(params.get("input")) or ()]
    return "\n".join(text for part in parts if (text := as_text(part.get("text"))))


def _started(thread: _Thread, policy: JsonValue, sandbox: JsonValue) -> JsonObject:
    """The answer to `thread/start`. The agent has no sandbox, whatever was asked for."""
    return {
        "thread": _thread_object(thread),
        "model": MODEL,
        "modelProvider": MODEL,
        "serviceTier": None,
        "cwd": thread.cwd,
        "instructionSources": [],
        "approvalPolicy": policy,
        "approvalsReviewer": "user",
        "sandbox": {"type": "dangerFullAccess"} if sandbox is None else _sandbox(sandbox),
        "reasoningEffort": None,
    }


_SANDBOX_TYPES: Final = {"read-only": "readOnly", "workspace-write": "workspaceWrite"}


def _sandbox(mode: JsonValue) -> JsonObject:
    return {"type": _SANDBOX_TYPES.get(as_text(mode) or "", "dangerFullAccess")}


def _thread_object(thread: _Thread) -> JsonObject:
    now = now_ms() // 1000
    return {
        "id": thread.id,
        "sessionId": thread.id,
        "forkedFromId": None,
        "parentThreadId": None,
        "preview": "",
        "projectId": None,
        "ephemeral": True,
        "modelProvider": MODEL,
        "createdAt": now,
        "updatedAt": now,
        "status": {"type": "idle"},
        "path": None,
        "cwd": thread.cwd,
        "cliVersion": __version__,
        "source": "appServer",
        "agentNickname": None,
        "agentRole": None,
        "gitInfo": None,
        "name": thread.name,
        "turns": [],
    }

"""Sessions with the fake agent over real pipes, and what came of them.

    async with fake_session(tmp_path, {"turns": [[{"do": "message"}]]}) as bench:
        result = await bench.session.run_turn("work", 1)

Leaving the block checks that the fake agent found nothing wrong with what it received.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import anyio
import anyio.abc

from conformance.agents import APP_SERVER
from symphony.agents.channel import Direction
from symphony.agents.limits import SessionLimits
from symphony.agents.session import AgentSession, open_session
from symphony.domain.ids import ThreadId
from symphony.domain.json import JsonObject, JsonValue, as_object, as_text
from symphony.domain.run import AgentActivity, OperatorAnswer, RunUpdate
from symphony.domain.settings import CodexSettings
from symphony.domain.tools import ToolResult, ToolSpec
from symphony.processes.environment import child_environment, login_shell
from symphony.processes.owner import OwnerMark
from symphony.processes.process import OwnedProcess, spawn

DEADLINE_S: Final = 60.0
"""Until a test that waits for something gives up; machines may be loaded."""
PATIENT: Final = CodexSettings(
    read_timeout_ms=int(DEADLINE_S * 1000), turn_timeout_ms=int(DEADLINE_S * 1000)
)
"""Settings under which no time limit passes by accident."""

ISSUE_UPDATE: Final = ToolSpec(
    name="issue_update",
    description="Change the issue.",
    input_schema={
        "type": "object",
        "properties": {"state": {"type": "string"}},
        "required": ["state"],
        "additionalProperties": False,
    },
    changes_tracker=True,
)

Update = TypeVar("Update", bound=RunUpdate)
ExecuteTool = Callable[[str, JsonValue], Awaitable[ToolResult]]
Script = Mapping[str, JsonValue]


def fake_command(directory: Path, script: Script, *, control: Path | None = None) -> str:
    """The text of a command that runs the fake agent; its journal is `directory/journal`."""
    path = directory / "script.json"
    path.write_text(json.dumps(script), encoding="utf-8")
    words = [sys.executable, "-S", "-E", str(APP_SERVER), f"--script={path}"]
    words.append(f"--journal={directory / 'journal'}")
    if control is not None:
        words.append(f"--control={control}")
    return shlex.join(words)


def read_journal(directory: Path) -> Sequence[JsonObject]:
    """What the fake agent noted."""
    path = directory / "journal"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [entry for line in lines if (entry := as_object(json.loads(line))) is not None]


def spawn_shell(
    script: str, workspace: Path, base: Mapping[str, str] | None = None
) -> OwnedProcess:
    """A process as the daemon starts it, in the environment `base` or that of the tests.

    By default its home is the workspace: the login profile of whoever runs the tests may be slow,
    and may leave a lock behind when its shell is killed.
    """
    owner = OwnerMark(root="root", daemon=f"test {os.getpid()}", run=str(workspace))
    environment = child_environment(
        {**os.environ, "HOME": str(workspace)} if base is None else base,
        drop_names=(),
        drop_values=(),
        owner=owner,
    )
    return spawn(login_shell(script, environment), cwd=str(workspace), environment=environment)


@dataclass(slots=True, kw_only=True)
class Bench:
    """One session and everything that was seen of it."""

    directory: Path
    workspace: Path
    process: OwnedProcess
    updates: list[RunUpdate] = field(default_factory=list[RunUpdate])
    recorded: list[tuple[Direction, bytes]] = field(default_factory=list[tuple[Direction, bytes]])
    calls: list[tuple[str, JsonValue]] = field(default_factory=list[tuple[str, JsonValue]])
    opened: AgentSession | None = None

    @property
    def session(self) -> AgentSession:
        assert self.opened is not None
        return self.opened

    def of(self, kind: type[Update]) -> list[Update]:
        """The updates of one kind, in order."""
        return [update for update in self.updates if isinstance(update, kind)]

    def events(self, name: str) -> list[str]:
        """The messages of all activities with this event name."""
        return [seen.message for seen in self.of(AgentActivity) if seen.event == name]

    def journal(self, event: str) -> Sequence[JsonObject]:
        """The journal's entries of one kind."""
        return [entry for entry in read_journal(self.directory) if entry["event"] == event]

    def received(self, method: str) -> Sequence[JsonObject]:
        """The messages of this name that the agent got."""
        messages = [as_object(entry["message"]) or {} for entry in self.journal("received")]
        return [message for message in messages if message.get("method") == method]

    def params(self, method: str) -> JsonObject:
        """The parameters of the only message of this name."""
        (message,) = self.received(method)
        return as_object(message["params"]) or {}

    def answers(self, method: str) -> Sequence[JsonObject]:
        """What the agent's requests of this name were answered."""
        return [entry for entry in self.journal("answered") if entry["method"] == method]

    def result(self, method: str) -> JsonObject:
        """The result of the only answer to requests of this name."""
        (answer,) = self.answers(method)
        return as_object(answer.get("result")) or {}


class Gates:
    """The other end of the fake agent's control socket."""

    def __init__(self) -> None:
        self._reached: dict[str, anyio.Event] = {}
        self._streams: dict[str, anyio.abc.SocketStream] = {}

    async def serve(self, stream: anyio.abc.SocketStream) -> None:
        """Take the announcements of one agent."""
        rest = b""
        with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            async with stream:
                while True:
                    rest += await stream.receive()
                    *lines, rest = rest.split(b"\n")
                    for line in lines:
                        self._announced(line, stream)

    def _announced(self, line: bytes, stream: anyio.abc.SocketStream) -> None:
        name = as_text((as_object(json.loads(line)) or {}).get("gate")) or ""
        self._streams[name] = stream
        self._event(name).set()

    async def reached(self, name: str) -> None:
        """Wait until an agent stands at the gate."""
        with anyio.fail_after(DEADLINE_S):
            await self._event(name).wait()

    async def let_go(self, name: str) -> None:
        """Wait for an agent at the gate, and open it."""
        await self.reached(name)
        await self._streams[name].send(json.dumps({"go": name}).encode() + b"\n")

    def _event(self, name: str) -> anyio.Event:
        return self._reached.setdefault(name, anyio.Event())


@asynccontextmanager
async def open_gates(path: Path) -> AsyncGenerator[Gates]:
    """Listen on a Unix socket for fake agents."""
    gates = Gates()
    listener = await anyio.create_unix_listener(path)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, gates.serve)
        yield gates
        tasks.cancel_scope.cancel()


async def succeed(name: str, arguments: JsonValue) -> ToolResult:
    """A tool that does nothing, well."""
    return ToolResult(success=True, content={"tool": name, "arguments": arguments})


async def ignore(_update: RunUpdate) -> None:
    """A scheduler that is not interested."""


def answered(
    thread: str | None, *, question: str = "Which?", text: str = "This."
) -> OperatorAnswer:
    """What an operator said to what was asked on this thread."""
    return OperatorAnswer(
        thread_id=None if thread is None else ThreadId(thread),
        request="user_input",
        question=question,
        text=text,
    )


@asynccontextmanager
async def fake_session(
    directory: Path,
    script: Script | None = None,
    *,
    command: str | None = None,
    settings: CodexSettings = PATIENT,
    tools: Sequence[ToolSpec] = (ISSUE_UPDATE,),
    execute_tool: ExecuteTool = succeed,
    report: Callable[[RunUpdate], Awaitable[None]] = ignore,
    limits: SessionLimits | None = None,
    resume: str | None = None,
    answer: OperatorAnswer | None = None,
    look_back: bool = False,
    control: Path | None = None,
    workspace: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncGenerator[Bench]:
    """Open a session with the fake agent, or with `command`."""
    if resume is not None:
        answer = answered(resume)
    workspace = workspace or directory / "workspace"
    workspace.mkdir(exist_ok=True)
    text = command or fake_command(directory, script or {}, control=control)
    bench = Bench(
        directory=directory, workspace=workspace, process=spawn_shell(text, workspace, environment)
    )

    async def execute(name: str, arguments: JsonValue) -> ToolResult:
        bench.calls.append((name, arguments))
        return await execute_tool(name, arguments)

    async def tell(update: RunUpdate) -> None:
        bench.updates.append(update)
        await report(update)

    def record(direction: Direction, line: bytes) -> None:
        bench.recorded.append((direction, line))

    try:
        async with open_session(
            transport=bench.process,
            settings=settings,
            workspace=str(workspace),
            title="ABC-1: Repair the roof",
            tools=tools,
            execute_tool=execute,
            report=tell,
            record=record,
            answer=answer,
            look_back=look_back,
            limits=limits,
        ) as session:
            bench.opened = session
            yield bench
    finally:
        violations = [as_text(entry["text"]) for entry in bench.journal("violation")]
        assert not violations, violations

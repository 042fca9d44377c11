"""One session with an agent: handshake, one thread, turns on it, and the answers it asks for.

    async with open_session(transport=process, settings=..., workspace=..., ...) as session:
        result = await session.run_turn(prompt, 1)

When the block is left, in whatever way, the process is stopped. What goes wrong is an `AgentError`
under a category of the specification; a question that only a person can answer is a result, not an
error. Nothing here decides whether to go on, retry or park.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import anyio
import anyio.abc

from symphony.agents import messages
from symphony.agents.answers import Answering
from symphony.agents.channel import Channel, Record
from symphony.agents.errors import AgentError, Category
from symphony.agents.handshake import Handshake
from symphony.agents.limits import SessionLimits, stream_interval
from symphony.agents.policy import Posture
from symphony.agents.reporting import Reporter
from symphony.agents.rpc import MalformedLine, Notification, Response, ServerRequest
from symphony.agents.sandbox import turn_sandbox_policy
from symphony.agents.transport import Transport
from symphony.agents.turn import TurnWatch, failure_of
from symphony.domain.ids import ThreadId, session_id
from symphony.domain.json import JsonValue
from symphony.domain.run import NeedsPerson, OperatorAnswer, RunUpdate, TurnStarted
from symphony.domain.settings import CodexSettings
from symphony.domain.tools import ToolResult, ToolSpec

ExecuteTool: TypeAlias = Callable[[str, JsonValue], Awaitable[ToolResult]]
Report: TypeAlias = Callable[[RunUpdate], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnCompleted:
    """The agent ended the turn with the status `completed`."""


TurnResult: TypeAlias = TurnCompleted | NeedsPerson


@asynccontextmanager
async def open_session(
    *,
    transport: Transport,
    settings: CodexSettings,
    workspace: str,
    title: str,
    tools: Sequence[ToolSpec],
    execute_tool: ExecuteTool,
    report: Report,
    record: Record,
    answer: OperatorAnswer | None = None,
    look_back: bool = False,
    limits: SessionLimits | None = None,
) -> AsyncGenerator[AgentSession]:
    """A session on a process that was just started in `workspace`, an absolute path.

    `title` names the thread. `execute_tool` runs one of `tools` on the host. `report` may take its
    time: the agent waits meanwhile, which is not held against it. `record` sees every line. With an
    `answer` the session goes on with its thread, if the agent still has it; with `look_back` it
    goes on with a thread that was cut off in this workspace. Raises `AgentError` where it cannot be
    opened; the process is stopped then as well.
    """
    limits = limits or SessionLimits()
    failure: Exception | None = None
    try:
        async with anyio.create_task_group() as tasks:
            session = AgentSession(
                transport=transport,
                settings=settings,
                workspace=workspace,
                tools=tools,
                execute_tool=execute_tool,
                report=report,
                record=record,
                answer=answer,
                look_back=look_back,
                limits=limits,
                tasks=tasks,
            )
            # Caught inside the group, which would wrap it in an ExceptionGroup otherwise.
            try:
                await session.begin(title)
                yield session
            except Exception as error:
                failure = error
            tasks.cancel_scope.cancel()
    finally:
        await transport.stop(grace_ms=limits.stop_grace_ms)
    if failure is not None:
        raise failure


class AgentSession:
    """A thread of a running app-server. Made by `open_session`; one turn at a time."""

    def __init__(
        self,
        *,
        transport: Transport,
        settings: CodexSettings,
        workspace: str,
        tools: Sequence[ToolSpec],
        execute_tool: ExecuteTool,
        report: Report,
        record: Record,
        answer: OperatorAnswer | None,
        look_back: bool,
        limits: SessionLimits,
        tasks: anyio.abc.TaskGroup,
    ) -> None:
        self._settings = settings
        self._workspace = workspace
        self._tools = tuple(tools)
        self._limits = limits
        self._tasks = tasks
        self._reporter = Reporter(
            report, stream_interval=stream_interval(settings.stall_timeout_ms, limits)
        )
        self._channel = Channel(
            transport,
            self,
            record=record,
            read_timeout=settings.read_timeout_ms / 1000,
            limits=limits,
        )
        self._handshake = Handshake(
            self._channel,
            self._reporter,
            settings,
            workspace,
            resume_thread=None if answer is None else answer.thread_id,
            look_back=look_back,
        )
        posture = Posture(
            auto_approve=settings.auto_approve,
            tools=frozenset(tool.name for tool in tools),
            answer=answer,
        )
        self._answering = Answering(
            self._channel, self._reporter, posture, execute_tool, self._need_person, limits
        )
        self._thread: ThreadId | None = None
        self._is_resumed = False
        self._turn: TurnWatch | None = None
        self._turn_number = 0
        self._settled = anyio.Event()
        self._ended = anyio.Event()
        self._need: NeedsPerson | None = None

    @property
    def thread_id(self) -> ThreadId:
        """The thread that all turns of this session run on."""
        if self._thread is None:
            raise RuntimeError("the session has no thread yet")
        return self._thread

    @property
    def is_resumed(self) -> bool:
        """Whether the thread has a history that this session goes on with."""
        return self._is_resumed

    async def begin(self, title: str) -> None:
        """The handshake and the thread. For `open_session` only."""
        self._channel.start(self._tasks)
        self._tasks.start_soon(self._channel.guard, self._reporter.keep_up)
        try:
            self._thread, self._is_resumed = await self._handshake.open_thread(self._tools, title)
            # A broken configuration may have been announced behind the answer.
            self._channel.raise_failure()
        except AgentError as error:
            await self._reporter.event("startup_failed", str(error))
            raise

    # A turn.

    async def run_turn(self, prompt: str, number: int) -> TurnResult:
        """Run one turn to its end. `number` counts from 1 within a run.

        Gives `NeedsPerson` where the agent asked what only a person can answer, and interrupts the
        turn. Raises `AgentError` for every other end than completion; after `turn_failed` and
        `turn_cancelled` the session could go on."""
        try:
            return await self._run_turn(prompt, number)
        except AgentError as error:
            if error.category not in {Category.TURN_FAILED, Category.TURN_CANCELLED}:
                await self._reporter.event("turn_ended_with_error", str(error))
            raise
        finally:
            self._turn = None

    async def _run_turn(self, prompt: str, number: int) -> TurnResult:
        if (too_long := messages.too_long(prompt)) is not None:
            raise AgentError(Category.PROMPT_TOO_LONG, too_long)
        if self._need is None:
            try:
                await self._carry_out(prompt, number)
            except AgentError:
                # A question outweighs whatever came after it (`policy.input.classified`).
                if self._need is None:
                    raise
        return await self._judge()

    async def _carry_out(self, prompt: str, number: int) -> None:
        self._channel.raise_failure()
        self._settled, self._ended = anyio.Event(), anyio.Event()
        self._turn = TurnWatch(self.thread_id)
        self._turn_number = number
        self._channel.output_silence.restart()
        await self._ask_for_turn(prompt)
        await self._wait_for_end()

    async def _ask_for_turn(self, prompt: str) -> None:
        policy = turn_sandbox_policy(self._settings, self._workspace)
        params = messages.turn_start_params(
            self.thread_id, prompt, self._settings, self._workspace, policy
        )
        result = await self._channel.request("turn/start", params)
        if messages.read_turn_id(result) is None:
            text = "the agent's answer to turn/start names no turn"
            raise AgentError(Category.RESPONSE_ERROR, text)

    async def _wait_for_end(self) -> None:
        limit = self._settings.turn_timeout_ms / 1000
        silence = self._channel.output_silence
        if not await silence.wait(self._settled, limit):
            text = f"the agent was silent for {self._settings.turn_timeout_ms} ms within a turn"
            raise AgentError(Category.TURN_TIMEOUT, self._channel.with_last_words(text))
        with anyio.move_on_after(self._limits.interrupt):
            await self._ended.wait()

    async def _judge(self) -> TurnResult:
        """What the turn came to."""
        if self._need is not None:
            await self._reporter.event("turn_input_required", self._need.question)
            return self._need
        end = self._turn.end if self._turn is not None else None
        if end is None:
            self._channel.raise_failure()
            raise AgentError(Category.INTERNAL_ERROR, "the turn was settled without a reason")
        failure = failure_of(end)
        if failure is None:
            await self._reporter.event("turn_completed", "the turn is complete")
            return TurnCompleted()
        event, error = failure
        await self._reporter.event(event, error.message)
        raise error

    # What the channel tells, in the order of the lines.

    async def on_response(self, response: Response) -> None:
        """Told before the waiter is woken: what follows in the same read finds the turn named."""
        turn, named = self._turn, messages.read_turn_id(response.result)
        if response.method != "turn/start" or turn is None or named is None:
            return
        turn.name(named)
        self._reporter.own_turn(named)
        await self._reporter.update(
            TurnStarted(thread_id=self.thread_id, turn_id=named, number=self._turn_number)
        )
        await self._reporter.event("session_started", session_id(self.thread_id, named))
        if turn.end is not None:
            self._end_turn()

    async def on_notification(self, notification: Notification) -> None:
        method, params = notification.method, notification.params
        if method == "configWarning" and self._turn_number == 0:
            broken = messages.read_broken_config(params)
            if broken is not None:
                text = f"the agent's configuration is not in force: {broken}"
                self._channel.fail(AgentError(Category.INVALID_AGENT_CONFIG, text))
                return
        await self._reporter.notification(method, params)
        end = messages.read_turn_end(method, params)
        if end is not None and self._turn is not None and self._turn.observe(end):
            self._end_turn()

    async def on_request(self, request: ServerRequest) -> None:
        await self._answering.take(request, self._tasks)

    async def on_malformed(self, line: MalformedLine) -> None:
        await self._reporter.malformed(line)

    def on_failure(self) -> None:
        self._end_turn()

    def _end_turn(self) -> None:
        self._settled.set()
        self._ended.set()

    async def _need_person(self, need: NeedsPerson) -> None:
        """The first question counts; the turn is interrupted before the question is refused."""
        if self._need is None:
            self._need = need
        self._settled.set()
        turn = self._turn
        if turn is not None and turn.turn_id is not None:
            params = messages.turn_interrupt_params(self.thread_id, turn.turn_id)
            _, line = self._channel.connection.request("turn/interrupt", params)
            await self._channel.send(line)

"""Every request of the server gets one answer, in bounded time (`policy.request.*`).

Each is worked on in a task of its own, so that a tool that takes long holds up neither the reading
of lines nor the other requests. The number of such tasks is bounded; behind them the pipe fills.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import assert_never

import anyio
import anyio.abc

from symphony.agents.channel import Channel
from symphony.agents.limits import SessionLimits
from symphony.agents.policy import (
    Answer,
    PersonNeeded,
    Posture,
    Refusal,
    ToolCall,
    decide,
    tool_result,
)
from symphony.agents.reporting import Reporter
from symphony.agents.rpc import ServerRequest
from symphony.agents.tool_result import render_tool_result
from symphony.domain.json import JsonObject, JsonValue
from symphony.domain.run import NeedsPerson
from symphony.domain.tools import ToolResult


class Answering:
    """Answers what the server asks."""

    def __init__(
        self,
        channel: Channel,
        reporter: Reporter,
        posture: Posture,
        execute_tool: Callable[[str, JsonValue], Awaitable[ToolResult]],
        need_person: Callable[[NeedsPerson], Awaitable[None]],
        limits: SessionLimits,
    ) -> None:
        self._channel = channel
        self._reporter = reporter
        self._posture = posture
        self._execute_tool = execute_tool
        self._need_person = need_person
        self._limits = limits
        self._room = anyio.Semaphore(limits.open_requests)

    async def take(self, request: ServerRequest, tasks: anyio.abc.TaskGroup) -> None:
        """Begin to answer; waits only while too many are being answered already."""
        # The reader waits here with its clock stopped; whether the agent is silent meanwhile is
        # told by the answers that are under way.
        with self._channel.output_silence.listening():
            await self._room.acquire()
        tasks.start_soon(self._channel.guard, partial(self._answer, request))

    async def _answer(self, request: ServerRequest) -> None:
        try:
            await self._carry_out(request)
        finally:
            self._room.release()

    async def _carry_out(self, request: ServerRequest) -> None:
        decision = decide(request.method, request.params, self._posture)
        if isinstance(decision, Answer) and decision.is_of_operator:
            self._posture = replace(self._posture, answer=None)
        match decision:
            case ToolCall():
                await self._send(request, Answer(result=await self._call(decision)))
            case PersonNeeded():
                await self._need_person(decision.need)
                await self._send(request, decision.reply)
            case Answer() | Refusal():
                await self._send(request, decision)
            case _:
                assert_never(decision)

    async def _send(self, request: ServerRequest, answer: Answer | Refusal) -> None:
        connection = self._channel.connection
        if isinstance(answer, Refusal):
            await self._channel.send(connection.refuse(request.id, answer.code, answer.message))
            await self._reporter.event("other_message", f"refused: {answer.message}")
            return
        await self._channel.send(connection.reply(request.id, answer.result))
        if answer.event is not None:
            await self._reporter.event(answer.event, answer.summary)

    async def _call(self, call: ToolCall) -> JsonObject:
        """A tool that hangs or breaks is a failed call, not a failed session."""
        try:
            # What the agent waits for is not the agent's silence. An answer that it does not take
            # is: the clock runs while one is being written (`turn.timeout.silence`).
            with self._channel.output_silence, anyio.fail_after(self._limits.tool_call):
                result = await self._execute_tool(call.name, call.arguments)
            text = render_tool_result(result, max_bytes=self._limits.tool_result_bytes)
        except TimeoutError:
            seconds = f"{self._limits.tool_call:g} seconds"
            text = f"The tool {call.name} did not finish within {seconds} and was given up."
        except Exception as problem:  # its text may hold a secret and stays here
            text = f"The tool {call.name} broke: {type(problem).__name__}."
        else:
            return tool_result(text, success=result.success)
        await self._reporter.event("notification", text)
        return tool_result(text, success=False)

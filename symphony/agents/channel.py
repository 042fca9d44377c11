"""An app-server connection in motion: reads, writes, matches answers, and notices the end.

Three background tasks read standard output, read standard error and wait for the exit. Whatever
ends the connection becomes one failure, the first one, which everybody who waits then gets. No
queue grows here: lines are handled one after the other, and while that takes time, the agent waits
in its pipe (`session.rpc.*`, `session.stderr.*`, `turn.outcome.exit`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias

import anyio
import anyio.abc

from symphony.agents.errors import AgentError, Category
from symphony.agents.last_lines import LastLines
from symphony.agents.limits import SessionLimits
from symphony.agents.messages import MAX_ERROR_CHARACTERS
from symphony.agents.rpc import (
    Connection,
    ErrorResponse,
    Event,
    LineTooLong,
    MalformedLine,
    Notification,
    Response,
    ServerRequest,
)
from symphony.agents.silence import SilenceClock
from symphony.agents.text import one_line
from symphony.agents.transport import Transport
from symphony.domain.json import JsonObject, JsonValue
from symphony.processes.pipes import InputClosedError

READ_BYTES: Final = 64 * 1024
"""One full pipe."""
SHELL_CANNOT_START: Final = frozenset({126, 127})
"""Exit codes of a shell that found no such program, or may not run it."""

Direction: TypeAlias = Literal["to_agent", "from_agent", "stderr"]
Record: TypeAlias = Callable[[Direction, bytes], None]
"""The tap of the protocol log; it gets lines without their break."""


class Receiver(Protocol):
    """What happens on the connection, told in the order of the lines."""

    async def on_response(self, response: Response) -> None: ...
    async def on_notification(self, notification: Notification) -> None: ...
    async def on_request(self, request: ServerRequest) -> None: ...
    async def on_malformed(self, line: MalformedLine) -> None: ...
    def on_failure(self) -> None: ...


@dataclass(slots=True, kw_only=True)
class _Waiter:
    answered: anyio.Event = field(default_factory=anyio.Event)
    answer: Response | ErrorResponse | None = None


class Channel:
    """One connection. `start` it in a task group whose cancellation ends it."""

    def __init__(
        self,
        transport: Transport,
        receiver: Receiver,
        *,
        record: Record,
        read_timeout: float,
        limits: SessionLimits,
    ) -> None:
        self._transport = transport
        self._receiver = receiver
        self._record = record
        self._read_timeout = read_timeout
        self._limits = limits
        self._waiters: dict[int, _Waiter] = {}
        self._sending = anyio.Lock(fast_acquire=True)
        self._stdout_ended = anyio.Event()
        self._stderr_ended = anyio.Event()
        self._has_spoken = False
        self._last_lines = LastLines(
            lines=limits.stderr_lines, characters=limits.stderr_line_characters
        )
        self.connection = Connection()
        self.failure: Exception | None = None
        self.failed = anyio.Event()
        self.output_silence = SilenceClock()
        """Silence of standard output: what a turn is measured by."""
        self._silence = SilenceClock()
        """Silence of both outputs: what an answer is measured by (`session.timeout.read`)."""

    def start(self, tasks: anyio.abc.TaskGroup) -> None:
        """Begin to read."""
        for task in (self._read_output, self._read_diagnostics, self._watch_exit):
            tasks.start_soon(self.guard, task)

    async def guard(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run a background task; its failure is the failure of the connection."""
        try:
            await work()
        except Exception as failure:
            self.fail(failure)

    def fail(self, failure: Exception) -> None:
        """End the connection; the first failure is the one that counts."""
        if self.failure is not None:
            return
        self.failure = failure
        self.failed.set()
        for waiter in self._waiters.values():
            waiter.answered.set()
        self._receiver.on_failure()

    def raise_failure(self) -> None:
        """Raise what ended the connection, if anything has."""
        if self.failure is not None:
            raise self.failure

    # Out.

    async def request(self, method: str, params: JsonObject) -> JsonValue:
        """Ask and wait. Raises `AgentError` for a refusal, silence, or the end of the process."""
        self.raise_failure()
        request_id, line = self.connection.request(method, params)
        waiter = self._waiters[request_id] = _Waiter()
        self._silence.restart()
        try:
            with anyio.move_on_after(self._read_timeout * self._limits.response_patience):
                await self.send(line)
                await self._silence.wait(waiter.answered, self._read_timeout)
        finally:
            del self._waiters[request_id]
        return self._judge(method, waiter.answer)

    def _judge(self, method: str, answer: Response | ErrorResponse | None) -> JsonValue:
        match answer:
            case Response():
                return answer.result
            case ErrorResponse():
                code = f" (code {answer.code})" if answer.code is not None else ""
                reason = one_line(answer.message, MAX_ERROR_CHARACTERS)
                text = f"the agent refused {method}: {reason}{code}"
                raise AgentError(Category.RESPONSE_ERROR, text)
            case None:
                self.raise_failure()
                text = self.with_last_words(f"the agent did not answer {method} in time")
                raise AgentError(Category.RESPONSE_TIMEOUT, text)

    async def send(self, line: bytes) -> None:
        """Write one line. A closed input is told by the failure that follows, not raised here."""
        async with self._sending:
            self._record("to_agent", line.rstrip(b"\n"))
            try:
                await self._transport.send(line)
            except (OSError, InputClosedError):
                await self._fail_unless_exited("the agent closed its input")

    # In.

    async def _read_output(self) -> None:
        while data := await self._transport.receive_stdout(READ_BYTES):
            self._has_spoken = True
            with self.output_silence, self._silence:
                await self._handle(self.connection.receive_data(data))
        await self._handle(self.connection.receive_end())
        self._stdout_ended.set()
        await self._fail_unless_exited("the agent closed its output")

    async def _handle(self, events: list[Event]) -> None:
        for event in events:
            if self.failure is not None:
                return
            if event.raw:
                self._record("from_agent", event.raw)
            await self._dispatch(event)

    async def _dispatch(self, event: Event) -> None:
        match event:
            case Response() | ErrorResponse():
                await self._take_answer(event)
            case Notification():
                await self._receiver.on_notification(event)
            case ServerRequest():
                await self._receiver.on_request(event)
            case MalformedLine():
                await self._receiver.on_malformed(event)
            case LineTooLong():
                text = f"the agent sent a line of more than {event.limit} bytes"
                self.fail(AgentError(Category.PROTOCOL_ERROR, text))

    async def _take_answer(self, answer: Response | ErrorResponse) -> None:
        waiter = self._waiters.get(answer.id)
        if waiter is None:
            return
        if isinstance(answer, Response):
            await self._receiver.on_response(answer)
        waiter.answer = answer
        waiter.answered.set()

    async def _read_diagnostics(self) -> None:
        while data := await self._transport.receive_stderr(READ_BYTES):
            self._silence.restart()
            for line in self._last_lines.feed(data):
                self._record("stderr", line)
        self._stderr_ended.set()

    # The end.

    async def _watch_exit(self) -> None:
        code = await self._transport.wait()
        self._silence.restart()
        with anyio.move_on_after(self._limits.exit_patience):
            await self._silence.wait(self._stdout_ended, self._limits.last_words)
            await self._silence.wait(self._stderr_ended, self._limits.last_words)
        self.fail(self._exit_error(code))

    async def _fail_unless_exited(self, what: str) -> None:
        """The exit tells more than a closed stream, and usually follows at once."""
        with anyio.move_on_after(self._limits.closed_stream):
            await self.failed.wait()
        self.fail(AgentError(Category.PORT_EXIT, self.with_last_words(f"{what} but still runs")))

    def _exit_error(self, code: int) -> AgentError:
        if code in SHELL_CANNOT_START and not self._has_spoken:
            text = f"the shell could not start the agent's command (exit code {code})"
            return AgentError(Category.CODEX_NOT_FOUND, self.with_last_words(text))
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        text = self.with_last_words(f"the agent's process ended with {how}")
        return AgentError(Category.PORT_EXIT, text)

    def with_last_words(self, text: str) -> str:
        """The text, with the last lines of standard error where there are any."""
        words = self._last_lines.text()
        return f"{text}; its last words: {words}" if words else text

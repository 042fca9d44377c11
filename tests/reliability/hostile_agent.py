"""An agent in memory that shakes hands like a real one and then sends wrong lines.

It satisfies `symphony.agents.transport.Transport`. Nothing here takes time: an agent that nobody
asks anything any more ends, as a process would, so that every session with it comes to an end.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from random import Random
from typing import Final

import anyio
import anyio.lowlevel

from symphony.domain.json import JsonObject, as_object, as_text
from symphony.domain.run import RunOutcome, Succeeded
from symphony.processes.pipes import InputClosedError
from tests.reliability.hostile_mutations import CORPUS, Mutator

THREAD: Final = "01a1fb92-a16c-7771-ad46-e331c7694304"
TURN: Final = "01a1fb92-a17b-7342-a535-3a2b480f1030"
_IDLE_LOOKS: Final = 100
"""Turns of the event loop without a question after which nobody will ask any more."""
_OWN: Final = (b'"threadId":"', b'"turnId":"')


class WrongReplyError(AssertionError):
    """The client sent what no client may send."""


class HostileAgent:
    """One process. `lines` is about how many wrong lines it sends in each turn."""

    def __init__(self, random: Random, *, lines: int) -> None:
        self._random = random
        self._mutator = Mutator(random, tuple(map(_as_own, CORPUS)))
        self._lines = lines
        self._pending: deque[bytes] = deque()
        self._asked = anyio.Event()
        self._ended = anyio.Event()
        self._turns = 0
        self.failed_turns = 0
        """Turns that ended badly, after which the session went on."""
        self.sent_lines = 0
        self.sent_bytes = 0
        self.outcome: RunOutcome = Succeeded()
        """How its session ended."""
        self.replies: Counter[str] = Counter()
        """What the requests of the agent were answered with."""

    # What a session uses.

    async def send(self, data: bytes, /) -> None:
        """A message of the client."""
        await anyio.lowlevel.checkpoint()
        if self._ended.is_set():
            raise InputClosedError("the agent has ended")
        message = _checked(data)
        method = as_text(message.get("method"))
        if method is None:
            self.replies["result" if "result" in message else "error"] += 1
        elif "id" in message:
            self._answer(message["id"], method)
        self._asked.set()

    async def receive_stdout(self, max_bytes: int, /) -> bytes:
        """Some of what it says, cut anywhere."""
        if not self._pending and not await self._is_asked():
            self._ended.set()
        if self._ended.is_set():
            return b""
        data = self._pending.popleft()
        # Many lines in one read, as from a full pipe; now and then a read ends within a line.
        while self._pending and len(data) < max_bytes and self._random.random() < 0.95:
            data += self._pending.popleft()
        size = max_bytes if self._random.random() < 0.9 else self._random.randrange(1, max_bytes)
        if len(data) > size:
            self._pending.appendleft(data[size:])
            data = data[:size]
        self.sent_lines += data.count(b"\n")
        self.sent_bytes += len(data)
        return data

    async def receive_stderr(self, max_bytes: int, /) -> bytes:
        """Nothing; what comes on standard error is no message."""
        del max_bytes
        await self._ended.wait()
        return b""

    async def wait(self) -> int:
        """The exit code."""
        await self._ended.wait()
        return 0

    async def stop(self, *, grace_ms: int) -> object:
        """End it."""
        del grace_ms
        await anyio.lowlevel.checkpoint()
        self._ended.set()
        self._asked.set()
        return None

    # What it says.

    async def _is_asked(self) -> bool:
        self._asked = anyio.Event()
        for _ in range(_IDLE_LOOKS):
            await anyio.lowlevel.checkpoint()
            if self._pending or self._ended.is_set():
                return bool(self._pending)
        return False

    def _answer(self, request_id: object, method: str) -> None:
        line = _line({"id": request_id, "result": _result(method)})
        if self._random.random() < 0.05:
            self._pending.append(self._mutator.mutate(line.rstrip()))
            if self._random.random() < 0.3:
                return
        self._pending.append(line)
        if method == "turn/start":
            self._turns += 1
            for _ in range(self._random.randrange(self._lines * 2)):
                self._pending.append(self._mutator.line())
            self._pending.append(b"\n" + _end("completed"))
        elif method == "turn/interrupt":
            self._pending.append(_end("interrupted"))
        if self._random.random() < 0.0005:
            # A line that is longer than any may be: what follows it cannot be told from it.
            self._pending.append(b'{"method":"' + b"x" * 11_000_000 + b'"}\n')


def _as_own(line: bytes) -> bytes:
    """The line, about the thread and the turn of this session."""
    message = as_object(json.loads(line)) or {}
    params = dict(as_object(message.get("params")) or {})
    if "threadId" in params:
        params["threadId"] = THREAD
    if "turnId" in params:
        params["turnId"] = TURN
    turn = as_object(params.get("turn"))
    if turn is not None:
        params["turn"] = {**turn, "id": TURN}
    changed = {**message, "params": params} if "params" in message else message
    return _line(changed).rstrip()


def _result(method: str) -> JsonObject:
    match method:
        case "thread/start" | "thread/resume":
            return {"thread": {"id": THREAD}}
        case "turn/start":
            return {"turn": {"id": TURN, "status": "inProgress", "items": []}}
        case _:
            return {}


def _end(status: str) -> bytes:
    turn: JsonObject = {"id": TURN, "status": status, "items": [], "error": None}
    return _line({"method": "turn/completed", "params": {"threadId": THREAD, "turn": turn}})


def _line(message: object) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def _checked(data: bytes) -> JsonObject:
    """The one message that is on this one line."""
    if data.count(b"\n") != 1 or not data.endswith(b"\n"):
        raise WrongReplyError(f"not one line: {data[:200]!r}")
    try:
        message = as_object(json.loads(data.decode()))
    except (ValueError, RecursionError) as error:
        raise WrongReplyError(f"not JSON in UTF-8: {data[:200]!r}") from error
    if message is None:
        raise WrongReplyError(f"not a message: {data[:200]!r}")
    return message

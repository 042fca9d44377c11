"""What a session tells the scheduler: usage, rate limits, and one line about what goes on.

Streams of small notifications are thinned out here, so that a talkative agent does not fill the
scheduler's mailbox; usage and rate limits always get through.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from symphony.agents.activity import MAX_MESSAGE_CHARACTERS, describe, is_stream
from symphony.agents.rpc import MalformedLine
from symphony.agents.telemetry import (
    RATE_LIMITS_METHOD,
    USAGE_METHOD,
    is_small,
    limit_name,
    read_rate_limits,
    read_usage,
)
from symphony.agents.text import one_line
from symphony.domain.ids import ThreadId, TurnId
from symphony.domain.json import JsonObject
from symphony.domain.run import AgentActivity, RateLimitsReported, RunUpdate
from symphony.scheduler.ratelimits import overlay

MAX_LIMITS: Final = 50
"""An account has a handful; of more than that, those that were reported last are kept."""
MAX_STREAMS: Final = 100
"""The protocol has a dozen; what exceeds this is thinned out as if it were of one kind."""
MAX_KIND: Final = 200
"""Characters of the name of a kind; a longer one counts among the others."""
MALFORMED: Final = "malformed"
"""The event of a line that is no message."""
_OTHER_STREAMS: Final = "other streams"


class Reporter:
    """Turns notifications into updates for one run."""

    def __init__(
        self, report: Callable[[RunUpdate], Awaitable[None]], *, stream_interval: float
    ) -> None:
        """`stream_interval` is how far apart activities of one kind of stream are told, in
        seconds."""
        self._report = report
        self._interval = stream_interval
        self._late: AgentActivity | None = None
        self._swallowed = anyio.Event()
        self._due: dict[str, float] = {}
        self._resumed: ThreadId | None = None
        self._own_turns: set[TurnId] = set()
        self._limits: dict[str, JsonObject] = {}

    def resume(self, thread: ThreadId) -> None:
        """The session goes on with a thread that has a history."""
        self._resumed = thread

    def own_turn(self, turn: TurnId) -> None:
        """This session started the turn."""
        self._own_turns.add(turn)

    async def update(self, update: RunUpdate) -> None:
        """Pass an update on."""
        await self._report(update)

    async def event(self, event: str, message: str) -> None:
        """One of the specification's events."""
        text = one_line(message, 4 * MAX_MESSAGE_CHARACTERS)
        await self._report(AgentActivity(event=event, message=text))

    async def notification(self, method: str, params: JsonObject) -> None:
        """Whatever the notification is good for."""
        if method == USAGE_METHOD:
            usage = read_usage(params, resumed=self._resumed, own_turns=self._own_turns)
            if usage is not None:
                await self._report(usage)
        elif method == RATE_LIMITS_METHOD:
            await self._rate_limits(params)
        activity = describe(method, params)
        if activity is None:
            return
        if is_stream(method) and not self._is_due(method):
            self._late = activity
            self._swallowed.set()
            return
        self._late = None
        await self._report(activity)

    async def keep_up(self) -> None:
        """Tell of the last activity that a stream swallowed, until cancelled: whoever measures how
        long the agent has been quiet would miss it (`stall.clock.origin`)."""
        while True:
            await self._swallowed.wait()
            await anyio.sleep(self._interval)
            self._swallowed = anyio.Event()
            late, self._late = self._late, None
            if late is not None:
                await self._report(late)

    async def malformed(self, line: MalformedLine) -> None:
        """A line that is no message; noise comes in floods, too."""
        if self._is_due(MALFORMED):
            await self.event(MALFORMED, f"{line.reason}: {line.excerpt}")

    async def _rate_limits(self, params: JsonObject) -> None:
        limits = read_rate_limits(params)
        if limits is None or not is_small(limits):
            return
        name = limit_name(limits)
        merged = overlay(self._limits.pop(name, None) or {}, limits)
        self._limits[name] = merged if is_small(merged) else limits
        if len(self._limits) > MAX_LIMITS:
            del self._limits[next(iter(self._limits))]
        await self._report(RateLimitsReported(limits=self._limits[name]))

    def _is_due(self, kind: str) -> bool:
        if kind not in self._due and (len(self._due) >= MAX_STREAMS or len(kind) > MAX_KIND):
            kind = _OTHER_STREAMS
        now = anyio.current_time()
        if now < self._due.get(kind, now):
            return False
        self._due[kind] = now + self._interval
        return True

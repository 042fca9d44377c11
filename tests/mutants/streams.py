"""Mutants of the lines on an agent's streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symphony.agents import rpc
from symphony.agents.channel import Channel
from symphony.agents.rpc import Connection, MalformedLine, Notification, Response, ServerRequest
from symphony.agents.session import AgentSession
from tests.mutants.patching import private, replace
from tests.mutants.registry import mutant


@mutant(
    "lines_up_to_one_megabyte",
    kills=("launch.line.limit",),
    about="A protocol line of more than 1 MiB ends the session.",
)
def _() -> None:
    original = Connection.__init__

    def init(self: Connection, *, max_line_bytes: int = rpc.MAX_LINE_BYTES // 10) -> None:
        original(self, max_line_bytes=max_line_bytes)

    replace(Connection, "__init__", init)


def _hearing(select: Callable[[Channel, list[Any]], list[Any]]) -> None:
    """Handle only some of the messages of one read."""
    original = private(Channel, "_handle")

    async def handle(self: Channel, events: list[Any]) -> None:
        await original(self, select(self, events))

    replace(Channel, "_handle", handle)


@mutant(
    "same_read_loses_the_end",
    kills=("session.rpc.same_read",),
    about="The end of a turn is lost if it arrives in one read with the answer that names it.",
)
def _() -> None:
    def select(channel: Channel, events: list[Any]) -> list[Any]:
        del channel
        named = [isinstance(each, Response) and each.method == "turn/start" for each in events]
        return [
            each
            for place, each in enumerate(events)
            if not (
                any(named[:place])
                and isinstance(each, Notification)
                and each.method == "turn/completed"
            )
        ]

    _hearing(select)


@mutant(
    "interleaved_is_lost",
    kills=("session.rpc.interleaved",),
    about="What arrives between a request and its response is dropped.",
)
def _() -> None:
    def select(channel: Channel, events: list[Any]) -> list[Any]:
        answered = [place for place, each in enumerate(events) if isinstance(each, Response)]
        # What stands behind the answer in the same read does not come between.
        until = (answered or [len(events)])[0] if private(channel, "_waiters") else 0
        return [
            each
            for place, each in enumerate(events)
            if place >= until or not isinstance(each, Notification | ServerRequest)
        ]

    _hearing(select)


@mutant(
    "split_character_is_lost",
    kills=("session.rpc.split_read",),
    about="Each read is decoded by itself, so that a character on its edge is destroyed.",
)
def _() -> None:
    original = Connection.receive_data

    def receive_data(self: Connection, data: bytes) -> object:
        return original(self, data.decode("utf-8", "replace").encode())

    replace(Connection, "receive_data", receive_data)


@mutant(
    "malformed_line_is_fatal",
    kills=("session.rpc.malformed",),
    about="A line that is no message ends the session.",
)
def _() -> None:
    async def on_malformed(self: AgentSession, line: MalformedLine) -> None:
        private(self, "_channel").fail(ValueError(f"a malformed line: {line.reason}"))

    replace(AgentSession, "on_malformed", on_malformed)


@mutant(
    "stderr_is_protocol",
    kills=("session.stderr.separate",),
    about="Lines on standard error are read as if they came on standard output.",
)
def _() -> None:
    original = private(Channel, "_read_diagnostics")

    async def read(self: Channel) -> None:
        transport = private(self, "_transport")
        receive = transport.receive_stderr
        # Its own, so that no piece of a line gets between those of the other stream.
        lines = Connection()

        async def heard(max_bytes: int) -> bytes:
            data: bytes = await receive(max_bytes)
            found = lines.receive_data(data)
            told = [each for each in found if isinstance(each, Notification)]
            await private(self, "_handle")(told)
            return data

        transport.receive_stderr = heard
        await original(self)

    replace(Channel, "_read_diagnostics", read)


@mutant(
    "stderr_is_not_read",
    kills=("session.stderr.drained",),
    about="Nobody reads standard error, so that an agent that writes much of it stands still.",
)
def _() -> None:
    async def read(self: Channel) -> None:
        del self

    replace(Channel, "_read_diagnostics", read)

"""Mutants of an agent session up to its opening turn, and of the lines on its streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symphony.agents import launch, messages
from symphony.agents.channel import Channel
from symphony.agents.handshake import Handshake
from symphony.agents.rpc import Connection
from symphony.agents.session import AgentSession
from symphony.domain import ids
from symphony.domain.ids import SessionId, ThreadId, TurnId
from symphony.domain.json import JsonObject
from symphony.domain.settings import CodexSettings
from symphony.processes import environment
from symphony.runtime import sessions
from tests.mutants.patching import private, replace, replace_in
from tests.mutants.registry import mutant


@mutant(
    "command_after_exec",
    kills=("launch.command.verbatim",),
    about="The agent's command is prefixed with `exec`, which no assignment survives.",
)
def _() -> None:
    def app_server_command(command: str) -> str:
        return f"exec {command}"

    replace(launch, "app_server_command", app_server_command)


@mutant(
    "command_without_login",
    kills=("launch.command.shell",),
    about="The agent is started by a shell that reads no login profile.",
)
def _() -> None:
    original = environment.login_shell

    def shell(script: str, variables: dict[str, str]) -> tuple[str, ...]:
        return tuple("-c" if word == "-lc" else word for word in original(script, variables))

    replace_in(sessions, "login_shell", shell)


@mutant(
    "initialized_comes_late",
    kills=("session.start.initialized", "session.protocol.valid"),
    about="The notification `initialized` is sent after the thread was started.",
)
def _() -> None:
    send = Channel.send
    open_thread: Any = Handshake.open_thread

    async def later(self: Handshake, *arguments: Any) -> tuple[ThreadId, bool]:
        channel: Channel = private(self, "_channel")
        held: list[bytes] = []

        async def hold_back(line: bytes) -> None:
            if b'"initialized"' in line:
                held.append(line)
            else:
                await send(channel, line)

        channel.send = hold_back
        opened: tuple[ThreadId, bool] = await open_thread(self, *arguments)
        del channel.send
        for line in held:
            await send(channel, line)
        return opened

    replace(Handshake, "open_thread", later)


@mutant(
    "thread_has_no_name",
    kills=("session.start.title",),
    about="The identifier and title of the issue are never sent as the name of the thread.",
)
def _() -> None:
    async def name(self: Handshake, thread: ThreadId, title: str) -> None:
        del self, thread, title

    replace(Handshake, "_name", name)


def _without(builder: str, *members: str) -> None:
    """Leave members out of what is sent."""
    original: Callable[..., JsonObject] = private(messages, builder)

    def params(*arguments: Any, **options: Any) -> JsonObject:
        built = original(*arguments, **options)
        return {key: value for key, value in built.items() if key not in members}

    replace(messages, builder, params)


@mutant(
    "cwd_is_left_to_the_agent",
    kills=("session.start.cwd",),
    about="No working directory is supplied, neither with the thread nor with its turns.",
)
def _() -> None:
    _without("thread_start_params", "cwd")
    _without("turn_start_params", "cwd")


@mutant(
    "policy_is_not_supplied",
    kills=("policy.startup.supplied", "config.codex.passthrough"),
    about="The approval policy and the sandbox are left to the agent's own settings.",
)
def _() -> None:
    _without("thread_start_params", "approvalPolicy", "sandbox")
    _without("turn_start_params", "approvalPolicy", "sandboxPolicy")


@mutant(
    "sandbox_policy_is_our_own",
    kills=(
        "config.codex.passthrough",
        "policy.startup.supplied",
    ),
    about="A sandbox policy of the workflow file is replaced by one that follows from the sandbox.",
)
def _() -> None:
    from symphony.agents import sandbox

    def policy(settings: CodexSettings, workspace: str) -> JsonObject | None:
        del settings, workspace
        return None

    replace(sandbox, "turn_sandbox_policy", policy)


@mutant(
    "prompt_is_cut",
    kills=("session.start.prompt",),
    about="Of a long prompt only the first four thousand characters are sent.",
)
def _() -> None:
    original = AgentSession.run_turn

    async def run_turn(self: AgentSession, prompt: str, number: int) -> object:
        return await original(self, prompt[:4_000], number)

    replace(AgentSession, "run_turn", run_turn)


@mutant(
    "request_id_of_turns_is_fixed",
    kills=("session.rpc.request_ids",),
    about="Every request for a turn carries the same id.",
)
def _() -> None:
    original = Connection.request

    def request(self: Connection, method: str, params: JsonObject) -> tuple[int, bytes]:
        if method != "turn/start":
            return original(self, method, params)
        last = self._last_id  # pyright: ignore[reportPrivateUsage]
        self._last_id = 998  # pyright: ignore[reportPrivateUsage]
        try:
            return original(self, method, params)
        finally:
            self._last_id = last  # pyright: ignore[reportPrivateUsage]

    replace(Connection, "request", request)


@mutant(
    "session_is_its_first_turn",
    kills=("session.identity.composed",),
    about="The session id keeps the id of the first turn of its thread.",
)
def _() -> None:
    original = ids.session_id
    firsts: dict[ThreadId, TurnId] = {}

    def session_id(thread: ThreadId, turn: TurnId) -> SessionId:
        return original(thread, firsts.setdefault(thread, turn))

    replace(ids, "session_id", session_id)

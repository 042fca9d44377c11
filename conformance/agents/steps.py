"""What a scenario can have an agent do, as functions, so that no step is spelled wrong.

Guarantees: every step that is built here exists in `app_server.py`. Must not: run anything.

    agent_script(
        turn(say("Looking."), gate()),
        turn(call_tool("issue_update", {"state": "Done"})),
    )

A turn completes after its last step, unless a step ended it otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias, TypedDict

from conformance.fakes.json_values import JsonObject, JsonValue

Step: TypeAlias = JsonObject
Turn: TypeAlias = Sequence[Step]


class Script(TypedDict, total=False):
    """What the agent of one session does; the keys are described in `app_server.py`."""

    turns: Sequence[Turn]
    before_initialize: Turn
    before_thread: Turn
    after_thread: Turn
    refuse: dict[str, str]
    silent: Sequence[str]
    thread_id: str
    resumed_usage: dict[str, int]
    ignore_end: bool
    ignore_term: bool
    strict: bool
    pause_ms: int


def agent_script(*turns: Turn, **more: JsonValue) -> Script:
    """The script of a session: its turns in order, the last one for all that follow. `more` are
    other members of `Script`; an unknown one is a `ValueError`."""
    unknown = sorted(more.keys() - Script.__annotations__.keys())
    if unknown:
        known = ", ".join(sorted(Script.__annotations__))
        raise ValueError(f"a script has no member {unknown[0]!r}; there are: {known}")
    script: Script = {**more}  # pyright: ignore[reportAssignmentType] - checked just above
    if turns:
        script["turns"] = turns
    return script


def turn(*steps: Step) -> Turn:
    """The steps of one turn."""
    return steps


def step(do: str, /, **members: JsonValue) -> Step:
    """Any step; members that are None are left out."""
    return {"do": do, **{key: each for key, each in members.items() if each is not None}}


# What a well-behaved agent does.


def say(text: str = "Not there yet.") -> Step:
    """A message of the agent."""
    return step("message", text=text)


def gate(name: str = "working") -> Step:
    """Stand still, and say nothing, until `AgentSession.open_gate(name)`."""
    return step("gate", name=name)


def call_tool(tool: str, arguments: JsonObject, *, namespace: str | None = None) -> Step:
    """Call a tool of the implementation and wait for the answer. It need not have been offered."""
    return step("tool", tool=tool, arguments=arguments, namespace=namespace)


def call_tools(*calls: tuple[str, JsonObject]) -> Step:
    """Call several tools at once and wait for all answers."""
    return step("tools", calls=[{"tool": name, "arguments": given} for name, given in calls])


def run(command: str) -> Step:
    """A shell command in the working directory; its output is in the event `ran`."""
    return step("run", command=command)


def usage(input_tokens: int, output_tokens: int, *, older: bool = False) -> Step:
    """The totals of the thread so far. `older`: under the names of older versions."""
    return step("usage", input=input_tokens, output=output_tokens, older=older or None)


def rate_limits(limits: JsonObject | None = None) -> Step:
    """A report of rate limits, by default with all values."""
    return step("rate_limits", limits=limits)


def subagent(*, status: str = "completed", input_tokens: int = 10, output_tokens: int = 1) -> Step:
    """A whole turn of another thread on the same connection, with tokens of its own."""
    return step("subagent", status=status, usage={"input": input_tokens, "output": output_tokens})


def config_warning(summary: str | None = None, *, path: str | None = None) -> Step:
    """The agent's own configuration is broken, and it goes on with default settings."""
    return step("config_warning", summary=summary, path=path)


def notify(method: str, parameters: JsonObject) -> Step:
    """Any notification."""
    return step("notify", method=method, params=parameters)


# What an agent asks for. Each waits for the answer.


def approve_command(command: str | None = None) -> Step:
    """May this command be run?"""
    return step("approve_command", command=command)


def approve_file() -> Step:
    """May these files be changed?"""
    return step("approve_file")


def ask_permissions(reason: str = "want to write") -> Step:
    """May it have more rights than the sandbox gives?"""
    return step("permissions", reason=reason)


def ask_user(questions: Sequence[JsonObject] | None = None) -> Step:
    """A question for a person."""
    return step("user_input", questions=questions)


def elicit(message: str = "Your name?") -> Step:
    """A question that a tool server has for a person."""
    return step("elicitation", message=message)


def approve_mcp() -> Step:
    """May a tool of a tool server be called?"""
    return step("mcp_approval")


def approve_old_command() -> Step:
    """The request of older versions for a command."""
    return step("old_command")


def approve_old_patch() -> Step:
    """The request of older versions for a change of files."""
    return step("old_patch")


def ask(
    method: str,
    parameters: JsonObject | None = None,
    *,
    request_id: str | int | None = None,
    wait: bool = True,
) -> Step:
    """Any request. Without `wait` the next step follows before the answer."""
    return step("ask", method=method, params=parameters or {}, id=request_id, wait=wait)


# How a turn ends otherwise.


def fail(message: str | None = None, *, kind: str | None = None) -> Step:
    """The turn ends as failed."""
    return step("fail", message=message, kind=kind)


def error_notice(message: str | None = None, *, retry: bool = True) -> Step:
    """The agent tells of an error; with `retry` it goes on trying."""
    return step("error", message=message, retry=retry)


def interrupted() -> Step:
    """The turn ends as interrupted."""
    return step("interrupted")


def completed() -> Step:
    """Say that the turn is complete, and go on with the steps."""
    return step("completed")


def end(status: str | None = None, *, method: str | None = None) -> Step:
    """The turn ends with any status, or none, by any method name."""
    return step("end", status=status, method=method)


def foreign_end(*, thread: str | None = None, status: str = "completed") -> Step:
    """The end of another turn; `thread="other"`: of another thread, under this turn's id."""
    return step("foreign_end", thread=thread, status=status)


# Misbehaviour.

Noise: TypeAlias = Literal["output", "reconnect", "errors"]


def chatter(name: str = "working", *, interval_ms: int = 100, kind: Noise = "output") -> Step:
    """A gate at which the agent is not silent: progress, notices of reconnection, or lines on
    standard error, one each `interval_ms`."""
    return step("chatter", name=name, interval_ms=interval_ms, kind=kind)


TOGETHER: Final[Step] = step("together")
"""First step: the answer to `turn/start` and all of the turn go out in one write."""
END_FIRST: Final[Step] = step("end_first")
"""First step: the turn ends before `turn/start` is answered."""


def split(text: str | None = None) -> Step:
    """A message with letters beyond ASCII, written byte by byte."""
    return step("split", text=text)


def long_line(size: int = 9_000_000) -> Step:
    """A valid notification of exactly that many bytes."""
    return step("long_line", bytes=size)


def raw(text: str) -> Step:
    """These very characters on standard output; a line break is yours to add."""
    return step("raw", text=text)


def raw_bytes(data: bytes) -> Step:
    """These very bytes on standard output."""
    return step("raw", hex=data.hex())


def raw_error(text: str) -> Step:
    """These very characters on standard error."""
    return step("raw", text=text, stream="stderr")


def flood_errors(size: int = 1_000_000) -> Step:
    """That many bytes of noise on standard error."""
    return step("stderr_flood", bytes=size)


def complete_on_errors() -> Step:
    """A perfect end of the turn, on standard error."""
    return step("stderr_completion")


def leave_grandchild(seconds: int = 60, *, own_session: bool = True) -> Step:
    """A child that holds both outputs open. In a session of its own it outlives the agent; else it
    is in the agent's process group. Its pid is among `AgentSession.children`."""
    return step("grandchild", seconds=seconds, own_session=own_session)


def close_output() -> Step:
    """Close standard output and go on."""
    return step("close_output")


def exit_with(code: int = 0) -> Step:
    """End the process at once."""
    return step("exit", code=code)


def die() -> Step:
    """End by SIGKILL."""
    return step("kill")


def crash_mid_line() -> Step:
    """Write half a message and exit with 1."""
    return step("crash_mid_line")


def forget_interrupts() -> Step:
    """From here on interrupts are acknowledged and not obeyed."""
    return step("forget_interrupt")


WORKS: Final = agent_script(turn(gate()))
"""Stands at the gate `working`; the turn completes when it is opened."""
TALKS: Final = agent_script(turn(say(), usage(1000, 100)))
"""Every turn says something, reports the same totals and completes."""

"""Mutants of turns: how they end, what follows them, and which silence ends them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio

from symphony.agents import turn
from symphony.agents.channel import Channel
from symphony.agents.errors import AgentError, Category
from symphony.agents.handshake import Handshake
from symphony.agents.messages import TurnEnd
from symphony.agents.session import AgentSession
from symphony.agents.turn import TurnWatch
from symphony.domain.ids import ThreadId
from symphony.domain.run import Failed, RunOutcome, Succeeded
from symphony.domain.tools import ToolSpec
from symphony.runtime import sessions
from symphony.runtime.sessions import SessionRunner
from tests.mutants.patching import private, replace
from tests.mutants.registry import mutant


@mutant(
    "interrupted_is_good",
    kills=("turn.outcome.failed",),
    about="A turn that was interrupted counts as completed.",
)
def _() -> None:
    original = turn.failure_of

    def failure_of(end: TurnEnd) -> tuple[str, AgentError] | None:
        return None if end.status == "interrupted" else original(end)

    replace(turn, "failure_of", failure_of)


@mutant(
    "exit_code_0_is_good",
    kills=("turn.outcome.exit",),
    about="An agent that exits with the code 0 in the middle of a turn has succeeded.",
)
def _() -> None:
    original: Any = SessionRunner.run

    async def run(self: SessionRunner, *arguments: Any) -> RunOutcome:
        outcome: RunOutcome = await original(self, *arguments)
        if isinstance(outcome, Failed) and "ended with exit code 0" in outcome.message:
            return Succeeded()
        return outcome

    replace(SessionRunner, "run", run)


@mutant(
    "any_end_ends_the_turn",
    kills=("turn.outcome.foreign",),
    about="The end of another thread's turn ends the turn.",
)
def _() -> None:
    def observe(self: TurnWatch, end: TurnEnd) -> bool:
        self.end = self.end or end
        return True

    replace(TurnWatch, "observe", observe)


@mutant(
    "issue_is_not_read_between_turns",
    kills=("turn.continuation.recheck", "run.refresh.failed"),
    about="After a good turn the next one begins without a look at the issue.",
)
def _() -> None:
    async def after_turn(self: object) -> None:
        del self

    replace(private(sessions, "_Session"), "_after_turn", after_turn)


@mutant(
    "failed_read_between_turns_is_ignored",
    kills=("run.refresh.failed",),
    about="Where the issue cannot be read after a good turn, the next turn begins.",
)
def _() -> None:
    session = private(sessions, "_Session")
    original = private(session, "_after_turn")

    async def after_turn(self: object) -> RunOutcome | None:
        ending: RunOutcome | None = await original(self)
        failed = isinstance(ending, Failed) and ending.category == "issue_refresh_failed"
        return None if failed else ending

    replace(session, "_after_turn", after_turn)


@mutant(
    "one_turn_too_many",
    kills=("turn.limit.max_turns", "turn.continuation.continues", "config.default.limits"),
    about="A worker begins one turn more than `agent.max_turns`.",
)
def _() -> None:
    session = private(sessions, "_Session")
    original = private(session, "_turns")
    after_turn = private(session, "_after_turn")

    async def turns(self: Any, agent: AgentSession, prompt: str) -> RunOutcome:
        outcome: RunOutcome = await original(self, agent, prompt)
        limit = self._workflow.settings.agent.max_turns
        begun = private(agent, "_turn_number")
        if isinstance(outcome, Succeeded) and begun == limit and self._wants_more(self._issue):
            await agent.run_turn("Go on.", limit + 1)
            return (await after_turn(self)) or outcome
        return outcome

    replace(session, "_turns", turns)


@mutant(
    "one_turn_only",
    kills=("turn.continuation.continues",),
    about="A worker ends after its first turn although the issue is still active.",
)
def _() -> None:
    session = private(sessions, "_Session")
    original = private(session, "_after_turn")

    async def after_turn(self: object) -> RunOutcome:
        ending: RunOutcome | None = await original(self)
        return ending or Succeeded()

    replace(session, "_after_turn", after_turn)


@mutant(
    "later_turns_repeat_the_prompt",
    kills=("turn.continuation.guidance",),
    about="Each turn of a worker carries the whole prompt.",
)
def _() -> None:
    original = AgentSession.run_turn
    prompts: dict[int, str] = {}

    async def run_turn(self: AgentSession, prompt: str, number: int) -> object:
        if number == 1:
            prompts[id(self)] = prompt
        return await original(self, prompts[id(self)], number)

    replace(AgentSession, "run_turn", run_turn)


@mutant(
    "later_turns_on_new_threads",
    kills=("turn.continuation.thread",),
    about="Each turn of a worker starts a thread of its own.",
)
def _() -> None:
    original = AgentSession.run_turn

    async def run_turn(self: AgentSession, prompt: str, number: int) -> object:
        if number > 1:
            tools: Sequence[ToolSpec] = private(self, "_tools")
            names = ("_channel", "_reporter", "_settings", "_workspace")
            channel, reporter, settings, workspace = (private(self, name) for name in names)
            handshake = Handshake(channel, reporter, settings, workspace)
            thread: ThreadId = await private(handshake, "_start")(tools)
            self._thread = thread  # pyright: ignore[reportPrivateUsage]
        return await original(self, prompt, number)

    replace(AgentSession, "run_turn", run_turn)


@mutant(
    "turn_clock_counts_all",
    kills=("turn.timeout.not_total",),
    about="The turn timeout counts from the beginning of the turn, whatever the agent tells.",
)
def _() -> None:
    original = private(AgentSession, "_wait_for_end")

    async def wait(self: AgentSession) -> None:
        limit = private(self, "_settings").turn_timeout_ms
        with anyio.move_on_after(limit / 1000):
            await original(self)
            return
        raise AgentError(Category.TURN_TIMEOUT, f"the turn took longer than {limit} ms")

    replace(AgentSession, "_wait_for_end", wait)


@mutant(
    "silent_turn_never_ends",
    kills=("turn.timeout.silence",),
    about="A turn in which the agent is silent is waited for without a bound.",
)
def _() -> None:
    original = private(AgentSession, "_wait_for_end")

    async def wait(self: AgentSession) -> None:
        await private(self, "_settled").wait()
        await original(self)

    replace(AgentSession, "_wait_for_end", wait)


@mutant(
    "silent_start_never_ends",
    kills=("session.timeout.read",),
    about="An agent that leaves a request of the start unanswered is waited for without a bound.",
)
def _() -> None:
    original: Any = Channel.__init__

    def init(self: Channel, *arguments: Any, read_timeout: float, **options: Any) -> None:
        original(self, *arguments, read_timeout=1_000 * read_timeout, **options)

    replace(Channel, "__init__", init)


@mutant(
    "held_output_holds_the_run",
    kills=("run.end.held_pipe", "session.error.categories"),
    about="The end of an agent's output is waited for, although a process that it left holds it.",
)
def _() -> None:
    original = private(Channel, "_watch_exit")

    async def watch(self: Channel) -> None:
        await private(self, "_transport").wait()
        await private(self, "_stdout_ended").wait()
        await original(self)

    replace(Channel, "_watch_exit", watch)

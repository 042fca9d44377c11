"""Feed very many wrong lines of a real agent to the real session, and count what becomes of them.

    python -m tests.reliability.hostile_lines --lines 1000000 --seed 1

Every session has to end in one of the ways that the specification names, in bounded time, and to
leave nothing behind. The sessions are numbered; one that does not keep to this is named with the
seed and its number, and `--only NUMBER` runs it alone.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final

import anyio

from symphony.agents.errors import AgentError, Category
from symphony.agents.limits import SessionLimits
from symphony.agents.session import AgentSession, open_session
from symphony.domain.json import JsonValue
from symphony.domain.run import Failed, NeedsPerson, RunOutcome, RunUpdate, Succeeded
from symphony.domain.settings import CodexSettings
from symphony.domain.tools import ToolResult, ToolSpec
from tests.reliability.hostile_agent import HostileAgent
from tests.reliability.hostile_daemon import Listener

LINES_OF_A_TURN: Final = 60
TURNS: Final = 6
HANG_S: Final = 120.0
"""After so long a session counts as hanging; each takes milliseconds, on any machine."""
SETTLED: Final = 0.25
"""Of a run: caches are filled by then, and what still grows is a leak."""
SLACK: Final = 0.02
"""Of the objects at that time: what may come and go."""
SLACK_OBJECTS: Final = 3_000
_SETTINGS: Final = CodexSettings(read_timeout_ms=60_000, turn_timeout_ms=60_000, stall_timeout_ms=0)
_LIMITS: Final = SessionLimits(interrupt=30.0, closed_stream=30.0, tool_call=30.0)
_TOOLS: Final = tuple(
    ToolSpec(name=name, description="", input_schema={"type": "object"}, changes_tracker=True)
    for name in ("tracker_get_issue", "issue_update")
)


class HostileLineError(AssertionError):
    """A session did what none may do."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of all sessions so far. `objects` are numbers of live objects over time."""

    sessions: int = 0
    lines: int = 0
    bytes: int = 0
    updates: int = 0
    failed_turns: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])
    replies: Counter[str] = field(default_factory=Counter[str])
    objects: list[int] = field(default_factory=list[int])

    @property
    def growth(self) -> int:
        """Live objects at the end beyond those of the settled run."""
        settled = self.objects[int(len(self.objects) * SETTLED) :] or [0]
        return settled[-1] - settled[0]

    @property
    def allowed_growth(self) -> int:
        """What is no growth yet."""
        return round(max(self.objects, default=0) * SLACK) + SLACK_OBJECTS


async def run_session(seed: int, number: int, listener: Listener, workspace: str) -> HostileAgent:
    """One session of this number. Returns its agent; raises whatever a session must not raise."""
    agent = HostileAgent(Random(f"{seed} {number}"), lines=LINES_OF_A_TURN)  # noqa: S311
    random = Random(f"{seed} {number} tools")  # noqa: S311

    async def report(update: RunUpdate) -> None:
        listener.hear(update)

    async def execute(name: str, arguments: JsonValue) -> ToolResult:
        await anyio.lowlevel.checkpoint()
        if random.random() < 0.1:
            raise RuntimeError("the tool breaks")
        return ToolResult(success=True, content={"tool": name, "arguments": arguments})

    def record(direction: str, line: bytes) -> None:
        assert direction in {"to_agent", "from_agent", "stderr"}
        assert b"\n" not in line

    outcome: RunOutcome = Succeeded()
    try:
        async with open_session(
            transport=agent,
            settings=_SETTINGS,
            workspace=workspace,
            title="A-1: Repair the roof",
            tools=_TOOLS,
            execute_tool=execute,
            report=report,
            record=record,
            limits=_LIMITS,
        ) as session:
            outcome = await _turns(session, agent)
    except AgentError as error:
        outcome = Failed(category=error.category.value, message=error.message)
    listener.end(outcome)
    agent.outcome = outcome
    return agent


async def _turns(session: AgentSession, agent: HostileAgent) -> RunOutcome:
    """Turns until one leaves nothing to go on with."""
    for turn in range(1, TURNS + 1):
        try:
            result = await session.run_turn("Go on.", turn)
        except AgentError as error:
            if error.category not in {Category.TURN_FAILED, Category.TURN_CANCELLED}:
                raise
            agent.failed_turns += 1
        else:
            if isinstance(result, NeedsPerson):
                return result
    return Succeeded()


async def run_sessions(tally: Tally, *, lines: int, seed: int, progress: bool = False) -> None:
    """Sessions until so many lines were sent. Raises `HostileLineError`."""
    listener = Listener()
    samples = max(lines // 40, 1)
    with tempfile.TemporaryDirectory() as workspace, _all_objects_countable():
        while tally.lines < lines:
            await _one(tally, seed, tally.sessions, listener, workspace)
            if tally.lines // samples >= len(tally.objects):
                gc.collect()
                tally.objects.append(len(gc.get_objects()))
                if progress:
                    print(f"{tally.lines} lines, {tally.objects[-1]} objects", flush=True)
    tally.updates = listener.updates
    if tally.growth > tally.allowed_growth:
        raise HostileLineError(f"seed {seed}: objects grow: {tally.objects}")


async def _one(tally: Tally, seed: int, number: int, listener: Listener, workspace: str) -> None:
    try:
        with anyio.fail_after(HANG_S):
            agent = await run_session(seed, number, listener, workspace)
    except Exception as error:
        named = f"--seed {seed} --only {number}: {type(error).__name__}: {str(error)[:2_000]}"
        raise HostileLineError(named) from error
    tally.sessions += 1
    tally.lines += agent.sent_lines
    tally.bytes += agent.sent_bytes
    tally.failed_turns += agent.failed_turns
    tally.replies += agent.replies
    tally.outcomes[_named(agent.outcome)] += 1


def _named(outcome: RunOutcome) -> str:
    match outcome:
        case Failed(category=category):
            return category
        case NeedsPerson(request=request):
            return f"needs a person ({request})"
        case _:
            return "all turns completed"


@contextmanager
def _all_objects_countable() -> Generator[None]:
    """Objects that this program itself was loaded with are not counted over and over."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def resident_kilobytes() -> int:
    """Memory of this process, in KiB; 0 where there is no /proc."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            found = [line.split()[1] for line in status if line.startswith("VmRSS")]
    except OSError:
        return 0
    return int(found[0]) if found else 0


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Feed wrong lines of a real agent to the session.")
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one session")
    given = parser.parse_args(arguments)
    tally = Tally()
    began = time.monotonic()
    if given.only is None:
        anyio.run(lambda: run_sessions(tally, lines=given.lines, seed=given.seed, progress=True))
    else:
        with tempfile.TemporaryDirectory() as place:
            anyio.run(_one, tally, given.seed, given.only, Listener(), place)
    _print(tally, time.monotonic() - began, given.seed)
    return 0


def _print(tally: Tally, seconds: float, seed: int) -> None:
    print(f"seed {seed}: {tally.lines} lines ({tally.bytes} bytes) in {tally.sessions} sessions")
    print(f"{seconds:.1f} s, {tally.lines / seconds:.0f} lines/s, {tally.updates} reports")
    print(f"{tally.failed_turns} turns failed or were cancelled, and their sessions went on")
    print(f"answers to the agent's requests: {dict(tally.replies)}")
    for outcome, count in tally.outcomes.most_common():
        print(f"{count:9}  {outcome}")
    if tally.objects:
        print(f"objects: {tally.objects[0]} first, {tally.growth:+} after a quarter of the run")
    print(f"resident memory at the end: {resident_kilobytes()} KiB")


if __name__ == "__main__":
    sys.exit(main())

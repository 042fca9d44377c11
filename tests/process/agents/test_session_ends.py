"""How a session ends: the process and all it started are gone, whatever they do."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from symphony.agents.errors import AgentError, Category
from symphony.agents.limits import SessionLimits
from symphony.agents.session import TurnCompleted
from symphony.domain.json import JsonObject
from tests.support.agent_sessions import (
    DEADLINE_S,
    Bench,
    Gates,
    Script,
    fake_session,
    open_gates,
    read_journal,
)

pytestmark = pytest.mark.anyio


def turn(*steps: JsonObject) -> Script:
    return {"turns": [list(steps)]}


def is_alive(pid: int) -> bool:
    """Whether the process still runs; a zombie does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
async def gates(tmp_path: Path) -> AsyncIterator[Gates]:
    async with open_gates(tmp_path / "gates") as opened:
        yield opened


async def test_an_agent_leaves_by_itself_at_the_end_of_its_input(tmp_path: Path) -> None:
    async with fake_session(tmp_path) as bench:
        await bench.session.run_turn("Go.", 1)
    (end,) = bench.journal("end")
    assert end["reason"] == "end of input"
    assert not is_alive(bench.process.pid)


@pytest.mark.proves("run.end.process_stopped")
async def test_an_agent_that_ignores_everything_is_ended(tmp_path: Path, gates: Gates) -> None:
    script: Script = {
        "ignore_end": True,
        "ignore_term": True,
        "turns": [[{"do": "forget_interrupt"}, {"do": "gate"}]],
    }
    limits = SessionLimits(stop_grace_ms=100)
    with anyio.fail_after(DEADLINE_S):
        bench = await cancel_at_gate(tmp_path, script, gates, limits)
    assert not is_alive(bench.process.pid)
    assert bench.journal("ignored end")


async def cancel_at_gate(
    tmp_path: Path, script: Script, gates: Gates, limits: SessionLimits
) -> Bench:
    """Run a turn until the agent stands at the gate, and cancel the session there."""
    benches: list[Bench] = []

    async def run() -> None:
        async with fake_session(
            tmp_path, script, limits=limits, control=tmp_path / "gates"
        ) as bench:
            benches.append(bench)
            await bench.session.run_turn("Go.", 1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await gates.reached("gate")
        tasks.cancel_scope.cancel()
    return benches[0]


@pytest.mark.proves("run.end.held_pipe", "run.end.tree")
async def test_a_grandchild_that_holds_the_output_keeps_no_turn_from_ending(
    tmp_path: Path,
) -> None:
    script = turn({"do": "grandchild", "seconds": 600}, {"do": "exit", "code": 0})
    limits = SessionLimits(stop_grace_ms=100, last_words=0.2)
    with anyio.fail_after(DEADLINE_S):
        async with fake_session(tmp_path, script, limits=limits) as bench:
            with pytest.raises(AgentError) as caught:
                await bench.session.run_turn("Go.", 1)
    assert caught.value.category is Category.PORT_EXIT
    (child,) = bench.journal("child")
    assert isinstance(child["pid"], int)
    assert not is_alive(child["pid"])


async def test_a_completed_turn_is_not_lost_behind_a_grandchild(tmp_path: Path) -> None:
    script = turn({"do": "grandchild", "seconds": 600})
    limits = SessionLimits(stop_grace_ms=100)
    async with fake_session(tmp_path, script, limits=limits) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()


@pytest.mark.usefixtures("gates")
async def test_an_agent_that_closes_its_output_has_failed(tmp_path: Path) -> None:
    script = turn({"do": "close_output"}, {"do": "gate"})
    limits = SessionLimits(closed_stream=0.2)
    async with fake_session(tmp_path, script, limits=limits, control=tmp_path / "gates") as bench:
        with pytest.raises(AgentError) as caught:
            await bench.session.run_turn("Go.", 1)
    assert caught.value.category is Category.PORT_EXIT
    assert "closed its output" in caught.value.message


async def test_an_error_in_the_block_comes_out_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with fake_session(tmp_path):
            raise KeyError("mine")
    assert read_journal(tmp_path)[-1]["event"] == "end"


async def test_a_cancelled_session_leaves_no_process(tmp_path: Path, gates: Gates) -> None:
    bench = await cancel_at_gate(tmp_path, turn({"do": "gate"}), gates, SessionLimits())
    assert not is_alive(bench.process.pid)


async def test_the_environment_of_these_tests_has_a_process_table() -> None:
    assert is_alive(os.getpid())

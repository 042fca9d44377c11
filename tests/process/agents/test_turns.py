"""How a turn ends, over real pipes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from symphony.agents.errors import AgentError, Category
from symphony.agents.limits import SessionLimits
from symphony.agents.messages import MAX_PROMPT_CHARACTERS
from symphony.agents.session import TurnCompleted
from symphony.domain.json import JsonObject
from symphony.domain.run import (
    AgentActivity,
    RateLimitsReported,
    RunUpdate,
    TokenUsage,
    TurnStarted,
    UsageReported,
)
from tests.support.agent_sessions import PATIENT, Bench, Gates, Script, fake_session, open_gates

pytestmark = pytest.mark.anyio
# For turns that stay silent: passes soon, and not between two lines on a loaded machine.
SILENCE = replace(PATIENT, turn_timeout_ms=1_500)


def turn(*steps: JsonObject) -> Script:
    return {"turns": [list(steps)]}


async def failure(bench: Bench) -> AgentError:
    with pytest.raises(AgentError) as caught:
        await bench.session.run_turn("Go.", 1)
    return caught.value


@pytest.fixture
async def gates(tmp_path: Path) -> AsyncIterator[Gates]:
    async with open_gates(tmp_path / "gates") as opened:
        yield opened


@pytest.mark.proves("turn.outcome.completed", "session.event.started")
async def test_a_completed_turn_is_a_success(tmp_path: Path) -> None:
    async with fake_session(tmp_path) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()
        (started,) = bench.of(TurnStarted)
        assert started.thread_id == bench.session.thread_id
        assert started.number == 1
        session = f"{started.thread_id}-{started.turn_id}"
        assert bench.events("session_started") == [session]
        assert bench.events("turn_completed")


@pytest.mark.proves("turn.continuation.thread", "turn.process.kept")
async def test_later_turns_run_on_the_same_thread_of_the_same_process(tmp_path: Path) -> None:
    async with fake_session(tmp_path) as bench:
        for number, prompt in enumerate(("Do it.", "Go on.", "Finish."), start=1):
            await bench.session.run_turn(prompt, number)
        turns = bench.of(TurnStarted)
        assert [seen.number for seen in turns] == [1, 2, 3]
        assert len({seen.thread_id for seen in turns}) == 1
        assert len({seen.turn_id for seen in turns}) == 3
        assert len(bench.journal("start")) == 1


@pytest.mark.proves("turn.outcome.failed")
async def test_a_failed_turn_is_a_failure_with_the_agents_reason(tmp_path: Path) -> None:
    script = turn({"do": "fail", "message": "You hit a limit.", "kind": "usageLimitExceeded"})
    async with fake_session(tmp_path, script) as bench:
        error = await failure(bench)
        assert error.category is Category.TURN_FAILED
        assert "You hit a limit. [usageLimitExceeded]" in error.message
        assert bench.events("turn_failed")
        assert not bench.events("turn_completed")


@pytest.mark.proves("turn.outcome.failed")
async def test_an_interrupted_turn_is_a_failure(tmp_path: Path) -> None:
    async with fake_session(tmp_path, turn({"do": "interrupted"})) as bench:
        error = await failure(bench)
        assert error.category is Category.TURN_CANCELLED
        assert bench.events("turn_cancelled")


@pytest.mark.parametrize(
    ("step", "category"),
    [
        ({"do": "end", "method": "turn/failed"}, Category.TURN_FAILED),
        ({"do": "end", "method": "turn/cancelled"}, Category.TURN_CANCELLED),
        ({"do": "end", "method": "turn/failed", "params": {}}, Category.TURN_FAILED),
        ({"do": "end"}, Category.TURN_FAILED),
        ({"do": "end", "status": "postponed"}, Category.TURN_FAILED),
    ],
)
async def test_other_ends_are_failures_too(
    tmp_path: Path, step: JsonObject, category: Category
) -> None:
    async with fake_session(tmp_path, turn(step)) as bench:
        assert (await failure(bench)).category is category


async def test_a_session_goes_on_after_a_failed_turn(tmp_path: Path) -> None:
    script: Script = {"turns": [[{"do": "fail"}], []]}
    async with fake_session(tmp_path, script) as bench:
        await failure(bench)
        assert await bench.session.run_turn("Again.", 2) == TurnCompleted()


@pytest.mark.proves("turn.outcome.foreign", "usage.threads.summed")
@pytest.mark.parametrize("status", ["completed", "failed"])
async def test_the_turn_of_a_sub_agent_does_not_end_ours(
    tmp_path: Path, gates: Gates, status: str
) -> None:
    script = turn(
        {"do": "usage", "input": 100, "output": 10},
        {"do": "subagent", "status": status, "usage": {"input": 7, "output": 3}},
        {"do": "foreign_end"},
        {"do": "foreign_end", "thread": "other"},
        {"do": "gate"},
        {"do": "usage", "input": 150, "output": 20},
    )
    async with fake_session(tmp_path, script, control=tmp_path / "gates") as bench:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(gates.let_go, "gate")
            assert await bench.session.run_turn("Go.", 1) == TurnCompleted()
        usage = {report.thread_id: report.total for report in bench.of(UsageReported)}
        own = usage.pop(bench.session.thread_id)
        assert own == TokenUsage(input_tokens=150, output_tokens=20, total_tokens=170)
        (sub,) = usage.values()
        assert sub == TokenUsage(input_tokens=7, output_tokens=3, total_tokens=10)
        assert not any(report.is_baseline for report in bench.of(UsageReported))


@pytest.mark.proves("turn.outcome.exit", "session.error.categories")
@pytest.mark.parametrize("code", [0, 3])
async def test_an_exit_during_a_turn_is_a_failure_whatever_its_code(
    tmp_path: Path, code: int
) -> None:
    async with fake_session(tmp_path, turn({"do": "exit", "code": code})) as bench:
        error = await failure(bench)
        assert error.category is Category.PORT_EXIT
        assert f"exit code {code}" in error.message
        assert bench.events("turn_ended_with_error")


@pytest.mark.proves("turn.outcome.exit")
async def test_a_signal_that_ends_the_agent_is_named(tmp_path: Path) -> None:
    async with fake_session(tmp_path, turn({"do": "kill"})) as bench:
        assert "ended" in (await failure(bench)).message


@pytest.mark.proves("turn.outcome.exit", "session.rpc.malformed")
async def test_half_a_completion_before_a_crash_completes_nothing(tmp_path: Path) -> None:
    async with fake_session(tmp_path, turn({"do": "crash_mid_line"})) as bench:
        assert (await failure(bench)).category is Category.PORT_EXIT
        assert "the middle of a line" in bench.events("malformed")[0]


async def test_a_completion_right_before_the_exit_counts(tmp_path: Path) -> None:
    """Also where the scheduler is still busy with earlier lines when the process is gone."""
    gone = anyio.Event()

    async def report(update: RunUpdate) -> None:
        if isinstance(update, TurnStarted):
            await bench.process.wait()
            gone.set()

    script = turn({"do": "completed"}, {"do": "exit", "code": 0})
    limits = SessionLimits(last_words=0.5)
    async with fake_session(tmp_path, script, report=report, limits=limits) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()
        assert gone.is_set()


async def test_an_agent_that_exits_between_turns_fails_the_next_one(tmp_path: Path) -> None:
    script = turn({"do": "completed"}, {"do": "exit", "code": 0})
    async with fake_session(tmp_path, script) as bench:
        await bench.session.run_turn("Go.", 1)
        await bench.process.wait()
        with pytest.raises(AgentError) as caught:
            await bench.session.run_turn("Go on.", 2)
        assert caught.value.category is Category.PORT_EXIT


@pytest.mark.proves("turn.timeout.silence", "session.error.categories")
async def test_silence_within_a_turn_fails_it(tmp_path: Path, gates: Gates) -> None:
    script = turn({"do": "gate", "name": "silence"})
    async with fake_session(
        tmp_path, script, settings=SILENCE, control=tmp_path / "gates"
    ) as bench:
        error = await failure(bench)
        assert error.category is Category.TURN_TIMEOUT
        await gates.reached("silence")


@pytest.mark.proves("turn.timeout.not_total")
async def test_output_restarts_the_clock_of_a_turn(tmp_path: Path) -> None:
    # In all longer than the timeout, with a line every third of it.
    script = turn(*({"do": "run", "command": "sleep 0.5"} for _ in range(5)))
    async with fake_session(tmp_path, script, settings=SILENCE) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()


@pytest.mark.proves("turn.timeout.stderr", "session.stderr.separate")
async def test_noise_on_standard_error_keeps_no_turn_alive(tmp_path: Path) -> None:
    script = turn({"do": "noise", "seconds": 60})
    async with fake_session(tmp_path, script, settings=SILENCE) as bench:
        assert (await failure(bench)).category is Category.TURN_TIMEOUT


@pytest.mark.proves("session.stderr.separate")
async def test_a_completion_on_standard_error_completes_nothing(tmp_path: Path) -> None:
    script = turn({"do": "stderr_completion"}, {"do": "fail", "message": "for real"})
    async with fake_session(tmp_path, script) as bench:
        assert "for real" in (await failure(bench)).message


@pytest.mark.proves("session.stderr.drained")
async def test_a_flood_on_standard_error_blocks_nothing(tmp_path: Path) -> None:
    script = turn({"do": "stderr_flood", "bytes": 5_000_000})
    async with fake_session(tmp_path, script) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()


@pytest.mark.proves("session.rpc.same_read", "session.rpc.split_read")
@pytest.mark.parametrize(
    "steps",
    [
        [{"do": "together"}],
        [{"do": "together"}, {"do": "message"}, {"do": "split"}],
        [{"do": "end_first"}],
        [{"do": "split", "text": "Grüße, 世界 🚀"}],
        [{"do": "raw", "text": "noise\n\n[]\n"}, {"do": "raw", "hex": "fffe0a"}],
        [{"do": "long_line", "bytes": 9_000_000}],
    ],
    ids=["together", "together-more", "end-first", "split", "noise", "9-megabytes"],
)
async def test_how_lines_are_cut_or_what_stands_between_them_does_not_matter(
    tmp_path: Path, steps: list[JsonObject]
) -> None:
    async with fake_session(tmp_path, turn(*steps)) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()


@pytest.mark.proves("launch.line.limit")
async def test_a_line_beyond_the_limit_fails_the_session_and_not_the_daemon(
    tmp_path: Path,
) -> None:
    async with fake_session(tmp_path, turn({"do": "long_line", "bytes": 11_000_000})) as bench:
        error = await failure(bench)
        assert error.category is Category.PROTOCOL_ERROR
        assert "10485760 bytes" in error.message


async def test_a_prompt_that_the_agent_would_refuse_is_not_sent(tmp_path: Path) -> None:
    async with fake_session(tmp_path) as bench:
        with pytest.raises(AgentError) as caught:
            await bench.session.run_turn("x" * (MAX_PROMPT_CHARACTERS + 1), 1)
        assert caught.value.category is Category.PROMPT_TOO_LONG
        assert bench.received("turn/start") == []
        await bench.session.run_turn("é" * MAX_PROMPT_CHARACTERS, 1)


async def test_a_refused_turn_is_a_failure(tmp_path: Path) -> None:
    async with fake_session(tmp_path, {"refuse": {"turn/start": "no"}}) as bench:
        assert (await failure(bench)).category is Category.RESPONSE_ERROR


@pytest.mark.proves("ratelimit.sparse.kept")
async def test_rate_limits_are_reported_and_sparse_updates_merged(tmp_path: Path) -> None:
    sparse: JsonObject = {
        "limitId": "codex",
        "primary": {"usedPercent": 50},
        "secondary": None,
        "credits": None,
    }
    script = turn({"do": "rate_limits"}, {"do": "rate_limits", "limits": sparse})
    async with fake_session(tmp_path, script) as bench:
        await bench.session.run_turn("Go.", 1)
        _, latest = (report.limits for report in bench.of(RateLimitsReported))
        assert latest["primary"] == {
            "usedPercent": 50,
            "windowDurationMins": 300,
            "resetsAt": 1795225530,
        }
        assert latest["credits"] is not None


async def test_an_agent_that_reconnects_reports_no_progress(tmp_path: Path) -> None:
    script = turn(*({"do": "error", "retry": True} for _ in range(3)))
    async with fake_session(tmp_path, script) as bench:
        await bench.session.run_turn("Go.", 1)
        retries = [seen for seen in bench.of(AgentActivity) if "retrying" in seen.message]
        assert len(retries) == 3
        assert not any(seen.is_progress for seen in retries)


async def test_streams_are_thinned_out_and_nothing_else_is(tmp_path: Path) -> None:
    delta: JsonObject = {
        "do": "notify",
        "method": "item/agentMessage/delta",
        "params": {"delta": "x"},
    }
    script = turn(*[delta] * 500, {"do": "usage", "input": 1, "output": 1})
    limits = SessionLimits(stream_interval=3600)
    async with fake_session(tmp_path, script, limits=limits) as bench:
        await bench.session.run_turn("Go.", 1)
        assert bench.events("notification").count("is writing a message") == 1
        assert len(bench.of(UsageReported)) == 1


async def test_a_slow_scheduler_is_not_held_against_the_agent(tmp_path: Path) -> None:
    """The agent has long finished when the scheduler takes the first of its lines."""
    slow = anyio.Event()

    async def report(update: RunUpdate) -> None:
        if isinstance(update, TurnStarted):
            with anyio.move_on_after(2 * SILENCE.turn_timeout_ms / 1000):
                await slow.wait()

    async with fake_session(tmp_path, settings=SILENCE, report=report) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()


async def test_a_scheduler_that_is_gone_ends_the_session_with_its_own_error(
    tmp_path: Path,
) -> None:
    async def report(update: RunUpdate) -> None:
        if update == AgentActivity(event="notification", message="turn started"):
            raise LookupError("the mailbox is closed")

    with pytest.raises(LookupError, match="mailbox"):
        async with fake_session(tmp_path, report=report) as bench:
            await bench.session.run_turn("Go.", 1)

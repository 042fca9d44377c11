"""From a process to a thread, over real pipes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from symphony.agents.errors import AgentError, Category
from symphony.agents.limits import SessionLimits
from symphony.agents.session import TurnCompleted, open_session
from symphony.domain.json import JsonValue, as_array, as_object
from symphony.domain.run import AgentActivity, RunUpdate, UsageReported
from symphony.domain.settings import CodexSettings
from tests.support.agent_sessions import (
    ISSUE_UPDATE,
    PATIENT,
    Script,
    fake_command,
    fake_session,
    spawn_shell,
    succeed,
)

pytestmark = pytest.mark.anyio
# Short enough for a test, and far longer than an answer takes on a loaded machine.
BRIEF = replace(PATIENT, read_timeout_ms=1_000)


async def fail_to_open(
    tmp_path: Path,
    script: Script | None = None,
    *,
    command: str | None = None,
    settings: CodexSettings = PATIENT,
    limits: SessionLimits | None = None,
) -> AgentError:
    """The error of a session that does not open; checks that the failed start was reported."""
    updates: list[RunUpdate] = []

    async def report(update: RunUpdate) -> None:
        updates.append(update)

    with pytest.raises(AgentError) as caught:
        async with fake_session(
            tmp_path, script, command=command, settings=settings, report=report, limits=limits
        ):
            pass
    failed = [seen for seen in updates if isinstance(seen, AgentActivity)][-1]
    assert failed.event == "startup_failed"
    return caught.value


@pytest.mark.proves(
    "session.start.initialize",
    "session.start.initialized",
    "session.start.prompt",
    "session.start.title",
    "session.start.cwd",
)
async def test_a_session_begins_in_the_order_of_the_protocol(tmp_path: Path) -> None:
    async with fake_session(tmp_path) as bench:
        await bench.session.run_turn("Repair it.", 1)
        methods = [
            (as_object(entry["message"]) or {}).get("method")
            for entry in bench.journal("received")
            if "method" in (as_object(entry["message"]) or {})
        ]
        assert methods == [
            "initialize",
            "initialized",
            "thread/start",
            "thread/name/set",
            "turn/start",
        ]
        assert bench.params("thread/start")["cwd"] == str(bench.workspace)
        assert bench.params("thread/name/set")["name"] == "ABC-1: Repair the roof"
        assert bench.params("turn/start")["input"] == [{"type": "text", "text": "Repair it."}]


@pytest.mark.proves("tool.advertise.form", "tool.advertise.selected_only")
async def test_the_tools_are_advertised_and_no_others(tmp_path: Path) -> None:
    async with fake_session(tmp_path) as bench:
        tools = as_array(bench.params("thread/start")["dynamicTools"]) or ()
        offered = [as_object(tool) or {} for tool in tools]
        assert [(tool["type"], tool["name"]) for tool in offered] == [("function", "issue_update")]


@pytest.mark.proves("launch.command.shell", "launch.command.verbatim")
async def test_whatever_the_shell_understands_works_as_a_command(tmp_path: Path) -> None:
    command = f"A=1 true && B='x y' {fake_command(tmp_path, {})} app-server"
    async with fake_session(tmp_path, command=command) as bench:
        await bench.session.run_turn("Go.", 1)
        (start,) = bench.journal("start")
        assert (as_object(start["environment"]) or {})["B"] == "x y"
        assert start["cwd"] == str(bench.workspace.resolve())


@pytest.mark.proves("session.error.categories")
async def test_a_command_that_does_not_exist_is_told_as_such(tmp_path: Path) -> None:
    error = await fail_to_open(tmp_path, command="no-such-codex app-server")
    assert error.category is Category.CODEX_NOT_FOUND
    assert "no-such-codex" in error.message


@pytest.mark.proves("session.error.categories")
async def test_a_workspace_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    for workspace in (str(tmp_path / "missing"), "relative"):
        with pytest.raises(AgentError) as caught:
            async with open_session(
                transport=spawn_shell("cat", tmp_path),
                settings=PATIENT,
                workspace=workspace,
                title="x",
                tools=(),
                execute_tool=succeed,
                report=_forget,
                record=_no_record,
            ):
                pass
        assert caught.value.category is Category.INVALID_WORKSPACE_CWD


async def _forget(_update: RunUpdate) -> None:
    pass


def _no_record(_direction: str, _line: bytes) -> None:
    pass


async def test_an_agent_that_exits_at_once_is_a_failed_start_with_its_last_words(
    tmp_path: Path,
) -> None:
    command = "printf '\\033[31mError:\\033[0m Model provider `x` not found\\n' >&2; exit 1"
    error = await fail_to_open(tmp_path, command=command)
    assert error.category is Category.PORT_EXIT
    assert "exit code 1" in error.message
    assert error.message.endswith("Error: Model provider `x` not found")


async def test_an_agent_that_exits_well_without_a_word_is_a_failed_start(tmp_path: Path) -> None:
    error = await fail_to_open(tmp_path, command="exit 0")
    assert error.category is Category.PORT_EXIT


@pytest.mark.proves("session.timeout.read")
@pytest.mark.parametrize("method", ["initialize", "thread/start", "thread/name/set"])
async def test_silence_after_a_request_fails_the_start(tmp_path: Path, method: str) -> None:
    error = await fail_to_open(tmp_path, {"silent": [method]}, settings=BRIEF)
    assert error.category is Category.RESPONSE_TIMEOUT
    assert "did not answer" in error.message


@pytest.mark.proves("session.timeout.read")
async def test_an_agent_that_talks_but_never_answers_fails_in_the_end(tmp_path: Path) -> None:
    command = 'while sleep 0.05; do echo \'{"method":"warning","params":{}}\'; done'
    limits = SessionLimits(response_patience=2)
    error = await fail_to_open(tmp_path, command=command, settings=BRIEF, limits=limits)
    assert error.category is Category.RESPONSE_TIMEOUT


@pytest.mark.proves("session.error.categories")
async def test_a_refused_request_fails_the_start_with_the_agents_words(tmp_path: Path) -> None:
    settings = replace(PATIENT, thread_sandbox="sandcastle")
    error = await fail_to_open(tmp_path, settings=settings)
    assert error.category is Category.RESPONSE_ERROR
    assert "unknown variant `sandcastle`" in error.message
    assert "-32600" in error.message


async def test_an_agent_that_cannot_name_threads_is_as_good(tmp_path: Path) -> None:
    async with fake_session(tmp_path, {"refuse": {"thread/name/set": "unknown"}}) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()


@pytest.mark.parametrize("moment", ["before_thread", "after_thread"])
async def test_a_broken_configuration_of_the_agent_is_a_failed_start(
    tmp_path: Path, moment: str
) -> None:
    error = await fail_to_open(tmp_path, {moment: [{"do": "config_warning"}]})
    assert error.category is Category.INVALID_AGENT_CONFIG
    assert "config.toml:1:9" in error.message


async def test_a_harmless_configuration_warning_is_not(tmp_path: Path) -> None:
    warning = {
        "do": "config_warning",
        "summary": "Codex could not find bubblewrap on PATH.",
        "details": None,
    }
    async with fake_session(tmp_path, {"before_thread": [warning]}) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()
        assert any("bubblewrap" in text for text in bench.events("notification"))


@pytest.mark.proves("usage.resume.baseline")
async def test_a_thread_is_resumed_and_its_history_is_a_baseline(tmp_path: Path) -> None:
    script: dict[str, JsonValue] = {
        "resumed_usage": {"input": 3417, "output": 40},
        "turns": [[{"do": "usage", "input": 5249, "output": 60}]],
    }
    async with fake_session(tmp_path, script, resume="old-thread") as bench:
        assert bench.session.thread_id == "old-thread"
        await bench.session.run_turn("Go on.", 1)
        assert bench.received("thread/start") == []
        assert bench.params("thread/resume")["excludeTurns"] is True
        before, after = bench.of(UsageReported)
        assert (before.total.input_tokens, before.is_baseline) == (3417, True)
        assert (after.total.input_tokens, after.is_baseline) == (5249, False)


async def test_a_workspace_that_brings_its_own_codex_settings_is_not_trusted(
    tmp_path: Path,
) -> None:
    workspace = tmp_path / "workspace"
    for level in ("trusted", "untrusted"):
        async with fake_session(tmp_path) as bench:
            config = as_object(bench.params("thread/start")["config"]) or {}
            assert config["projects"] == {str(workspace): {"trust_level": level}}
        (tmp_path / "journal").unlink()
        (workspace / ".codex").mkdir(exist_ok=True)


async def test_every_line_in_both_directions_goes_to_the_protocol_log(tmp_path: Path) -> None:
    script: Script = {"turns": [[{"do": "raw", "text": "hm\n", "stream": "stderr"}]]}
    async with fake_session(tmp_path, script) as bench:
        await bench.session.run_turn("Go.", 1)
        sent = [line for direction, line in bench.recorded if direction == "to_agent"]
        got = [line for direction, line in bench.recorded if direction == "from_agent"]
        assert [json.loads(line) for line in sent] == [
            entry["message"] for entry in bench.journal("received")
        ]
        assert json.loads(got[-1])["method"] == "turn/completed"
    assert ("stderr", b"hm") in bench.recorded


def test_the_tool_of_these_tests_is_valid() -> None:
    assert ISSUE_UPDATE.input_schema["type"] == "object"

"""Sessions of ours with the real Codex and a model on loopback: what the fake agent cannot show."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from symphony.agents.errors import AgentError, Category
from symphony.agents.launch import app_server_command
from symphony.agents.session import TurnCompleted
from symphony.domain.json import JsonObject
from symphony.domain.run import NeedsPerson, UsageReported
from symphony.domain.settings import CodexSettings
from tests.support.agent_sessions import PATIENT, Bench, fake_session
from tests.support.codex import Laboratory
from tests.support.model_server import Call, IssueScript, ModelServer, Reply, Say, shell

pytestmark = [pytest.mark.anyio, pytest.mark.agent]
PROMPT = "Work on T-1."


def script(*steps: Reply) -> IssueScript:
    return IssueScript({"T-1": steps})


def clone(laboratory: Laboratory) -> Path:
    workspace = laboratory.workspaces / "T-1"
    laboratory.git(laboratory.root, "clone", "-q", str(laboratory.repository), str(workspace))
    return workspace


def add_worktree(laboratory: Laboratory) -> Path:
    workspace = laboratory.workspaces / "T-1"
    laboratory.git(laboratory.repository, "worktree", "add", "-q", str(workspace))
    return workspace


@asynccontextmanager
async def codex_session(
    laboratory: Laboratory,
    model: ModelServer,
    workspace: Path,
    *options: str,
    settings: CodexSettings = PATIENT,
    resume: str | None = None,
) -> AsyncGenerator[Bench]:
    command = laboratory.command(model.base_url, *options)
    async with fake_session(
        laboratory.root,
        command=app_server_command(command),
        settings=replace(settings, command=command),
        workspace=workspace,
        environment=laboratory.environment(),
        resume=resume,
    ) as bench:
        yield bench


@pytest.mark.proves("tool.execute.host_side", "tool.advertise.form", "usage.total.absolute")
async def test_a_tool_call_reaches_the_host_and_its_result_the_model(
    laboratory: Laboratory,
) -> None:
    steps = script(Call("issue_update", {"state": "Done"}), Say("Finished."))
    with ModelServer(steps) as model:
        async with codex_session(laboratory, model, clone(laboratory)) as bench:
            assert await bench.session.run_turn(PROMPT, 1) == TurnCompleted()
        assert bench.calls == [("issue_update", {"state": "Done"})]
        assert '{"tool": "issue_update"' in model.requests[-1].tool_results[0]
    totals = [report.total.total_tokens for report in bench.of(UsageReported)]
    assert totals == [110, 220]


@pytest.mark.parametrize("prepare", [clone, add_worktree])
async def test_an_agent_can_commit_under_the_default_sandbox_and_write_nowhere_else(
    laboratory: Laboratory, prepare: Callable[[Laboratory], Path]
) -> None:
    workspace = prepare(laboratory)
    outside = laboratory.root / "outside"
    command = (
        "echo hello > file && git add file && git commit -q -m 'Add a file'; echo commit=$?;"
        f" touch {outside}; echo outside=$?"
    )
    with ModelServer(script(shell(command), Say("Finished."))) as model:
        async with codex_session(laboratory, model, workspace) as bench:
            assert await bench.session.run_turn(PROMPT, 1) == TurnCompleted()
        result = model.requests[-1].tool_results[0]
    assert "commit=0" in result
    assert "outside=1" in result
    assert laboratory.git(workspace, "log", "-1", "--format=%s") == "Add a file\n"
    assert not outside.exists()


async def test_the_operators_configuration_is_left_alone_and_nothing_is_looked_up(
    laboratory: Laboratory,
) -> None:
    workspace, looked_up = clone(laboratory), laboratory.codex_home / ".tmp"
    # Codex makes this directory when it looks for plugins on hosts outside.
    shutil.rmtree(looked_up, ignore_errors=True)
    (workspace / "AGENTS.md").write_text("Always say please.\n")
    with ModelServer(script(Say("Finished."))) as model:
        async with codex_session(laboratory, model, workspace) as bench:
            await bench.session.run_turn(PROMPT, 1)
        # The team's instructions are read all the same.
        assert any("Always say please." in text for text in model.requests[0].user_texts)
    assert not (laboratory.codex_home / "config.toml").exists()
    assert not looked_up.exists()


async def test_settings_that_the_repository_brings_start_no_programs(
    laboratory: Laboratory,
) -> None:
    workspace, mark = clone(laboratory), laboratory.root / "started"
    (workspace / ".codex").mkdir()
    (workspace / ".codex" / "config.toml").write_text(
        f'[mcp_servers.evil]\ncommand = "/bin/sh"\nargs = ["-c", "touch {mark}"]\n'
    )
    with ModelServer(script(Say("Finished."))) as model:
        async with codex_session(laboratory, model, workspace) as bench:
            assert await bench.session.run_turn(PROMPT, 1) == TurnCompleted()
    assert not mark.exists()


async def test_a_provider_that_cannot_be_reached_ends_the_turn(laboratory: Laboratory) -> None:
    with ModelServer(script(), listening=False) as model:
        async with codex_session(laboratory, model, clone(laboratory)) as bench:
            with pytest.raises(AgentError) as caught:
                await bench.session.run_turn(PROMPT, 1)
    assert caught.value.category is Category.TURN_FAILED
    assert "Connection failed" in caught.value.message


@pytest.mark.proves("policy.input.not_invented")
async def test_a_question_of_the_model_is_handed_on_and_the_turn_ends(
    laboratory: Laboratory,
) -> None:
    question: JsonObject = {
        "questions": [
            {
                "id": "colour",
                "header": "Colour",
                "question": "Which colour shall it be?",
                "options": [
                    {"label": "Red", "description": "warm"},
                    {"label": "Blue", "description": "cold"},
                ],
            }
        ]
    }
    steps = script(Call("request_user_input", question), Say("I chose red."))
    with ModelServer(steps) as model:
        async with codex_session(
            laboratory, model, clone(laboratory), "features.default_mode_request_user_input=true"
        ) as bench:
            need = await bench.session.run_turn(PROMPT, 1)
        assert need == NeedsPerson(
            request="user_input", question="Colour: Which colour shall it be? (Red / Blue)"
        )
        assert len(model.requests) == 1


async def test_a_broken_configuration_is_a_failed_start_that_names_the_place(
    laboratory: Laboratory,
) -> None:
    (laboratory.codex_home / "config.toml").write_text("model = = 3\n")
    with ModelServer(script()) as model, pytest.raises(AgentError) as caught:
        async with codex_session(laboratory, model, clone(laboratory)):
            pass
    assert "config.toml:1:9" in caught.value.message
    assert caught.value.category is Category.INVALID_AGENT_CONFIG


async def test_an_invalid_sandbox_is_a_failed_start(laboratory: Laboratory) -> None:
    settings = replace(PATIENT, thread_sandbox="sandcastle")
    with ModelServer(script()) as model, pytest.raises(AgentError) as caught:
        async with codex_session(laboratory, model, clone(laboratory), settings=settings):
            pass
    assert caught.value.category is Category.RESPONSE_ERROR
    assert "unknown variant `sandcastle`" in caught.value.message


@pytest.mark.proves("usage.resume.baseline")
async def test_a_thread_is_resumed_in_a_new_process_with_its_tools_and_its_baseline(
    laboratory: Laboratory,
) -> None:
    workspace = clone(laboratory)
    steps = script(Say("Half."), Call("issue_update", {"state": "Done"}), Say("Finished."))
    with ModelServer(steps) as model:
        async with codex_session(laboratory, model, workspace) as first:
            await first.session.run_turn(PROMPT, 1)
            thread = first.session.thread_id
        async with codex_session(laboratory, model, workspace, resume=thread) as second:
            assert await second.session.run_turn("Go on with T-1.", 1) == TurnCompleted()
    assert second.calls == [("issue_update", {"state": "Done"})]
    reports = [(seen.total.total_tokens, seen.is_baseline) for seen in second.of(UsageReported)]
    assert reports == [(110, True), (220, False), (330, False)]


async def test_the_approval_of_a_command_is_declined_and_the_model_told(
    laboratory: Laboratory,
) -> None:
    settings = replace(PATIENT, approval_policy="untrusted")
    workspace = clone(laboratory)
    with ModelServer(script(shell("touch made"), Say("Then not."))) as model:
        async with codex_session(laboratory, model, workspace, settings=settings) as bench:
            assert await bench.session.run_turn(PROMPT, 1) == TurnCompleted()
        assert "rejected" in model.requests[-1].tool_results[0]
    assert not (workspace / "made").exists()


async def test_the_approval_of_a_command_is_granted_with_auto_approve(
    laboratory: Laboratory,
) -> None:
    settings = replace(PATIENT, approval_policy="untrusted", auto_approve=True)
    workspace = clone(laboratory)
    with ModelServer(script(shell("touch made"), Say("Made."))) as model:
        async with codex_session(laboratory, model, workspace, settings=settings) as bench:
            assert await bench.session.run_turn(PROMPT, 1) == TurnCompleted()
    assert (workspace / "made").exists()
    assert bench.events("approval_auto_approved")

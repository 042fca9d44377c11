"""What the daemon takes for granted about Codex, shown with the real program and no daemon."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from symphony.domain.json import JsonObject, JsonValue, as_object, as_whole_number
from tests.integration.raw_codex import ISSUE_UPDATE, RawCodex
from tests.integration.running_daemon import wait_until
from tests.support.codex import Laboratory, processes_with
from tests.support.model_server import (
    Call,
    Cut,
    IssueScript,
    ModelServer,
    Refuse,
    Reply,
    Say,
    Usage,
    shell,
)

pytestmark = pytest.mark.agent

PROMPT = "Work on T-1."


def clone(laboratory: Laboratory) -> Path:
    """A workspace with a repository in it."""
    workspace = laboratory.workspaces / "T-1"
    laboratory.git(laboratory.root, "clone", "--quiet", str(laboratory.repository), str(workspace))
    return workspace


def writable(*roots: Path) -> JsonObject:
    """The sandbox of a turn with these roots."""
    names: list[JsonValue] = [str(root) for root in roots]
    return {"type": "workspaceWrite", "writableRoots": names, "networkAccess": False}


def script(*steps: Reply) -> IssueScript:
    """What the model does about T-1."""
    return IssueScript({"T-1": steps})


def total_tokens(codex: RawCodex) -> int | None:
    """The latest total of the thread."""
    latest = as_object(codex.params_of("thread/tokenUsage/updated")[-1].get("tokenUsage")) or {}
    return as_whole_number((as_object(latest.get("total")) or {}).get("totalTokens"))


def test_a_tool_call_a_command_and_a_commit_reach_the_outside(laboratory: Laboratory) -> None:
    workspace = clone(laboratory)
    calls: list[tuple[str, JsonObject]] = []

    def on_tool(name: str, arguments: JsonObject) -> str:
        calls.append((name, arguments))
        return "the issue is Done now"

    steps = script(
        shell("echo hello > file && git add file && git commit --quiet -m 'Add a file'; echo $?"),
        Call("issue_update", {"state": "Done"}),
        Say("Finished."),
    )
    with (
        ModelServer(steps) as model,
        RawCodex(laboratory, model.base_url, on_tool=on_tool) as codex,
    ):
        turn = codex.run_turn(
            codex.begin_thread(workspace), PROMPT, writable(workspace, workspace / ".git")
        )
        requests = model.requests

    assert turn["status"] == "completed"
    assert calls == [("issue_update", {"state": "Done"})]
    assert laboratory.git(workspace, "log", "-1", "--format=%s") == "Add a file\n"
    assert "exited with code 0" in requests[-1].tool_results[0]
    assert requests[-1].tool_results[1] == "the issue is Done now"
    assert requests[0].tools["issue_update"]["parameters"] == ISSUE_UPDATE["inputSchema"]
    assert requests[0].user_texts[-1] == PROMPT


def test_the_sandbox_holds_and_without_its_own_root_git_is_read_only(
    laboratory: Laboratory,
) -> None:
    workspace = clone(laboratory)
    outside = laboratory.root / "outside"
    steps = script(
        shell(f"touch '{outside}'; echo x > file; git add file && git commit --quiet -m no"),
        Say("Finished."),
    )
    with ModelServer(steps) as model, RawCodex(laboratory, model.base_url) as codex:
        codex.run_turn(codex.begin_thread(workspace), PROMPT, writable(workspace))
        result = model.requests[-1].tool_results[0]

    assert not outside.exists()
    assert (workspace / "file").exists()
    assert result.count("Read-only file system") == 2
    assert laboratory.git(workspace, "log", "--format=%s") == "start\n"


def test_turns_of_one_thread_share_the_conversation_and_sum_their_tokens(
    laboratory: Laboratory,
) -> None:
    workspace = clone(laboratory)
    steps = script(
        Say("One.", Usage(input_tokens=1000, output_tokens=50)),
        Say("Two.", Usage(input_tokens=2000, output_tokens=60)),
    )
    with ModelServer(steps) as model, RawCodex(laboratory, model.base_url) as codex:
        thread = codex.begin_thread(workspace)
        codex.run_turn(thread, PROMPT, writable(workspace))
        after_one = total_tokens(codex)
        codex.run_turn(thread, "Go on.", writable(workspace))
        after_two = total_tokens(codex)
        last = model.requests[-1]

    assert (after_one, after_two) == (1050, 3110)
    assert last.user_texts[-2:] == (PROMPT, "Go on.")
    assert last.thread == thread


@pytest.mark.parametrize(
    "fault", [Refuse(500), Refuse(429), Refuse(401), Cut()], ids=["500", "429", "401", "cut"]
)
def test_a_fault_of_the_model_fails_the_turn_and_the_next_turn_works(
    laboratory: Laboratory, fault: Reply
) -> None:
    workspace = clone(laboratory)
    with (
        ModelServer(script(fault, Say("Recovered."))) as model,
        RawCodex(laboratory, model.base_url) as codex,
    ):
        thread = codex.begin_thread(workspace)
        failed = codex.run_turn(thread, PROMPT, writable(workspace))
        after = codex.run_turn(thread, PROMPT, writable(workspace))
        retries = [params["willRetry"] for params in codex.params_of("error")]

    assert failed["status"] == "failed"
    assert as_object(failed["error"]) is not None
    assert retries == [False]
    assert after["status"] == "completed"


def test_an_unreachable_model_fails_the_turn_when_reconnecting_is_bounded(
    laboratory: Laboratory,
) -> None:
    workspace = clone(laboratory)
    options = ("features.plugins=false", "features.unbounded_connection_retries=false")
    with (
        ModelServer(script(Say("Here again.")), listening=False) as model,
        RawCodex(laboratory, model.base_url, options=options) as codex,
    ):
        thread = codex.begin_thread(workspace)
        failed = codex.run_turn(thread, PROMPT, writable(workspace))
        model.listen()
        after = codex.run_turn(thread, PROMPT, writable(workspace))

    assert failed["status"] == "failed"
    assert after["status"] == "completed"


@pytest.mark.parametrize("how", ["end of input", "SIGTERM", "SIGKILL"])
def test_a_sandboxed_command_ends_with_the_app_server(laboratory: Laboratory, how: str) -> None:
    workspace = clone(laboratory)
    token = f"token-{laboratory.root.name}"
    background = f"bash -c sleep 300; true {token}"
    command = f"bash -c 'sleep 300; true' {token} & sleep 300; echo {token}"

    def has_begun() -> bool:
        # Not earlier: while bubblewrap sets the sandbox up, its command can outlive the end of the
        # app-server. The daemon has to find such a command by itself.
        return any(seen.command.startswith(background) for seen in processes_with(token))

    with (
        ModelServer(script(shell(command))) as model,
        RawCodex(laboratory, model.base_url) as codex,
    ):
        codex.start_turn(codex.begin_thread(workspace), PROMPT, writable(workspace))
        wait_until(has_begun, "the command runs")
        if how == "end of input":
            code = codex.close()
        else:
            os.kill(codex.process.pid, signal.Signals[how])
            code = codex.process.wait(20)
        wait_until(lambda: not processes_with(token), "the command is gone", seconds=20)

    assert code == (-signal.SIGKILL if how == "SIGKILL" else 0)


def test_a_broken_settings_file_of_codex_refuses_the_thread(laboratory: Laboratory) -> None:
    workspace = clone(laboratory)
    (laboratory.codex_home / "config.toml").write_text("model = [broken\n", encoding="utf-8")
    with (
        ModelServer(script()) as model,
        RawCodex(laboratory, model.base_url) as codex,
        pytest.raises(AssertionError, match="failed to load configuration"),
    ):
        codex.begin_thread(workspace)
    assert model.requests == ()

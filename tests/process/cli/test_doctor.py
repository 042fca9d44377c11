"""`symphony doctor`: what the daemon will need, tried out."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from tests.support.daemon_process import RunCommand

AGENT = """\
#!/bin/bash
case "$*" in
  --version) echo "agent 1.2.3" ;;
  "login status") echo "Logged in"; exit ${LOGIN:-0} ;;
  sandbox*) exit ${SANDBOX:-0} ;;
esac
"""


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    """A good file, with an agent that says that all is well."""
    (tmp_path / "issues").mkdir()
    agent = tmp_path / "codex"
    agent.write_text(AGENT)
    agent.chmod(0o755)
    path = tmp_path / "WORKFLOW.md"
    path.write_text(
        f"---\ntracker: {{kind: files}}\nworkspace: {{root: ./workspaces}}\n"
        f"codex: {{command: {agent} app-server}}\n---\nWork.\n"
    )
    return path


def test_what_is_well_is_listed_and_nothing_is_made(run: RunCommand, workflow: Path) -> None:
    done = run("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    topics = [line.split()[:2] for line in done.stdout.splitlines() if line[:2] == "ok"]
    assert [topic for _, topic in topics] == [
        "workflow",
        "shell",
        "agent",
        "login",
        "sandbox",
        "tracker",
        "workspaces",
        "clock",
    ]
    assert "agent 1.2.3" in done.stdout
    assert not (workflow.parent / "workspaces").exists()


def test_an_agent_that_is_not_there_is_a_failure_with_a_remedy(
    run: RunCommand, workflow: Path
) -> None:
    (workflow.parent / "codex").unlink()
    done = run("doctor")
    assert done.returncode == 1
    assert "fail  agent" in done.stdout
    assert "set codex.command" in done.stdout


@pytest.mark.parametrize(("word", "topic"), [("LOGIN", "login"), ("SANDBOX", "sandbox")])
def test_a_login_or_sandbox_that_fails_is_a_warning(
    run: RunCommand, workflow: Path, word: str, topic: str
) -> None:
    agent = workflow.parent / "codex"
    agent.write_text(AGENT.replace(f"${{{word}:-0}}", "1"))
    done = run("doctor")
    assert done.returncode == 0
    assert f"warn  {topic}" in done.stdout


def test_a_tracker_that_does_not_answer_is_a_failure(run: RunCommand, workflow: Path) -> None:
    linear = "kind: linear, provider: {endpoint: 'http://127.0.0.1:9', api_key: k, team_key: A}"
    workflow.write_text(workflow.read_text().replace("kind: files", linear))
    done = run("doctor")
    assert done.returncode == 1
    assert "fail  tracker     linear does not answer: " in done.stdout


def test_a_port_in_use_is_a_failure(run: RunCommand, workflow: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        text = workflow.read_text().replace("codex:", f"server: {{port: {port}}}\ncodex:")
        workflow.write_text(text)
        done = run("doctor")
    assert done.returncode == 1
    assert f"fail  port        server.port {port} cannot be had" in done.stdout


def test_a_clock_that_is_behind_is_a_failure(run: RunCommand, workflow: Path) -> None:
    later = time.time() + 86_400
    os.utime(workflow, (later, later))
    done = run("doctor")
    assert done.returncode == 1
    assert "fail  clock" in done.stdout

"""Shell completion, tried in the shells that are there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from symphony.cli.main import COMMANDS
from tests.support.daemon_process import PATIENCE_S, PROGRAM, RunCommand
from tests.support.shells import completed


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "some-logs").mkdir(parents=True)
    (folder / "WORKFLOW.md").write_text("---\ntracker: {kind: files}\n---\nGo.\n")
    return folder


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("pl",), ["plan"]),
        (("explain", "--"), ["--help", "--json", "--daemon", "--tracker", "--url"]),
        (("--log-l",), ["--log-level"]),
        (("--log-level", ""), ["debug", "info", "warning", "error"]),
        (("run", "--on"), ["--once"]),
        (("run", "--once", "W"), ["WORKFLOW.md"]),
        (("--port", "0", "W"), ["WORKFLOW.md"]),
        (("--port", ""), []),
        (("logs", "--logs-root", ""), ["some-logs"]),
        (("render", "--attempt", "2", "A-1", "W"), ["WORKFLOW.md"]),
        (("check", "WORKFLOW.md", ""), []),
        (("completion", "z"), ["zsh"]),
        (("W",), ["WORKFLOW.md"]),
        (("init", "--tracker", "g"), ["github"]),
    ],
)
def test_bash_completes_what_the_parsers_take(
    project: Path, environment: dict[str, str], words: tuple[str, ...], offered: list[str]
) -> None:
    found = completed(project, environment, *words)
    assert [word for word in found if word != "-h"] == offered


def test_every_command_is_offered(project: Path, environment: dict[str, str]) -> None:
    assert set(COMMANDS) <= set(completed(project, environment, ""))


def test_bash_takes_the_script_as_a_completion(project: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ("bash", "--norc", "-c", 'source <("$0" completion bash); complete -p symphony', PROGRAM),
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert done.stdout == "complete -F _symphony symphony\n"


def test_without_a_workflow_nothing_is_offered_and_nothing_is_said(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    assert completed(tmp_path, environment, "explain", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_are_valid_for_their_shells(
    run: RunCommand, environment: dict[str, str], shell: str
) -> None:
    script = run("completion", shell)
    assert (script.returncode, script.stderr) == (0, "")
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    checked = subprocess.run(
        (shell, "-n"), input=script.stdout, env=environment, text=True, check=False
    )
    assert checked.returncode == 0


def test_another_shell_is_refused_with_the_names_of_those_that_there_are(run: RunCommand) -> None:
    done = run("completion", "tcsh")
    assert done.returncode == 2
    assert "bash" in done.stderr

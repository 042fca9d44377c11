"""The command line itself: help, version, and words that mean nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from symphony import __version__
from symphony.cli.main import COMMANDS
from tests.support.daemon_process import RunCommand


@pytest.mark.parametrize(
    "command", [(), ("run",), ("init",), ("check",), ("explain",), ("completion",), ("demo",)]
)
def test_help_goes_to_standard_output(run: RunCommand, command: tuple[str, ...]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: {' '.join(('symphony', *command))}")
    assert done.stderr == ""


def test_the_help_names_every_command_and_option(run: RunCommand) -> None:
    text = run("--help").stdout
    options = ("--port", "--logs-root", "--log-format", "--plain", "--version")
    for word in (*COMMANDS, *options):
        assert word in text


def test_the_version_is_told(run: RunCommand) -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"symphony {__version__}\n")


@pytest.mark.parametrize(
    "words",
    [
        ("--nonsense",),
        ("one.md", "two.md"),
        ("--port", "-1"),
        ("--port", "65536"),
        ("--port", "http"),
        ("--log-format", "xml"),
        ("--log-l", "info"),
        ("--once",),
        ("run", "--twice"),
        ("run", "one.md", "two.md"),
        ("check", "--offline"),
        ("init", "--slots", "many"),
        ("init", "--tracker", "jira"),
        ("demo", "--slots", "0"),
    ],
)
def test_wrong_usage_exits_with_2_and_starts_nothing(
    run: RunCommand, words: tuple[str, ...], tmp_path: Path
) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("usage: symphony")
    assert "error: " in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_package_is_a_program_as_well(tmp_path: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        (sys.executable, "-m", "symphony", "--version"),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"symphony {__version__}\n"

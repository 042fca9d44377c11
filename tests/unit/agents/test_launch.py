"""How the command of the app-server is run."""

from __future__ import annotations

import pytest

from symphony.agents.errors import Category
from symphony.agents.launch import app_server_command, spawn_error

FLAG = " -c features.plugins=false"


@pytest.mark.parametrize(
    "command",
    [
        "codex app-server",
        "codex --config 'model=\"gpt-5; really\"' app-server",
        "FOO=1 codex app-server",
        "exec /opt/bin/codex app-server -c model=x",
        "env A=$HOME codex app-server",
    ],
)
def test_a_plain_call_of_codex_gets_the_flag_that_keeps_it_from_looking_for_plugins(
    command: str,
) -> None:
    assert app_server_command(command) == command + FLAG


@pytest.mark.proves("launch.command.verbatim")
@pytest.mark.parametrize(
    "command",
    [
        "true && codex app-server",
        "codex app-server | tee log",
        "codex app-server # as ever",
        "codex app-server -c features.plugins=true",
        "codex --enable plugins app-server",
        "python fake_agent.py app-server",
        "codex exec",
        "app-server codex",
        "sh -c 'codex app-server'",
        'codex "$(options)" app-server',
        "codex app-server 'unfinished",
        "codex app-server\n",
        "",
    ],
)
def test_any_other_command_is_left_as_it_is(command: str) -> None:
    assert app_server_command(command) == command


def test_a_workspace_that_is_gone_is_told_from_a_shell_that_is_not_there() -> None:
    gone = spawn_error(FileNotFoundError(2, "No such file or directory"), "/no/such/place")
    shell = spawn_error(FileNotFoundError(2, "No such file or directory"), "/")
    assert gone.category is Category.INVALID_WORKSPACE_CWD
    assert "/no/such/place" in gone.message
    assert shell.category is Category.CODEX_NOT_FOUND

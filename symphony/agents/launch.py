"""How the app-server is started.

`codex.command` is the user's text for a login shell and means just what it says
(`launch.command.verbatim`). One thing is added: Codex looks for plugins on hosts outside before it
reads its first message, so that only a flag can stop it. Where the command is a plain call of
`codex ... app-server`, and does not mention plugins itself, the flag is appended. Any other command
runs as it is written; docs tell its author which flag to add.

Measured with 0.163: a `git ls-remote` and look-ups of three hosts at start without the flag, none
with it; `features.plugins` in `thread/start` comes too late. The other switched-off feature,
unbounded reconnects, does take effect in `thread/start`, for every command.
"""

from __future__ import annotations

import os
import posixpath
import re
import shlex
from typing import Final

from symphony.agents.errors import AgentError, Category

_PLUGINS_OFF: Final = "-c features.plugins=false"
_SHELL_SYNTAX: Final = re.compile(r"[;&|<>(){}`\n\\#]|\$\(")
"""A command with any of these is not judged: the flag could land in another program."""


def app_server_command(command: str) -> str:
    """The text for the login shell: the command, with the flag where that is safe."""
    return f"{command.rstrip()} {_PLUGINS_OFF}" if _takes_the_flag(command) else command


def _takes_the_flag(command: str) -> bool:
    if "plugins" in command or _SHELL_SYNTAX.search(_without_quoted(command)):
        return False
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    programs = [index for index, word in enumerate(words) if posixpath.basename(word) == "codex"]
    return bool(programs) and "app-server" in words[programs[0] + 1 :]


def _without_quoted(command: str) -> str:
    return re.sub(r"'[^']*'|\"[^\"$`\\]*\"", "", command)


def spawn_error(problem: OSError, workspace: str) -> AgentError:
    """What it means that the shell could not be started in the workspace."""
    reason = problem.strerror or str(problem)
    if not os.path.isdir(workspace):
        text = f"the workspace {workspace!r} is not a directory: {reason}"
        return AgentError(Category.INVALID_WORKSPACE_CWD, text)
    return AgentError(Category.CODEX_NOT_FOUND, f"no shell for the agent's command: {reason}")

"""What an agent may write, and whose settings it loads (SECURITY.md).

A sandbox policy that the user wrote is passed on untouched. Without one, `workspace-write` becomes
a policy that also lets the agent commit: the workspace and its git directory are writable, the
network is off. Temporary directories stay writable, as Codex has it, because compilers and shells
do not work without; so workspaces under `/tmp` are not isolated from each other.
"""

from __future__ import annotations

import os
from typing import Final

from symphony.agents.git_directory import writable_git_directories
from symphony.domain.json import JsonObject
from symphony.domain.settings import CodexSettings

WORKSPACE_WRITE: Final = "workspace-write"
_PROJECT_SETTINGS: Final = ".codex"


def turn_sandbox_policy(settings: CodexSettings, workspace: str) -> JsonObject | None:
    """The sandbox policy of the next turn; None leaves the thread's sandbox in force.

    Looked up anew for each turn, because the first one may have cloned or created the repository.
    """
    if settings.turn_sandbox_policy is not None:
        return settings.turn_sandbox_policy
    if settings.thread_sandbox != WORKSPACE_WRITE:
        return None
    return {
        "type": "workspaceWrite",
        "writableRoots": list(writable_git_directories(workspace)),
        "networkAccess": False,
        "excludeTmpdirEnvVar": False,
        "excludeSlashTmp": False,
    }


def is_trusted(workspace: str) -> bool:
    """Whether Codex may treat the workspace as a trusted project, for this session only.

    A trusted project gets its AGENTS.md loaded, which everybody wants, and its `.codex/` obeyed,
    which may start programs outside the sandbox (MCP servers, hooks): a workspace that carries one
    came with it from the repository, and nobody here has agreed to it. Measured with 0.163.
    """
    return not os.path.lexists(os.path.join(workspace, _PROJECT_SETTINGS))

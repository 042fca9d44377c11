"""The WORKFLOW.md of the demo: what a team would write, with shorter waits.

Paths are relative to the file, so the directory can be moved and the daemon started on it by hand.
"""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from symphony.demo.git import AUTHOR_EMAIL, AUTHOR_NAME

AgentKind: TypeAlias = Literal["demo", "codex"]

REPOSITORY: Final = "repository"
ISSUES: Final = "issues"
WORKSPACES: Final = "workspaces"
BRANCH: Final = "issue/"
"""In front of the identifier: the branch that the work on an issue ends up on."""

THINKING_S: Final = 0.6
"""What a model takes much longer for; the demo is meant to be watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things may take. Milliseconds, but for `limit_s`: the whole demo, in seconds."""

    poll_ms: int
    backoff_ms: int
    read_ms: int
    turn_ms: int
    stall_ms: int
    limit_s: float


PACES: Final[dict[AgentKind, Pace]] = {
    # The start of a Python program takes seconds on a busy machine, so only waits are short.
    "demo": Pace(
        poll_ms=500,
        backoff_ms=2_000,
        read_ms=20_000,
        turn_ms=30_000,
        stall_ms=30_000,
        limit_s=60,
    ),
    "codex": Pace(
        poll_ms=2_000,
        backoff_ms=20_000,
        read_ms=30_000,
        turn_ms=600_000,
        stall_ms=300_000,
        limit_s=1_800,
    ),
}

_SETTINGS = """\
---
tracker:
  kind: files
  provider:
    path: ./issues
polling:
  interval_ms: {poll_ms}
workspace:
  root: ./workspaces
hooks:
  # Each issue gets a clone of its own, on a branch of its own.
  after_create: |
    git clone --quiet --origin origin \\
      --config user.name="{name}" --config user.email="{email}" \\
      --config commit.gpgsign=false --config core.hooksPath=/dev/null \\
      ../../repository .
    branch="issue/${{PWD##*/}}"
    git checkout --quiet "$branch" 2>/dev/null || git checkout --quiet -b "$branch"
  # What was committed goes back to the repository, whatever became of the run.
  after_run: git push --quiet origin HEAD
agent:
  max_concurrent_agents: {slots}
  max_retry_backoff_ms: {backoff_ms}
codex:
  command: {command}
  read_timeout_ms: {read_ms}
  turn_timeout_ms: {turn_ms}
  stall_timeout_ms: {stall_ms}
---
"""

_PROMPT = """\
You work on {{ issue.identifier }}: {{ issue.title }}
{%- for blocker in issue.blocked_by %}
It builds on {{ blocker.identifier }}.
{%- endfor %}
{%- if attempt %}
This is attempt {{ attempt + 1 }}; an earlier one ended early and may have left something behind.
{%- endif %}

{{ issue.description }}

How to go about it:

- First move the issue to the state `In Progress` with the tool `issue_update`.
- You are in a clone of a small Python project, on a branch made for this issue. Where the issue
  builds on another one, begin with `git merge --ff-only origin/issue/` and the name of that one.
- Change what the issue asks for and nothing else, add a test where one makes sense, and run
  `python3 -m unittest`.
- Commit on the branch you are on. It is pushed for you when the turn is over.
- Then move the issue to `Done`, with a comment of one or two sentences on what you did.
"""


def agent_command(agent: AgentKind, codex: str | None) -> str:
    """What starts the agent, for a shell. `codex` is the path of that program."""
    if agent == "codex" and codex is not None:
        return shlex.join((codex, "app-server"))
    # -P: a workspace cannot put modules of its own in the agent's way.
    agent_module = (sys.executable, "-P", "-m", "symphony.demo.agent")
    return shlex.join((*agent_module, "--thinking", f"{THINKING_S:g}"))


def workflow_text(*, slots: int, command: str, pace: Pace) -> str:
    """The file. A JSON text is a YAML text as well, so any path can be written."""
    settings = _SETTINGS.format(
        slots=slots,
        command=json.dumps(command, ensure_ascii=False),
        name=AUTHOR_NAME,
        email=AUTHOR_EMAIL,
        poll_ms=pace.poll_ms,
        backoff_ms=pace.backoff_ms,
        read_ms=pace.read_ms,
        turn_ms=pace.turn_ms,
        stall_ms=pace.stall_ms,
    )
    return settings + _PROMPT

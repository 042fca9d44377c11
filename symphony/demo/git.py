"""Running git so that the user's own configuration, hooks and environment change nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from symphony.domain.problems import Problem, ProblemError

AUTHOR_NAME: Final = "Symphony demo"
AUTHOR_EMAIL: Final = "demo@symphony.invalid"
COMMAND_LIMIT_S: Final = 30.0
"""Each command here works on a handful of small files."""

_KEPT: Final = frozenset({"GIT_EXEC_PATH"})
"""Where some installations have git's own programs."""


def environment_without_git(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what steers git: a `GIT_DIR` left by a hook would have the demo
    commit into somebody's repository."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("GIT_") or name in _KEPT
    }


def require_git(environment: Mapping[str, str]) -> None:
    """Raises `ProblemError` where there is no git."""
    if shutil.which("git", path=environment.get("PATH")) is None:
        raise ProblemError(
            Problem(
                code="git_missing",
                message="the program `git` is not there",
                remedy="Install it (`apt install git`, `dnf install git`, `brew install git`) and "
                "start the demo again.",
            )
        )


def run_git(directory: Path, *arguments: str) -> str:
    """The output of one git command. Raises `ProblemError` where it fails."""
    isolated = {
        **environment_without_git(os.environ),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": AUTHOR_NAME,
        "GIT_AUTHOR_EMAIL": AUTHOR_EMAIL,
        "GIT_COMMITTER_NAME": AUTHOR_NAME,
        "GIT_COMMITTER_EMAIL": AUTHOR_EMAIL,
    }
    try:
        done = subprocess.run(
            ("git", *arguments),
            cwd=directory,
            env=isolated,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=COMMAND_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProblemError(_failed(directory, arguments, str(error))) from None
    if done.returncode:
        raise ProblemError(_failed(directory, arguments, done.stderr.strip()))
    return done.stdout


def _failed(directory: Path, arguments: tuple[str, ...], reason: str) -> Problem:
    return Problem(
        code="git_failed",
        message=f"`git {' '.join(arguments)}` failed in {directory}: {reason}",
        remedy="Run it there by hand to see what is wrong.",
    )

"""A git repository around a workflow file, for implementations that ask for one.

Guarantees: the repository has one commit with what was there, by an identity of its own, and no
remote. Must not: touch the user's git configuration.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from conformance.target.errors import TargetError

_GIT_LIMIT_S: Final = 60.0
_STEPS: Final = (
    ("init", "--quiet", "--initial-branch=main"),
    ("add", "--all"),
    ("commit", "--quiet", "--allow-empty", "--message=Begin"),
)


def make_repository(directory: Path) -> None:
    """Make `directory` a repository, unless it is one. Raises `TargetError`."""
    if (directory / ".git").exists():
        return
    for step in _STEPS:
        _git(directory, step)


def _git(directory: Path, arguments: tuple[str, ...]) -> None:
    person = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", "Conformance"), ("EMAIL", "conformance@example.invalid"))
    }
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **person,
    }
    try:
        subprocess.run(
            ("git", *arguments),
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_LIMIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise TargetError(
            f"launch.git_repository asks for a repository, but git {arguments[0]} failed in "
            f"{directory}: {error}; install git"
        ) from None

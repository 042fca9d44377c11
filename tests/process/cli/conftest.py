"""A directory to run commands in."""

from __future__ import annotations

import os
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.support.daemon_process import RunCommand, run_command


@pytest.fixture
def environment(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """With a home of its own, and another place for the default workspace root."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path_factory.mktemp("temporary")),
        "LANG": "C.UTF-8",
    }


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> RunCommand:
    """Runs `symphony` with these arguments."""

    def with_arguments(*arguments: str) -> CompletedProcess[str]:
        return run_command(*arguments, directory=tmp_path, environment=environment)

    return with_arguments

"""Fixtures for tests of hooks and workspaces."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from symphony.domain.settings import HookSettings
from symphony.workspaces.keeper import WorkspaceKeeper
from tests.support.process_issues import RecordingOwner
from tests.support.process_tokens import fresh_token

MakeKeeper = Callable[[HookSettings], WorkspaceKeeper]


@pytest.fixture
def token() -> Iterator[str]:
    """A word that every hook of this test carries; nothing that carries it outlives the test."""
    with fresh_token() as word:
        yield word


@pytest.fixture
def owner(token: str) -> RecordingOwner:
    return RecordingOwner(token)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace root that does not exist yet."""
    return tmp_path / "parent" / "root"


@pytest.fixture
def make_keeper(root: Path, owner: RecordingOwner, tmp_path: Path) -> MakeKeeper:
    def make(hooks: HookSettings) -> WorkspaceKeeper:
        return WorkspaceKeeper(
            str(root),
            hooks,
            owner=owner,
            workflow_directory=str(tmp_path),
            environment={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        )

    return make

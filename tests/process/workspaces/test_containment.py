"""Workspaces do not leave their root, whatever lies there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from symphony.workspaces.containment import key_of_recorded_path, resolve_workspace
from symphony.workspaces.key import WorkspaceKey, workspace_key
from symphony.workspaces.problems import (
    NOT_A_DIRECTORY,
    NOT_READABLE,
    OUTSIDE_ROOT,
    WorkspaceError,
)

KEY = WorkspaceKey("MT-1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    return root


def test_a_missing_or_existing_directory_is_fine(root: Path) -> None:
    assert resolve_workspace(str(root), KEY) == f"{root}/MT-1"
    (root / KEY).mkdir()
    assert resolve_workspace(str(root), KEY) == f"{root}/MT-1"


@pytest.mark.proves("workspace.contain.symlink", "workspace.contain.root")
@pytest.mark.parametrize("target", ["..", "/", "../elsewhere", ".", "MT-2", "missing", "MT-1"])
def test_a_link_at_the_workspace_path_is_refused_wherever_it_leads(root: Path, target: str) -> None:
    (root / "MT-2").mkdir()
    (root.parent / "elsewhere").mkdir()
    (root / KEY).symlink_to(target)
    with pytest.raises(WorkspaceError, match="symbolic link") as refused:
        resolve_workspace(str(root), KEY)
    assert refused.value.category == NOT_A_DIRECTORY
    assert refused.value.path == f"{root}/MT-1"


@pytest.mark.proves("workspace.contain.dots")
@pytest.mark.parametrize("identifier", [".", "..", "../elsewhere", "/"])
def test_an_identifier_that_means_a_path_stays_under_the_root(root: Path, identifier: str) -> None:
    path = Path(resolve_workspace(str(root), workspace_key(identifier)))
    assert path.parent == root
    assert path.resolve().parent == root


def test_something_that_is_no_directory_is_refused_with_its_name(root: Path) -> None:
    (root / KEY).write_text("")
    with pytest.raises(WorkspaceError, match="not a directory") as refused:
        resolve_workspace(str(root), KEY)
    assert str(root / KEY) in refused.value.message


def test_a_root_that_is_a_file_is_a_typed_error(root: Path) -> None:
    file = root / "file"
    file.write_text("")
    with pytest.raises(WorkspaceError) as refused:
        resolve_workspace(str(file), KEY)
    assert refused.value.category == NOT_READABLE


def test_a_root_behind_a_link_gives_real_paths(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert resolve_workspace(f"{tmp_path}/link", KEY) == f"{root}/MT-1"


@pytest.mark.proves("workspace.contain.root")
@pytest.mark.parametrize("path", ["", ".", "..", "/etc", "/", "{root}", "{root}/..", "{root}/a/b"])
def test_a_recorded_path_outside_of_the_root_is_left_alone(root: Path, path: str) -> None:
    with pytest.raises(WorkspaceError) as refused:
        key_of_recorded_path(str(root), path.format(root=root))
    assert refused.value.category == OUTSIDE_ROOT


def test_a_recorded_path_of_a_root_that_was_replaced_by_a_link_is_left_alone(
    root: Path, tmp_path: Path
) -> None:
    recorded = resolve_workspace(str(root), KEY)
    assert key_of_recorded_path(str(root), recorded) == KEY
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.rmtree(root)
    root.symlink_to(elsewhere)
    with pytest.raises(WorkspaceError):
        key_of_recorded_path(str(root), recorded)

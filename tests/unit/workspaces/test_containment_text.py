"""What text alone says about a workspace path."""

from __future__ import annotations

import pytest

from symphony.workspaces.containment import is_inside, workspace_path
from symphony.workspaces.key import WorkspaceKey
from symphony.workspaces.problems import OUTSIDE_ROOT, WorkspaceError


@pytest.mark.parametrize(
    ("root", "path", "inside"),
    [
        ("/r", "/r/a", True),
        ("/r/", "/r/a/b", True),
        ("/r", "/r", False),
        ("/r", "/r/.", False),
        ("/r", "/r/a/..", False),
        ("/r", "/r/../x", False),
        ("/r", "/root", False),
        ("/r", "r/a", False),
        ("r", "r/a", False),
        ("/", "/a", True),
    ],
)
def test_inside_means_below_the_root(root: str, path: str, inside: bool) -> None:
    assert is_inside(root, path) is inside


@pytest.mark.proves("workspace.contain.root")
@pytest.mark.parametrize("key", ["", ".", "..", "a/b", "/etc", "../r", "a\0"])
def test_what_is_no_name_is_refused(key: str) -> None:
    with pytest.raises(WorkspaceError) as refused:
        workspace_path("/r", WorkspaceKey(key))
    assert refused.value.category == OUTSIDE_ROOT
    assert refused.value.problems[0].remedy


def test_a_root_that_is_not_absolute_is_refused() -> None:
    with pytest.raises(WorkspaceError):
        workspace_path("r", WorkspaceKey("MT-1"))


@pytest.mark.proves("workspace.path.under_root")
def test_a_workspace_lies_directly_under_its_root() -> None:
    assert workspace_path("/r", WorkspaceKey("MT-1")) == "/r/MT-1"

"""One directory tree is removed, completely, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from symphony.workspaces.problems import NOT_REMOVED, WorkspaceError
from symphony.workspaces.removal import remove_tree

TOP = Path(__file__).parents[3]
NOBODY = 65534


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory that must survive."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    return outside


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "MT-1").mkdir(parents=True)
    return root


def test_a_whole_tree_is_removed(root: Path) -> None:
    (root / "MT-1" / "a" / "b").mkdir(parents=True)
    (root / "MT-1" / "a" / "b" / "file").write_text("x")
    os.mkfifo(root / "MT-1" / "a" / "fifo")
    (root / "MT-2").mkdir()
    assert remove_tree(str(root), "MT-1")
    assert [entry.name for entry in root.iterdir()] == ["MT-2"]


def test_a_directory_that_is_missing_is_fine(root: Path) -> None:
    assert not remove_tree(str(root), "MT-9")
    assert not remove_tree(str(root / "missing"), "MT-9")


@pytest.mark.proves("workspace.contain.symlink")
def test_links_are_removed_and_not_followed(root: Path, outside: Path) -> None:
    (root / "MT-1" / "to_directory").symlink_to(outside)
    (root / "MT-1" / "to_file").symlink_to(outside / "kept")
    (root / "MT-1" / "to_nothing").symlink_to("missing")
    os.link(outside / "kept", root / "MT-1" / "hard")
    assert remove_tree(str(root), "MT-1")
    assert (outside / "kept").read_text() == "kept"


@pytest.mark.proves("workspace.contain.symlink")
def test_a_link_in_place_of_the_directory_is_an_error(root: Path, outside: Path) -> None:
    (root / "MT-2").symlink_to(outside)
    with pytest.raises(WorkspaceError) as refused:
        remove_tree(str(root), "MT-2")
    assert refused.value.category == NOT_REMOVED
    assert (root / "MT-2").is_symlink()
    assert (outside / "kept").exists()


def test_a_tree_deeper_than_any_path_is_removed(root: Path) -> None:
    descriptor = os.open(root / "MT-1", os.O_RDONLY)
    for _ in range(1000):
        os.mkdir("deep", dir_fd=descriptor)
        inner = os.open("deep", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    assert remove_tree(str(root), "MT-1")
    assert list(root.iterdir()) == []


def test_entries_that_appear_meanwhile_are_removed_as_well(root: Path) -> None:
    created = 0
    enough = threading.Event()

    def create() -> None:
        nonlocal created
        while created < 50:
            try:
                (root / "MT-1" / f"late-{created}").mkdir()
            except FileNotFoundError:
                break
            created += 1
        enough.set()

    writer = threading.Thread(target=create)
    for number in range(300):
        (root / "MT-1" / f"early-{number}").write_text("")
    writer.start()
    try:
        assert remove_tree(str(root), "MT-1")
    finally:
        writer.join()
    assert enough.is_set()
    assert not (root / "MT-1").exists()


DROP_RIGHTS_AND_REMOVE = """
import os, sys
from symphony.workspaces.removal import remove_tree
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[2]))
print(remove_tree(sys.argv[1], "MT-1"))
"""


@pytest.fixture
def read_only_tree() -> Iterator[Path]:
    """What git and package caches leave: directories that nobody may write to, or even read."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        # Other than pytest's own directories it is open to every user of the machine.
        root.chmod(0o755)
        make_read_only_tree(root)
        yield root


def make_read_only_tree(root: Path) -> None:
    inner = root / "MT-1" / "objects" / "ab"
    inner.mkdir(parents=True)
    (inner / "pack").write_text("x")
    closed = root / "MT-1" / "closed"
    (closed / "deep").mkdir(parents=True)
    (inner / "pack").chmod(0o444)
    inner.chmod(0o555)
    closed.chmod(0)


def test_read_only_directories_are_removed_by_their_owner(read_only_tree: Path) -> None:
    assert remove_tree(str(read_only_tree), "MT-1")
    assert list(read_only_tree.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without its rights")
def test_read_only_directories_are_removed_without_the_rights_of_root(
    read_only_tree: Path,
) -> None:
    for entry in [read_only_tree, *read_only_tree.rglob("*")]:
        os.chown(entry, NOBODY, NOBODY, follow_symlinks=False)
    result = subprocess.run(
        (sys.executable, "-c", DROP_RIGHTS_AND_REMOVE, str(read_only_tree), str(NOBODY)),
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.stdout, result.stderr) == ("True\n", "")
    assert list(read_only_tree.iterdir()) == []


def test_what_cannot_be_removed_is_named(root: Path) -> None:
    with pytest.raises(WorkspaceError) as refused:
        remove_tree("/proc", "self")
    assert refused.value.category == NOT_REMOVED
    assert "/proc/self" in refused.value.message
    assert root.exists()

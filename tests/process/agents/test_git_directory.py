"""Which git directory is made writable, with real git and real forgeries."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from symphony.agents.git_directory import writable_git_directories
from symphony.agents.sandbox import is_trusted, turn_sandbox_policy
from symphony.domain.json import JsonObject
from symphony.domain.settings import CodexSettings


def git(directory: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.invalid")
    subprocess.run(("git", *identity, *arguments), cwd=directory, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repository"
    path.mkdir()
    git(path, "init", "-q")
    git(path, "commit", "-q", "--allow-empty", "-m", "start")
    return path


@pytest.fixture
def worktree(repository: Path) -> Path:
    path = repository.parent / "worktree"
    git(repository, "worktree", "add", "-q", str(path))
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    path = tmp_path / "workspace"
    path.mkdir()
    return path


def found(workspace: Path) -> tuple[str, ...]:
    return writable_git_directories(str(workspace))


def point(workspace: Path, target: Path | str) -> None:
    (workspace / ".git").write_text(f"gitdir: {target}\n")


def test_a_repository_in_the_workspace_has_its_git_directory_writable(repository: Path) -> None:
    assert found(repository) == (str(repository / ".git"),)


def test_a_worktree_has_the_shared_and_its_own_directory_writable(
    repository: Path, worktree: Path
) -> None:
    shared = repository / ".git"
    assert found(worktree) == (str(shared), str(shared / "worktrees" / "worktree"))


def test_a_worktree_with_relative_pointers_is_understood(repository: Path, worktree: Path) -> None:
    own = repository / ".git" / "worktrees" / "worktree"
    (worktree / ".git").write_text("gitdir: ../repository/.git/worktrees/worktree\n")
    (own / "gitdir").write_text("../../../../worktree/.git\n")
    assert found(worktree) == (str(repository / ".git"), str(own))


def test_a_workspace_reached_through_a_link_gives_real_paths(
    repository: Path, worktree: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(repository)
    assert found(tmp_path / "link") == (str(repository / ".git"),)
    (tmp_path / "other").symlink_to(worktree)
    assert found(tmp_path / "other") == found(worktree)


def test_a_workspace_without_git_has_none(workspace: Path) -> None:
    assert found(workspace) == ()
    assert found(workspace / "missing") == ()


def test_a_link_that_leads_out_of_the_workspace_is_not_followed(
    workspace: Path, repository: Path
) -> None:
    (workspace / ".git").symlink_to(repository / ".git")
    assert found(workspace) == ()


def test_a_pointer_to_another_repository_is_not_believed(
    workspace: Path, repository: Path, worktree: Path
) -> None:
    point(workspace, repository / ".git")
    assert found(workspace) == ()
    point(workspace, repository / ".git" / "worktrees" / worktree.name)
    assert found(workspace) == ()


def test_a_pointer_to_a_forged_worktree_opens_nothing_else(workspace: Path, tmp_path: Path) -> None:
    """The agent can write a directory and claims that another one belongs to it."""
    victim, forged = tmp_path / "victim", tmp_path / "forged" / "worktrees" / "x"
    victim.mkdir()
    forged.mkdir(parents=True)
    (forged / "gitdir").write_text(f"{workspace}/.git\n")
    point(workspace, forged)
    for claim in (str(victim), "../../../victim", "/"):
        (forged / "commondir").write_text(claim + "\n")
        assert found(workspace) == ()


def test_a_forged_worktree_behind_a_link_opens_nothing(workspace: Path, tmp_path: Path) -> None:
    victim, writable = tmp_path / "victim", tmp_path / "writable"
    for directory in (victim, writable / "x"):
        directory.mkdir(parents=True)
    (writable / "x" / "gitdir").write_text(f"{workspace}/.git\n")
    (writable / "x" / "commondir").write_text(f"{victim}\n")
    # What stands at `<victim>/worktrees` is a link to where the agent can write.
    (victim / "worktrees").symlink_to(writable)
    point(workspace, victim / "worktrees" / "x")
    assert found(workspace) == ()


@pytest.mark.parametrize("name", ["gitdir", "commondir"])
def test_a_worktree_that_does_not_confirm_is_not_believed(
    worktree: Path, repository: Path, name: str
) -> None:
    file = repository / ".git" / "worktrees" / "worktree" / name
    file.unlink()
    assert found(worktree) == ()
    file.symlink_to("/etc/hostname")
    assert found(worktree) == ()


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"gitdir:", b"gitdir: \0", b"gitdir: a\nb\n", b"x" * 10_000, b"\xff\xfe", b"/etc"],
)
def test_a_pointer_file_with_anything_else_in_it_opens_nothing(
    workspace: Path, content: bytes
) -> None:
    (workspace / ".git").write_bytes(content)
    assert found(workspace) == ()


def test_a_pointer_that_is_a_pipe_blocks_nobody(workspace: Path) -> None:
    os.mkfifo(workspace / ".git")
    assert found(workspace) == ()


@pytest.mark.proves("policy.default.restricted")
def test_by_default_an_agent_writes_the_workspace_and_its_git_directory_without_network(
    repository: Path,
) -> None:
    assert turn_sandbox_policy(CodexSettings(), str(repository)) == {
        "type": "workspaceWrite",
        "writableRoots": [str(repository / ".git")],
        "networkAccess": False,
        "excludeTmpdirEnvVar": False,
        "excludeSlashTmp": False,
    }


def test_a_policy_of_the_user_is_passed_on_untouched(repository: Path) -> None:
    policy: JsonObject = {"type": "externalSandbox", "anything": [1]}
    settings = CodexSettings(turn_sandbox_policy=policy)
    assert turn_sandbox_policy(settings, str(repository)) is policy


@pytest.mark.parametrize("sandbox", ["read-only", "danger-full-access", "something-new"])
def test_another_sandbox_of_the_thread_stays_in_force(repository: Path, sandbox: str) -> None:
    settings = CodexSettings(thread_sandbox=sandbox)
    assert turn_sandbox_policy(settings, str(repository)) is None


def test_a_workspace_with_codex_settings_of_its_own_is_not_trusted(workspace: Path) -> None:
    assert is_trusted(str(workspace))
    (workspace / ".codex").symlink_to("nowhere")
    assert not is_trusted(str(workspace))

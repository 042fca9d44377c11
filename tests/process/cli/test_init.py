"""`symphony init`: a workflow file to start from."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.support.daemon_process import PATIENCE_S, PROGRAM, RunCommand


@pytest.fixture
def codex(tmp_path: Path, environment: dict[str, str]) -> None:
    """A program of the default command's name on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "codex").write_text("#!/bin/sh\n")
    (folder / "codex").chmod(0o755)
    environment["PATH"] = f"{folder}:{environment['PATH']}"


@pytest.mark.usefixtures("codex")
def test_without_a_terminal_nothing_is_asked_and_the_daemon_would_start(
    run: RunCommand, tmp_path: Path
) -> None:
    done = run("init")
    assert (done.returncode, done.stderr) == (0, "")
    assert str(tmp_path / "WORKFLOW.md") in done.stdout
    assert [path.name for path in (tmp_path / "issues").iterdir()] == ["hello.md"]
    checked = run("check", "--online")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "The tracker answers: 1 issues in active states." in checked.stdout


@pytest.mark.usefixtures("codex")
def test_flags_decide_what_is_written(run: RunCommand, tmp_path: Path) -> None:
    done = run(
        *("init", "deep.md", "--tracker", "files", "--scope", "~/board", "--slots", "7"),
        *("--clone", "https://example.org/x y.git", "--workspace-root", "~/work spaces"),
    )
    assert done.returncode == 0
    assert (tmp_path / "board" / "hello.md").exists()
    assert (
        "git clone --quiet -- 'https://example.org/x y.git' ." in (tmp_path / "deep.md").read_text()
    )
    checked = run("check", "deep.md")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "at most 7 at once" in checked.stdout
    assert str(tmp_path / "work spaces") in checked.stdout


@pytest.mark.parametrize("kind", ["file", "directory", "dangling link"])
def test_what_is_there_is_never_overwritten(run: RunCommand, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "WORKFLOW.md"
    if kind == "file":
        path.write_text("mine")
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "nowhere")
    done = run("init")
    assert done.returncode == 1
    assert f"{path} exists" in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["WORKFLOW.md"]
    if kind == "file":
        assert path.read_text() == "mine"


def test_a_folder_of_issues_that_is_there_is_left_as_it_is(run: RunCommand, tmp_path: Path) -> None:
    (tmp_path / "issues").mkdir()
    assert run("init").returncode == 0
    assert list((tmp_path / "issues").iterdir()) == []


@pytest.mark.parametrize(
    "words", [("--slots", "0"), ("--scope", "a\nb"), ("--workspace-root", " "), ("no/such/dir/x",)]
)
def test_what_cannot_be_written_leaves_nothing(
    run: RunCommand, tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = run("init", *words)
    assert done.returncode in (1, 2)
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("codex")
def test_on_a_terminal_it_asks_for_what_no_flag_says(
    run: RunCommand, tmp_path: Path, environment: dict[str, str]
) -> None:
    shown = _with_terminal(("init", "--slots", "2"), "files\nmy issues\n\n", tmp_path, environment)
    assert "Tracker (" in shown
    assert "[./issues]" in shown
    assert (tmp_path / "my issues" / "hello.md").exists()
    assert run("check").returncode == 0


def test_an_end_of_input_at_a_question_is_no_crash(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    shown = _with_terminal(("init",), "\x04", tmp_path, environment)
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == []


def _with_terminal(
    words: tuple[str, ...], typed: str, directory: Path, environment: dict[str, str]
) -> str:
    """What a terminal shows while somebody types."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        (PROGRAM, *words),
        cwd=directory,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        os.write(ours, typed.encode())
        # The other end hangs up with an error when the program has ended.
        with contextlib.suppress(OSError):
            while data := os.read(ours, 4096):
                shown += data
        child.wait(PATIENCE_S)
    finally:
        child.kill()
        child.wait()
        os.close(ours)
    return shown.decode()

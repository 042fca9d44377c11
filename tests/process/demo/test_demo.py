"""`symphony demo` as a newcomer runs it: a program, a directory, what it prints and leaves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from symphony.demo.board import ISSUES
from symphony.demo.git import run_git
from symphony.demo.outcome import results
from symphony.demo.place import MARKER, Place
from tests.support.process_tokens import fresh_token, pids_with, wait_until

PATIENCE_S = 120.0
LIMIT = ("--limit", "110")
"""The demo takes some ten seconds, and far more where ten test processes share two cores."""


@dataclass(slots=True)
class Demo:
    """A started demo. Its output goes to a file, so that no pipe can fill."""

    process: subprocess.Popen[bytes]
    output: Path
    directory: Path
    token: str

    def wait(self) -> int:
        return self.process.wait(PATIENCE_S)

    def text(self) -> str:
        return self.output.read_text(encoding="utf-8")


@dataclass(slots=True)
class Runner:
    """Starts demos in one directory, under a name by which everything they start is known."""

    folder: Path
    token: str
    demos: list[Demo] = field(default_factory=list[Demo])

    def start(self, *words: str, environment: Mapping[str, str] | None = None) -> Demo:
        output = self.folder / f"output-{len(self.demos)}.txt"
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        program = Path(sys.executable).with_name("symphony")
        with output.open("wb") as file:
            process = subprocess.Popen(
                (str(program), "demo", *words),
                cwd=self.folder,
                # A login profile of the user's must not be killed in the middle of something.
                env={**os.environ, **_own(home, self.token), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        demo = Demo(process, output, self.folder / "symphony-demo", self.token)
        self.demos.append(demo)
        return demo

    def run(self, *words: str, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
        demo = self.start(*words, environment=environment)
        return demo.wait(), demo.text()


def _own(home: Path, token: str) -> dict[str, str]:
    return {"HOME": str(home), "DEMO_TEST": token}


@pytest.fixture
def runner(tmp_path: Path) -> Generator[Runner]:
    with fresh_token() as token:
        yield Runner(tmp_path, token)


def wait_for(demo: Demo, condition: Callable[[], bool], what: str) -> None:
    """Return once the condition holds; it is files and processes that make it true."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert demo.process.poll() is None, f"ended before {what}: {demo.text()}"
        assert time.monotonic() < deadline, f"waited in vain for {what}: {demo.text()}"
        time.sleep(0.02)


def hostile_git(home: Path) -> dict[str, str]:
    """The environment of somebody whose git signs, hooks and names branches in odd ways."""
    (home / "hooks").mkdir(parents=True)
    for name in ("pre-commit", "post-checkout", "pre-push"):
        hook = home / "hooks" / name
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[core]\n\thooksPath = {home}/hooks\n[commit]\n\tgpgsign = true\n"
        "[init]\n\tdefaultBranch = odd\n[clone]\n\tdefaultRemoteName = odd\n"
        "[push]\n\tdefault = nothing\n[user]\n\tuseConfigOnly = true\n"
    )
    return {"HOME": str(home), "GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere/index"}


def test_eight_issues_get_done_whatever_the_users_git_is_set_to(
    runner: Runner, tmp_path: Path
) -> None:
    odd = "a place with 'quotes' and $HOME"
    words = ("--slots", "4", "--directory", odd, *LIMIT)
    demo = runner.start(*words, environment=hostile_git(tmp_path / "home"))
    assert demo.wait() == 0, demo.text()
    text = demo.text()
    assert f"{len(ISSUES)} of {len(ISSUES)} issues are done" in text
    place = Place(root=tmp_path / odd)
    assert [each.issue.identifier for each in results(place) if not each.is_done] == []
    unwrapped = " ".join(text.split())
    for result in results(place):
        assert result.commit is not None
        assert result.commit in unwrapped
    # What is told on the way: the blocker, the failure and its retry, a second turn.
    assert "waits: it comes after DUR-3" in text
    assert "on purpose" in text
    assert "starts again (attempt 2)" in text
    assert "turn 2 begins" in text
    # What is left: no workspace, no process, and the project's tests pass on every branch.
    assert list(place.workspaces.iterdir()) == []
    assert pids_with(runner.token) == []
    for issue in ISSUES:
        run_git(place.repository, "checkout", "--quiet", f"issue/{issue.identifier}")
        tests = (sys.executable, "-B", "-m", "unittest", "-q")
        subprocess.run(tests, cwd=place.repository, check=True, capture_output=True)
    assert "symphony init" in text
    assert "log --oneline --graph --all" in text
    assert (place.logs / "symphony.log").read_text().count("event=dispatched") >= 9


def test_an_interrupt_stops_every_agent_and_says_so(runner: Runner) -> None:
    demo = runner.start(*LIMIT)
    wait_for(demo, lambda: "said:" in demo.text(), "an agent at work")
    demo.process.send_signal(signal.SIGINT)
    assert demo.wait() == 130
    assert "Every agent has been stopped." in demo.text()
    assert pids_with(runner.token) == []


def test_a_demo_that_is_killed_leaves_nothing_running(runner: Runner) -> None:
    demo = runner.start(*LIMIT)
    wait_for(demo, lambda: "said:" in demo.text(), "an agent at work")
    demo.process.kill()
    assert demo.wait() == -signal.SIGKILL
    wait_until(lambda: pids_with(runner.token) == [], "the end of what the killed demo had started")


def test_a_demo_that_takes_too_long_fails_and_says_where_to_look(runner: Runner) -> None:
    code, text = runner.run("--limit", "1")
    assert code == 1
    assert "not done within 1 s" in text
    assert "DUR-8 is not done: it is Todo, not Done." in text
    assert "symphony-demo/logs/symphony.log" in text
    assert pids_with(runner.token) == []


def test_nobody_reading_the_output_ends_the_demo_quietly(runner: Runner, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("symphony")
    with (tmp_path / "errors.txt").open("wb") as errors:
        process = subprocess.Popen(
            (str(program), "demo", *LIMIT),
            cwd=tmp_path,
            env={**os.environ, **_own(tmp_path, runner.token)},
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(PATIENCE_S) == 130
    assert (tmp_path / "errors.txt").read_text() == ""
    assert pids_with(runner.token) == []


def test_an_earlier_demo_is_replaced_and_another_directory_left_alone(
    runner: Runner, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "file").write_text("mine")
    code, text = runner.run("--directory", "theirs")
    assert code == 1
    assert "was not made by a demo, so it is left alone" in text
    assert [each.name for each in theirs.iterdir()] == ["file"]
    first = runner.start(*LIMIT)
    wait_for(first, lambda: (first.directory / MARKER).exists(), "the directory")
    wait_for(first, lambda: "starts:" in first.text(), "the first run")
    code, text = runner.run()
    assert code == 1
    assert "another demo is running" in text
    first.process.send_signal(signal.SIGTERM)
    assert first.wait() == 130
    assert runner.run("--limit", "1")[0] == 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--agent", "codex"), "the program `codex` is not on the PATH"),
        (("--directory", "/dev/null/demo"), "cannot be made: Not a directory"),
    ],
)
def test_what_cannot_work_is_said_in_one_line_with_what_to_do(
    runner: Runner, tmp_path: Path, words: tuple[str, ...], expected: str
) -> None:
    code, text = runner.run(*words, environment={"PATH": _path_with(tmp_path, "git")})
    assert code == 1
    assert expected in text
    assert len(text.splitlines()) == 1


def test_without_git_the_reader_learns_what_to_install(runner: Runner, tmp_path: Path) -> None:
    code, text = runner.run(environment={"PATH": _path_with(tmp_path)})
    assert code == 1
    assert "Install it" in text
    assert len(text.splitlines()) == 1


def _path_with(folder: Path, *programs: str) -> str:
    """A PATH that holds these programs and no others."""
    directory = folder / "bin"
    directory.mkdir()
    for program in programs:
        found = shutil.which(program)
        assert found is not None
        (directory / program).symlink_to(found)
    return str(directory)


@pytest.mark.parametrize(
    "words", [("--slots", "0"), ("--slots", "9"), ("--slots", "x"), ("--limit", "0"), ("more",)]
)
def test_a_wrong_word_is_refused_before_anything_is_made(
    runner: Runner, tmp_path: Path, words: tuple[str, ...]
) -> None:
    code, text = runner.run(*words)
    assert code == 2
    assert "usage: symphony demo" in text
    assert not (tmp_path / "symphony-demo").exists()

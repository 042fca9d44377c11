"""What the suite says where the machine does not play along: one sentence, and the right code."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.selftest.leftovers import processes_with
from tests.support.daemon_process import PROGRAM as DAEMON

SUITE = str(Path(sys.executable).with_name("symphony-conformance"))
LIMIT_S = 120.0
FULL = Path("/dev/full")
MANIFEST = """\
schema = 1
capabilities = ["http"]
[implementation]
name = "x"
[launch]
command = ["{program}", "{{workflow}}", "--port", "{port}"]
"""

needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


def run(
    *arguments: str, directory: Path, output: Path | None = None, errors: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """`output` and `errors` take the place of the pipes that are read otherwise."""
    files = [None if each is None else each.open("w") for each in (output, errors)]
    stdout, stderr = (subprocess.PIPE if each is None else each for each in files)
    try:
        return subprocess.run(
            (SUITE, *arguments),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    finally:
        for each in files:
            if each is not None:
                each.close()


def rendered(directory: Path) -> str:
    done = run("report", "render", "console", directory=directory)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_port_that_is_taken_ends_as_never_ready_with_what_the_program_said(
    tmp_path: Path,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        text = MANIFEST.format(program=DAEMON, port=taken.getsockname()[1])
        (tmp_path / "m.toml").write_text(text)
        done = run("run", "smoke", "--implementation", "m.toml", directory=tmp_path)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "is in use" in done.stdout.splitlines()[-1]
    assert "is in use" in rendered(tmp_path)
    workflow = tmp_path / "conformance-results" / "scenarios" / "_probe" / "project" / "WORKFLOW.md"
    assert list(processes_with(str(workflow))) == []


def test_a_program_without_its_interpreter_is_told_and_what_was_recorded_can_be_read(
    tmp_path: Path,
) -> None:
    program = tmp_path / "symphony"
    program.write_text("#!/nobody/has/this\n")
    program.chmod(0o755)
    done = run("run", "smoke", "--", "./symphony", "{workflow}", directory=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "interpreter" in done.stderr.splitlines()[-1]
    assert "no verdict" in rendered(tmp_path)


@needs_full
@pytest.mark.parametrize("arguments", [("list",), ("explain", "retry.backoff.cap")])
def test_output_that_nobody_got_is_no_success(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = run(*arguments, directory=tmp_path, output=FULL)
    assert done.returncode == 3
    assert done.stderr == (
        "symphony-conformance: the output cannot be written: No space left on device\n"
    )


@needs_full
def test_a_verdict_that_cannot_be_told_is_none_and_stays_in_the_records(tmp_path: Path) -> None:
    done = run("smoke", "--", DAEMON, "{workflow}", directory=tmp_path, output=FULL)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "symphony: conforming" in rendered(tmp_path)


@needs_full
def test_progress_that_cannot_be_shown_costs_nothing_else(tmp_path: Path) -> None:
    done = run("smoke", "--", DAEMON, "{workflow}", directory=tmp_path, errors=FULL)
    assert done.returncode == 0, done.stdout
    assert "none broken" in done.stdout


@needs_full
def test_a_report_that_does_not_fit_is_named_and_the_records_are_kept(tmp_path: Path) -> None:
    (tmp_path / "report.html").symlink_to(FULL)
    words = ("run", "smoke", "--report", "html=report.html", "--", DAEMON, "{workflow}")
    done = run(*words, directory=tmp_path)
    assert done.returncode == 3
    assert "report.html: No space left on device" in done.stderr.splitlines()[-1]
    assert "symphony: conforming" in rendered(tmp_path)


@needs_full
def test_a_baseline_goes_to_a_device_without_being_read_from_it(tmp_path: Path) -> None:
    assert run("smoke", "--", DAEMON, "{workflow}", directory=tmp_path).returncode == 0
    (tmp_path / "known.toml").symlink_to(FULL)
    done = run("baseline", "write", "--output", "known.toml", directory=tmp_path)
    assert done.returncode == 3
    assert "known.toml: No space left on device" in done.stderr


@pytest.mark.parametrize("place", ["a_file", "a_file/below"])
def test_a_place_that_cannot_hold_results_is_told_before_anything_starts(
    place: str, tmp_path: Path
) -> None:
    (tmp_path / "a_file").write_text("mine")
    words = ("smoke", "--results", place, "--", DAEMON, "{workflow}")
    done = run(*words, directory=tmp_path)
    assert done.returncode == 2
    assert "give another directory with --results" in done.stderr
    assert (tmp_path / "a_file").read_text() == "mine"

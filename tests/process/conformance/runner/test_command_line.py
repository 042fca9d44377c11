"""The program as its user has it: runs, replays, and what becomes of wrong use and bad luck."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance.selftest.leftovers import processes_with
from conformance.selftest.zoo import PROGRAM as HOSTILE
from tests.support.daemon_process import PROGRAM as DAEMON
from tests.support.daemon_process import wait_until

SUITE = str(Path(sys.executable).with_name("symphony-conformance"))
LIMIT_S = 120.0


def run(
    *arguments: str, directory: Path, launcher: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*launcher, SUITE, *arguments),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def records(results: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (results / "records.ndjson").read_text().splitlines()]


def test_smoke_passes_for_our_daemon_without_a_manifest(tmp_path: Path) -> None:
    done = run("smoke", "--", DAEMON, "{workflow}", directory=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "none broken" in done.stdout
    assert records(tmp_path / "conformance-results")[-1]["exit_code"] == 0


@pytest.mark.parametrize(
    ("before", "behaviour", "advice"),
    [
        ((), "never_dispatches", "started no agent"),
        ((), "exits_at_once", "look at launch.command"),
        (("env", "-u", "LINEAR_API_KEY"), "never_dispatches", "not authenticated"),
    ],
)
def test_smoke_says_where_to_look(
    before: Sequence[str], behaviour: str, advice: str, tmp_path: Path
) -> None:
    words = json.dumps([*before, sys.executable, "-E", str(HOSTILE), behaviour, "{workflow}"])
    (tmp_path / "m.toml").write_text(
        f'schema = 1\n[implementation]\nname = "x"\n[launch]\ncommand = {words}\n'
    )
    done = run("smoke", "--implementation", "m.toml", directory=tmp_path)
    assert done.returncode in {1, 4}
    assert advice in done.stdout


def test_a_command_may_name_files_relative_to_where_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "start.sh").write_text(f'exec "{DAEMON}" "$1"\n')
    done = run("smoke", "--", "sh", "start.sh", "{workflow}", directory=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_run_leaves_reports_and_a_bundle_that_can_be_played_again(tmp_path: Path) -> None:
    wanted = ("smoke", "--implementation", "symphony-for-python", "--dialect", "github")
    reports = ("--report", "junit=junit.xml", "--report", "html=report.html")
    done = run("run", *wanted, *reports, "--results", "r", "--seed", "7", directory=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ElementTree.parse(tmp_path / "junit.xml").findall(".//testcase")  # noqa: S314 - ours
    assert "session.start.prompt" in (tmp_path / "report.html").read_text()

    again = run("replay", "r/scenarios/smoke", directory=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    first = records(tmp_path / "conformance-results" / "replay")[0]
    assert (first["seed"], first["dialect"], first["patterns"]) == (7, "github", ["smoke"])


def test_records_are_enough_for_reports_later(tmp_path: Path) -> None:
    assert run("smoke", "--", DAEMON, "{workflow}", directory=tmp_path).returncode == 0
    shown = run("report", "render", "markdown", directory=tmp_path)
    assert shown.returncode == 0
    assert "session.start.prompt" in shown.stdout or "MUST" in shown.stdout
    written = run("baseline", "write", directory=tmp_path)
    assert written.returncode == 0
    assert (tmp_path / "baseline.toml").read_text().startswith("schema = 1")
    matrix = "conformance-results/records.ndjson"
    both = run("report", "matrix", matrix, matrix, "--output", "m.html", directory=tmp_path)
    assert both.returncode == 0, both.stderr
    assert "<html" in (tmp_path / "m.html").read_text()


@contextmanager
def suite_at_work(results: Path) -> Generator[subprocess.Popen[str]]:
    """A run in which an agent is at work."""
    with subprocess.Popen(
        (SUITE, "run", "dispatch", "--results", str(results), "--", DAEMON, "{workflow}"),
        cwd=results.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as suite:
        spaces = results / "scenarios" / "dispatch" / "workspaces"
        try:
            wait_until(lambda: spaces.is_dir() and os.listdir(spaces), "an agent is at work")
            yield suite
        finally:
            suite.kill()


def left_of(results: Path) -> list[int]:
    """Daemons of the run; each has the path of its workflow file as an argument."""
    workflow = results / "scenarios" / "dispatch" / "project" / "WORKFLOW.md"
    return list(processes_with(str(workflow)))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_was_found_and_leaves_nothing_running(
    number: signal.Signals, tmp_path: Path
) -> None:
    results = tmp_path / secrets.token_hex(8)
    with suite_at_work(results) as suite:
        os.kill(suite.pid, number)
        said, _ = suite.communicate(timeout=LIMIT_S)
    assert suite.returncode == 3, said
    assert "interrupted" in said
    kept = records(results)
    assert kept[0]["record"] == "run_started"
    assert kept[-1]["record"] == "run_ended"
    assert kept[-1]["interrupted"] is True
    assert left_of(results) == []


def test_a_suite_that_is_killed_leaves_nothing_running_either(tmp_path: Path) -> None:
    results = tmp_path / secrets.token_hex(8)
    with suite_at_work(results) as suite:
        assert left_of(results)
        suite.kill()
        suite.communicate(timeout=LIMIT_S)
    wait_until(lambda: not left_of(results), "the daemon is gone")
    assert records(results)[0]["record"] == "run_started"


def test_a_full_disk_ends_the_run_with_one_sentence(tmp_path: Path) -> None:
    # A bound for the size of any file stands for the disk: the records need more than this.
    limited = ("bash", "-c", 'ulimit -f 64; exec "$@"', "bash")
    done = run("smoke", "--", DAEMON, "{workflow}", directory=tmp_path, launcher=limited)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "records.ndjson" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "conformance-results" / "records.ndjson").stat().st_size > 0


# Wrong use: one sentence, exit code 2, and nothing was started.


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("run",), "say what to judge"),
        (("run", "--", "./nobody", "{workflow}"), "nobody' of"),
        (("run", "--", "true"), "put {workflow} there"),
        (("run", "--", "true", "{workflov}", "{workflow}"), "did you mean {workflow}?"),
        (("run", "no.such.requirement", "--", "true", "{workflow}"), "matches no requirement"),
        (("run", "--profile", "http", "--", "true", "{workflow}"), "does not offer the http"),
        (("run", "--implementation", "none.toml"), "none.toml"),
        (("run", "--implementation", "a.toml", "--", "true", "{workflow}"), "not both"),
        (
            ("run", "--implementation", "openai-symphony-elixir", "--dialect", "github"),
            "tracker.dialects",
        ),
        (("run", "--baseline", "none.toml", "--", "true", "{workflow}"), "baseline none.toml"),
        (("run", "--report", "pdf=x", "--", "true", "{workflow}"), "--report"),
        (("run", "--report", "html=no/x", "--", "true", "{workflow}"), "make it first"),
        (("run", "--seed", "-1", "--", "true", "{workflow}"), "whole number"),
        (("replay", "nowhere"), "a bundle is a directory"),
        (("list", "--", "x"), "takes no command"),
        (("report", "render", "html", "nowhere"), "nowhere"),
        (("report", "render", "pdf", "nowhere"), "nowhere"),
        (("selftest", "unicorn"), "known are exits_at_once"),
    ],
)
def test_wrong_use_is_told_in_one_sentence(
    arguments: Sequence[str], complaint: str, tmp_path: Path
) -> None:
    done = run(*arguments, directory=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('capabilities = ["htpp"]', "did you mean http?"),
        ("colour = 1", "there is no such key"),
        ('[tracker]\ndialects = ["jira"]', "tracker.dialects"),
    ],
)
def test_a_wrong_manifest_is_told_with_its_place(line: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(
        f'schema = 1\n{line}\n[implementation]\nname = "x"\n[launch]\ncommand = ["{{workflow}}"]\n'
    )
    done = run("run", "--implementation", "m.toml", directory=tmp_path)
    assert done.returncode == 2
    assert "m.toml:" in done.stderr
    assert complaint in done.stderr


def test_a_stale_baseline_does_not_pass(tmp_path: Path) -> None:
    (tmp_path / "known.toml").write_text(
        'schema = 1\n[[known]]\nid = "session.start.prompt"\nreason = "long ago"\n'
    )
    done = run(
        "run", "smoke", "--baseline", "known.toml", "--", DAEMON, "{workflow}", directory=tmp_path
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "session.start.prompt" in done.stdout + done.stderr

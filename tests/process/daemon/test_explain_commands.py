"""`symphony explain` tells what the running daemon knows, then what the tracker says."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from symphony.domain.json import JsonObject, as_object
from tests.support.daemon_process import run_command
from tests.support.daemon_site import HOUR_MS, WORKS, Script, Site

ASKS: Script = {"turns": [[{"do": "user_input"}]]}
FAILS: Script = {"turns": [[{"do": "fail", "message": "no luck today"}]]}


def explain(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    return run_command("explain", *words, directory=site.project, environment=site.environment())


def known(site: Site, *words: str) -> JsonObject:
    document = as_object(json.loads(explain(site, *words, "--json").stdout)) or {}
    return as_object(document["daemon"]) or {}


@pytest.fixture
def busy(site: Site) -> Site:
    """One slot: MT-1 runs, MT-2 waits for it, MT-3 lacks the label."""
    site.write_workflow(
        agent={"max_concurrent_agents": 1},
        polling={"interval_ms": HOUR_MS},
        tracker={"required_labels": ["agent"]},
    )
    site.write_script("default", WORKS)
    for name in ("MT-1", "MT-2"):
        site.write_issue(name, labels=["agent"])
    site.write_issue("MT-3")
    site.start(str(site.workflow), "--port", "0").wait_for_log(event="http_listening")
    site.at_gate("MT-1")
    return site


def test_what_the_daemon_knows_comes_first_with_the_time_of_its_poll(busy: Site) -> None:
    done = explain(busy, "MT-2")
    assert (done.returncode, done.stderr) == (3, "")
    first, second, _, third, *rest = done.stdout.splitlines()
    assert re.fullmatch(
        r"The daemon at http://127\.0\.0\.1:\d+/ polled at \d\d:\d\d:\d\d UTC, \d+ s ago:", first
    )
    assert second == "  MT-2 was not started (no_global_slot): all slots are in use"
    assert third == "By the tracker as it is now, for a daemon that starts now:"
    # For such a daemon the slot is free, but MT-1 comes first in the order.
    assert rest[-1] == "It would not run (no_global_slot): all slots are in use."


@pytest.mark.parametrize(
    ("issue", "code", "sentence", "status"),
    [
        ("MT-1", 0, "MT-1 runs: turn 1, ", "running"),
        ("MT-2", 3, "MT-2 was not started (no_global_slot)", "waiting"),
        ("MT-3", 3, "MT-3 was not started (label_missing)", "waiting"),
        ("MT-9", 4, "MT-9 is not among the issues that it found, nor does it run", "unknown"),
    ],
)
def test_the_daemon_alone_can_be_asked(
    busy: Site, issue: str, code: int, sentence: str, status: str
) -> None:
    done = explain(busy, issue, "--daemon")
    assert (done.returncode, done.stderr) == (code, "")
    assert f"\n  {sentence}" in done.stdout
    assert "pass " not in done.stdout
    document = known(busy, issue, "--daemon")
    assert document["status"] == status
    assert str(document["polled_at"]).endswith("Z")


def test_the_tracker_alone_can_be_read(busy: Site) -> None:
    done = explain(busy, "MT-3", "--tracker")
    assert done.returncode == 3
    assert "The daemon" not in done.stdout
    assert done.stdout.startswith("MT-3 (Todo): ")


def test_a_change_that_the_daemon_has_not_seen_yet_shows(busy: Site) -> None:
    busy.write_issue("MT-3", labels=["agent"], priority=1)
    done = explain(busy, "MT-3")
    assert done.returncode == 0
    assert "MT-3 was not started (label_missing)" in done.stdout
    assert "It would run: number 1 of 3 candidates." in done.stdout


def test_questions_and_retries_are_told(site: Site) -> None:
    site.write_workflow(polling={"interval_ms": HOUR_MS})
    site.write_script("MT-1", ASKS)
    site.write_script("MT-2", FAILS)
    for name in ("MT-1", "MT-2"):
        site.write_issue(name)
    daemon = site.start(str(site.workflow), "--port", "0")
    daemon.wait_for_log(event="issue_blocked")
    daemon.wait_for_log(event="retry_scheduled", issue_identifier="MT-2")
    asks = explain(site, "MT-1", "--daemon")
    assert asks.returncode == 3
    assert "MT-1 waits for a person: " in asks.stdout
    fails = explain(site, "MT-2", "--daemon")
    assert fails.returncode == 3
    assert re.search(r"MT-2 attempt 1 in \d+ s: turn_failed: ", fails.stdout)


def test_a_daemon_that_cannot_be_asked_is_told_and_the_tracker_is_read(site: Site) -> None:
    site.write_workflow()
    site.write_issue("MT-1", state="Backlog")
    nobody = explain(site, "MT-1", "--daemon")
    assert (nobody.returncode, nobody.stdout) == (5, "")
    assert "no daemon runs on" in nobody.stderr
    assert explain(site, "MT-1").stdout.startswith("MT-1 (Backlog): ")
    site.start().wait_for_log(event="daemon_started")
    deaf = explain(site, "MT-1")
    assert deaf.returncode == 3
    assert deaf.stdout.startswith("A daemon is at work and cannot be asked: ")
    assert "It would not run (state_not_active)" in deaf.stdout
    assert as_object(json.loads(explain(site, "MT-1", "--json").stdout)) == {
        **(as_object(json.loads(explain(site, "MT-1", "--tracker", "--json").stdout)) or {}),
        "daemon": None,
    }


def test_one_source_at_a_time_can_be_chosen(site: Site) -> None:
    site.write_workflow()
    done = explain(site, "MT-1", "--daemon", "--tracker")
    assert done.returncode == 2
    assert "not allowed with" in done.stderr

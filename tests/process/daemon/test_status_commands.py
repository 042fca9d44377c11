"""`symphony status` and `symphony top` find the running daemon and show what it does."""

from __future__ import annotations

import json
import subprocess

from symphony.domain.json import as_object
from tests.support.daemon_process import PATIENCE_S, PROGRAM
from tests.support.daemon_site import WORKS, Site

TOKEN = "a-token-that-nobody-else-has"


def ask(
    site: Site, *words: str, stdin: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROGRAM), *words],
        cwd=site.project,
        env=site.environment(variables),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_a_daemon_that_listens_is_found_and_shown(site: Site) -> None:
    site.write_script("default", WORKS)
    site.write_workflow(agent={"max_concurrent_agents": 1}, server={"token": "$STATUS_TOKEN"})
    for name in ("MT-1", "MT-2"):
        site.write_issue(name)
    daemon = site.start(str(site.workflow), "--port", "0", environment={"STATUS_TOKEN": TOKEN})
    daemon.wait_for_log(event="http_listening")
    site.at_gate("MT-1")
    done = ask(site, "status", STATUS_TOKEN=TOKEN)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 of 1 slots in use" in done.stdout
    assert "MT-1         Todo           turn 1" in done.stdout
    assert "MT-2         no_global_slot: all slots are in use" in done.stdout
    # Where the output is no terminal, it is the same page, once.
    assert "1 of 1 slots in use" in ask(site, "top", STATUS_TOKEN=TOKEN).stdout
    state = as_object(json.loads(ask(site, "status", "--json", STATUS_TOKEN=TOKEN).stdout)) or {}
    assert as_object(state["counts"]) == {
        "running": 1,
        "retrying": 0,
        "blocked": 0,
        "skipped": 1,
        "cleaning": 0,
    }
    refused = ask(site, "status", STATUS_TOKEN="another-token-than-that-one")
    assert refused.returncode == 5
    assert TOKEN not in refused.stderr


def test_no_daemon_and_one_without_an_interface_are_told_apart(site: Site) -> None:
    site.write_workflow()
    none = ask(site, "status")
    assert (none.returncode, none.stdout) == (3, "")
    assert "no daemon runs on" in none.stderr
    site.start().wait_for_log(event="daemon_started")
    deaf = ask(site, "status")
    assert (deaf.returncode, deaf.stdout) == (3, "")
    assert f"process {site.daemon.pid}) has no HTTP interface" in deaf.stderr
    assert "--port 0" in deaf.stderr


def test_an_address_that_does_not_answer_is_told(site: Site) -> None:
    site.write_workflow()
    done = ask(site, "status", "--url", "http://127.0.0.1:9")
    assert done.returncode == 5
    assert "http://127.0.0.1:9/ does not answer" in done.stderr

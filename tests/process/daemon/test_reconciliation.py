"""Runs whose issue changes under them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from symphony.domain.json import JsonValue
from tests.support.daemon_site import HOUR_MS, SAY, WAIT, WORKS, Site


@pytest.mark.proves(
    "reconcile.state.terminal",
    "reconcile.state.inactive",
    "reconcile.route.label_removed",
    "reconcile.route.not_dispatchable",
    "reconcile.issue.missing",
    "reconcile.issue.updated",
    "reconcile.stop.released",
    "claim.release.redispatch",
    "hook.after_run.cancelled",
    "run.reason.distinct",
)
def test_a_run_ends_when_its_issue_does_not_qualify_any_more(site: Site) -> None:
    site.write_script("default", WORKS)
    site.write_workflow(
        tracker={"required_labels": ["agent"]},
        hooks={name: f"echo {name} >> {site.top}/$SYMPHONY_ISSUE_ID.hooks" for name in _HOOKS},
    )
    labels: list[JsonValue] = ["agent"]
    names = ("DONE", "PAUSED", "UNLABELLED", "BLOCKED", "DELETED", "RENAMED")
    for name in names:
        site.write_issue(name, labels=labels)
    site.write_issue("BLOCKER", "Backlog", labels=labels)
    daemon = site.start()
    standing = {name: site.at_gate(name) for name in names}
    site.write_issue("RENAMED", "In Progress", labels=labels, title="A new title")
    site.write_issue("DONE", "Done", labels=labels)
    site.write_issue("PAUSED", "Human Review", labels=labels)
    site.write_issue("UNLABELLED", labels=["other"])
    site.write_issue("BLOCKED", labels=labels, blocked_by=["BLOCKER"])
    site.remove_issue("DELETED")
    reasons = {
        "PAUSED": "not_active",
        "UNLABELLED": "not_routable",
        "BLOCKED": "not_routable",
        "DELETED": "not_visible",
    }
    for name, reason in reasons.items():
        daemon.wait_for_log(event="claim_released", issue_identifier=name, reason=reason)
        (ended,) = daemon.log(event="run_ended", issue_identifier=name)
        assert (ended["outcome"], ended["reason"]) == ("canceled_by_reconciliation", reason)
        assert site.workspace(name).is_dir()
        assert _hooks(site, name) == ["before_run", "after_run"]
    daemon.wait_for_log(event="workspace_removed", issue_identifier="DONE")
    assert not site.workspace("DONE").exists()
    assert _hooks(site, "DONE") == ["before_run", "after_run", "before_remove"]
    assert daemon.log(event="retry_scheduled") == []
    # The run of the issue that is only different now has not been touched.
    standing["RENAMED"].go()
    daemon.wait_for_log(event="turn_started", issue_identifier="RENAMED")
    assert len(daemon.log(event="dispatched")) == len(names)
    site.write_issue("PAUSED", "Todo", labels=labels)
    site.at_gate("PAUSED")
    assert len(site.sessions("PAUSED")) == 2


_HOOKS = ("before_run", "after_run", "before_remove")


def _hooks(site: Site, name: str) -> list[str]:
    return (site.top / f"{name}.hooks").read_text().split()


@pytest.mark.proves(
    "reconcile.cleanup.after_exit",
    "reconcile.cleanup.deadline",
    "run.end.process_stopped",
    "run.end.tree",
    "run.end.held_pipe",
)
def test_a_workspace_goes_only_after_every_process_of_its_run(site: Site) -> None:
    stubborn = site.top / "stubborn.sh"
    stubborn.write_text("trap '' TERM HUP\necho $$ > ../../pid\nwhile :; do sleep 0.1; done\n")
    # In a session of its own, deaf to SIGTERM; the other one holds the output of the agent.
    start: JsonValue = {
        "do": "run",
        "command": f"setsid bash {stubborn} >/dev/null 2>&1 & until [ -s ../../pid ]; do :; done",
    }
    script: dict[str, JsonValue] = {
        "turns": [[{"do": "grandchild", "seconds": 600}, start, WAIT]],
        "ignore_term": True,
        "ignore_end": True,
    }
    site.write_script("MT-1", script)
    look = "grep -qs ') [RSD] ' /proc/$(cat ../../pid)/stat && echo alive || echo gone"
    site.write_workflow(hooks={"before_remove": f"({look}) > ../../found"})
    site.write_issue("MT-1")
    daemon = site.start()
    agent = site.at_gate("MT-1")
    processes = [agent.pid, int((site.top / "pid").read_text())]
    assert all(map(_lives, processes))
    site.write_issue("MT-1", "Done")
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-1")
    assert (site.top / "found").read_text() == "gone\n"
    assert not any(map(_lives, processes))
    assert not site.workspace("MT-1").exists()
    # The daemon and its warden.
    assert len(site.processes()) == 2


def _lives(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(") ")[2][:1] not in "ZX"


@pytest.mark.proves(
    "turn.continuation.recheck", "retry.refresh.terminal", "retry.refresh.ineligible"
)
@pytest.mark.parametrize(
    ("state", "event"), [("Done", "workspace_removed"), ("Human Review", "claim_released")]
)
def test_between_turns_the_issue_is_read_again(site: Site, state: str, event: str) -> None:
    site.write_script("MT-1", {"turns": [[WAIT], [SAY]]})
    site.write_workflow(polling={"interval_ms": HOUR_MS})
    site.write_issue("MT-1")
    daemon = site.start()
    working = site.at_gate("MT-1")
    site.write_issue("MT-1", state)
    working.go()
    ended = daemon.wait_for_log(event="run_ended")
    assert (ended["outcome"], ended["turns"]) == ("succeeded", "1")
    daemon.wait_for_log(event=event, issue_identifier="MT-1")
    assert site.workspace("MT-1").exists() is (state != "Done")


@pytest.mark.proves(
    "run.refresh.failed",
    "reconcile.read.failed",
    "tracker.error.candidates",
    "retry.refresh.failed",
    "tick.read.slow",
)
def test_a_tracker_that_fails_costs_reads_and_nothing_else(site: Site) -> None:
    site.write_script("default", WORKS)
    site.write_workflow(agent={"max_retry_backoff_ms": 100})
    for name in ("MT-1", "MT-2"):
        site.write_issue(name)
    daemon = site.start()
    working = site.at_gate("MT-1")
    patient = site.at_gate("MT-2")
    hidden = site.project / "hidden"
    site.issues.rename(hidden)
    daemon.wait_for_log(event="reconcile_read_failed")
    daemon.wait_for_log(event="candidate_read_failed", count=2)
    working.go()
    ended = daemon.wait_for_log(event="run_ended", issue_identifier="MT-1")
    assert ended["outcome"] == "failed"
    assert ended["reason"].startswith("issue_refresh_failed: tracker_request: ")
    retries = [daemon.wait_for_log(event="retry_scheduled", count=count) for count in (1, 2)]
    assert retries[1]["reason"].startswith("retry refresh failed: tracker_request: ")
    assert [retry["attempt"] for retry in retries] == ["1", "2"]
    hidden.rename(site.issues)
    site.at_gate("MT-1")
    assert os.path.exists(f"/proc/{patient.pid}")
    assert len(daemon.log(event="dispatched", issue_identifier="MT-2")) == 1
    assert daemon.log(event="claim_released") == []


@pytest.mark.proves("reconcile.read.all_ids")
def test_more_than_fifty_runs_are_followed(site: Site) -> None:
    # The runs stay in a hook, which is cheaper than an agent.
    site.write_workflow(agent={"max_concurrent_agents": 60}, hooks={"before_run": "exec sleep 600"})
    for number in range(55):
        site.write_issue(f"MT-{number}")
    daemon = site.start()
    daemon.wait_for_log(event="hook_started", count=55)
    site.write_issue("MT-7", "Human Review")
    site.write_issue("MT-54", "Done")
    daemon.wait_for_log(event="claim_released", issue_identifier="MT-7", reason="not_active")
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-54")
    assert len(daemon.log(event="run_stopping")) == 2

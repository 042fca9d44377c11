"""Mistakes in WORKFLOW.md while the daemon runs."""

from __future__ import annotations

import pytest

from tests.support.daemon_process import LogRecord
from tests.support.daemon_site import HOUR_MS, WAIT, WORKS, Site


@pytest.mark.proves(
    "reload.invalid.last_good",
    "reload.invalid.reconcile",
    "reload.invalid.blocks_dispatch",
    "reload.invalid.retry",
    "reload.invalid.reported",
    "reload.invalid.reported_once",
    "reload.invalid.recovers",
    "reload.detect.defensive",
    "tick.validate.each",
    "log.failure.visible",
    "workflow.error.location",
)
def test_a_mistake_stops_new_work_and_nothing_else(site: Site) -> None:
    fails = {"turns": [[WAIT, {"do": "exit", "code": 3}]]}
    site.write_script("default", WORKS)
    site.write_script("MT-3", fails, WORKS)
    patient = {"max_retry_backoff_ms": 50}
    site.write_workflow("old", agent=patient)
    for name in ("MT-1", "MT-2", "MT-3", "MT-4"):
        site.write_issue(name)
    daemon = site.start()
    failing = site.at_gate("MT-3")
    for name in ("MT-1", "MT-2", "MT-4"):
        site.at_gate(name)
    bad = site.workflow_text("bad", agent={"max_turns": 0}, tracker={"active_states": ["Review"]})
    site.write_workflow_text(bad)
    (rejected,) = (daemon.wait_for_log(event="workflow_rejected"),)
    assert rejected["path"] == str(site.workflow)
    assert rejected["key"] == "agent.max_turns"
    assert bad.splitlines()[int(rejected["line"]) - 1].strip() == "max_turns: 0"
    assert rejected["remedy"]
    site.write_issue("MT-5")
    site.write_issue("MT-6", "Review")
    failing.go()
    daemon.wait_for_log(event="retry_scheduled", issue_identifier="MT-3", delay_ms="50")
    # Two reconciliations one after the other: a whole tick has passed over the new issues.
    for name in ("MT-1", "MT-2"):
        site.write_issue(name, "Done")
        daemon.wait_for_log(event="workspace_removed", issue_identifier=name)
    assert site.sessions("MT-5") == site.sessions("MT-6") == []
    assert len(site.sessions("MT-3")) == 1
    site.write_workflow("new", agent=patient)
    daemon.wait_for_log(event="workflow_recovered")
    site.at_gate("MT-5")
    site.at_gate("MT-3")
    assert site.sessions("MT-5")[0].prompts() == ["new"]
    assert site.sessions("MT-3")[1].prompts() == ["new"]
    assert len(daemon.log(event="workflow_rejected")) == 1
    assert [line["event"] for line in daemon.log(issue_identifier="MT-4")][-1] == "session_started"


@pytest.mark.proves(
    "reload.invalid.reported_once",
    "workflow.error.class_names",
    "workflow.error.location",
    "config.tracker.kind_supported",
    "config.provider.rejected",
    "workflow.front_matter.map",
    "workflow.yaml.invalid",
)
def test_each_mistake_is_named_once_with_its_place(site: Site) -> None:
    site.write_workflow(polling={"interval_ms": 100})
    daemon = site.start()
    daemon.wait_for_log(event="daemon_started")
    seen: list[LogRecord] = []

    def reject(text: str | None, code: str, key: str | None, line: int | None) -> None:
        if text is None:
            site.workflow.unlink()
        else:
            site.write_workflow_text(text)
        record = daemon.wait_for_log(event="workflow_rejected", count=len(seen) + 1)
        seen.append(record)
        assert record["path"] == str(site.workflow)
        assert (record["code"], record.get("key")) == (code, key)
        assert record.get("line") == (None if line is None else str(line))

    reject("---\ntracker: [files\n---\n", "workflow_parse_error", None, 3)
    reject("---\n- tracker\n---\n", "workflow_front_matter_not_a_map", None, 2)
    reject(None, "missing_workflow_file", None, None)
    reject("---\ntracker:\n---\n", "missing_tracker_kind", "tracker.kind", 2)
    reject("---\ntracker:\n  kind: jira\n---\n", "unsupported_tracker_kind", "tracker.kind", 3)
    missing = "---\ntracker:\n  kind: files\n  provider:\n    path: nowhere\n---\n"
    reject(missing, "invalid_tracker_config", "tracker.provider.path", 5)
    # What was missing is made, and the file is good as it stands.
    (site.project / "nowhere").mkdir()
    daemon.wait_for_log(event="workflow_recovered")
    assert len(daemon.log(event="workflow_rejected")) == len(seen)


@pytest.mark.proves("reload.invalid.blocks_dispatch", "reload.invalid.recovers")
def test_a_deleted_file_stops_dispatch_until_it_is_back(site: Site) -> None:
    site.write_script("default", WORKS)
    site.write_workflow(polling={"interval_ms": HOUR_MS})
    text = site.workflow.read_text()
    site.write_issue("MT-1")
    daemon = site.start()
    working = site.at_gate("MT-1")
    site.workflow.unlink()
    daemon.wait_for_log(event="workflow_rejected", code="missing_workflow_file")
    site.write_issue("MT-2")
    site.write_issue("MT-1", "Done")
    working.go()
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-1")
    assert site.sessions("MT-2") == []
    site.write_workflow_text(text)
    daemon.wait_for_log(event="workflow_recovered")
    site.at_gate("MT-2")

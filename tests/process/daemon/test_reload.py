"""Edits of WORKFLOW.md while the daemon runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from tests.support.daemon_site import HOUR_MS, WORKS, Site


@pytest.mark.proves(
    "reload.apply.prompt",
    "reload.apply.runs",
    "reload.session.in_flight",
    "reconcile.cleanup.recorded_path",
    "hook.before_remove.runs",
)
def test_an_edit_holds_for_what_starts_later_and_not_for_what_runs(site: Site) -> None:
    site.write_script("default", WORKS)
    hooks = {"after_run": "echo old > ../../left", "before_remove": "echo old > ../../removed"}
    site.write_workflow("old", hooks=hooks)
    site.write_issue("MT-1")
    daemon = site.start()
    site.at_gate("MT-1")
    moved = site.top / "moved"
    new_hooks = {"before_run": "echo new > made", "before_remove": "echo new > ../../removed"}
    site.write_workflow("new", hooks=new_hooks, workspace={"root": str(moved)})
    daemon.wait_for_log(event="workflow_reloaded")
    site.write_issue("MT-2")
    site.at_gate("MT-2")
    (second,) = site.sessions("MT-2")
    assert second.prompts() == ["new"]
    assert second.directory == str(moved / "MT-2")
    assert (moved / "MT-2" / "made").read_text() == "new\n"
    assert [line["event"] for line in daemon.log(issue_identifier="MT-1")][-1] == "session_started"
    site.write_issue("MT-1", "Done")
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-1")
    assert not site.workspace("MT-1").exists()
    assert (site.top / "left").read_text() == (site.top / "removed").read_text() == "old\n"
    assert (moved / "MT-2").is_dir()


@pytest.mark.proves("reload.apply.poll_interval", "tick.cadence.interval")
def test_a_shorter_interval_governs_the_ticks_after_it(site: Site) -> None:
    site.write_workflow(polling={"interval_ms": HOUR_MS})
    daemon = site.start()
    daemon.wait_for_log(event="daemon_started")
    site.write_workflow(polling={"interval_ms": 100})
    daemon.wait_for_log(event="workflow_reloaded")
    # The edit itself makes one tick; each of the issues needs another.
    for name in ("MT-1", "MT-2", "MT-3"):
        site.write_issue(name)
        daemon.wait_for_log(event="dispatched", issue_identifier=name)


@pytest.mark.proves("reload.apply.concurrency", "reload.limit.no_kill", "slots.global.limit")
def test_a_raised_limit_starts_more_and_a_lowered_one_ends_nothing(site: Site) -> None:
    site.write_script("default", WORKS)
    site.write_workflow(agent={"max_concurrent_agents": 1})
    for number in (1, 2, 3):
        site.write_issue(f"MT-{number}", priority=number)
    daemon = site.start()
    site.at_gate("MT-1")
    site.write_workflow(agent={"max_concurrent_agents": 2})
    site.at_gate("MT-2")
    site.write_workflow(agent={"max_concurrent_agents": 1})
    daemon.wait_for_log(event="workflow_reloaded", count=2)
    site.write_issue("MT-1", "Done")
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-1")
    # A second run to its end: a whole tick has seen the free place of the first.
    site.write_issue("MT-2", "Done")
    site.at_gate("MT-3")
    lines = [(line["event"], line["issue_id"]) for line in daemon.log() if "issue_id" in line]
    assert lines.index(("run_ended", "MT-2")) < lines.index(("dispatched", "MT-3"))
    assert daemon.log(event="run_stopping", reason="not_active") == []


@pytest.mark.proves("reload.apply.states")
def test_changed_states_and_labels_govern_what_runs_and_what_starts(site: Site) -> None:
    site.write_script("default", WORKS)
    site.write_workflow(tracker={"active_states": ["Todo"], "terminal_states": ["Done"]})
    site.write_issue("MT-1", "Todo")
    site.write_issue("MT-2", "Ready", labels=["agent"])
    site.write_issue("MT-3", "Ready")
    daemon = site.start()
    site.at_gate("MT-1")
    states = {"active_states": ["Ready"], "terminal_states": ["Done"]}
    site.write_workflow(tracker={**states, "required_labels": ["agent"]})
    daemon.wait_for_log(event="claim_released", issue_identifier="MT-1", reason="not_active")
    site.at_gate("MT-2")
    site.write_workflow(tracker={"active_states": ["Todo"], "terminal_states": ["Ready"]})
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-2")
    site.at_gate("MT-1")
    assert site.workspace("MT-1").is_dir()
    assert site.sessions("MT-3") == []


def _in_place(site: Site, text: str) -> None:
    site.workflow.write_text(text)


def _by_rename(site: Site, text: str) -> None:
    site.write_workflow_text(text)


def _by_link(site: Site, text: str) -> None:
    """As a mounted volume does it: the file is a link into a directory that is itself a link."""
    version = site.top / "version-2"
    version.mkdir()
    (version / "WORKFLOW.md").write_text(text)
    new = site.top / "current.new"
    new.symlink_to(version)
    new.replace(site.top / "current")


def _by_another_directory(site: Site, text: str) -> None:
    new = site.top / "project.new"
    shutil.copytree(site.project, new)
    (new / "WORKFLOW.md").write_text(text)
    site.project.rename(site.top / "project.old")
    new.rename(site.project)


@pytest.mark.proves("reload.detect.change")
@pytest.mark.parametrize("edit", [_in_place, _by_rename, _by_link, _by_another_directory])
def test_an_edit_is_noticed_without_a_tick(site: Site, edit: Callable[[Site, str], None]) -> None:
    slow = {"interval_ms": HOUR_MS}
    site.write_workflow("old", polling=slow)
    if edit is _by_link:
        version = site.top / "version-1"
        version.mkdir()
        site.workflow.rename(version / "WORKFLOW.md")
        (site.top / "current").symlink_to(version)
        site.workflow.symlink_to(site.top / "current" / "WORKFLOW.md")
    site.write_issue("MT-0")
    daemon = site.start()
    daemon.wait_for_log(event="dispatched", issue_identifier="MT-0")
    site.write_issue("MT-1")
    edit(site, site.workflow_text("new", polling=slow))
    daemon.wait_for_reload()
    site.until(lambda: site.state("MT-1") == "Done", "MT-1 is done")
    assert site.sessions("MT-1")[0].prompts()[0] == "new"

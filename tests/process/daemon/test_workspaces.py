"""Where agents work, and where they never do."""

from __future__ import annotations

import shutil

import pytest

from tests.support.daemon_site import FINISH, WAIT, WORKS, Script, Site


@pytest.mark.proves(
    "workspace.contain.dots",
    "workspace.contain.root",
    "workspace.key.unchanged",
    "workspace.key.sanitised",
    "workspace.key.distinct",
    "launch.cwd.workspace",
)
def test_whatever_an_issue_is_called_it_works_directly_under_the_root(site: Site) -> None:
    names = ["..", ".", "a/b", "a:b", "a_b", "../../project", "/etc", "-rf", "sp ace", "ünï"]
    site.write_script("default", WORKS)
    site.write_workflow(agent={"max_concurrent_agents": len(names)})
    for number, name in enumerate(names):
        site.write_issue(f"file-{number}", id=name)
    daemon = site.start()
    daemon.wait_for_log(event="session_started", count=len(names))
    folders = {session.directory: session for session in site.all_sessions()}
    assert len(folders) == len(names)
    keys = sorted(path.name for path in site.workspaces.iterdir())
    assert sorted(folders) == [str(site.workspaces / key) for key in keys]
    assert {"a_b", "-rf"} <= set(keys)
    assert len([key for key in keys if key.startswith("a_b")]) == 3


@pytest.mark.proves(
    "workspace.contain.symlink",
    "workspace.conflict.handled",
    "workspace.populate.surfaced",
    "hook.before_remove.runs",
)
def test_what_is_no_directory_at_a_workspace_path_is_left_alone(site: Site) -> None:
    precious = site.top / "precious"
    precious.mkdir()
    (precious / "file").touch()
    site.workspaces.mkdir()
    (site.workspaces / "OUT").symlink_to(precious)
    (site.workspaces / "IN").symlink_to(site.workspaces / "GOOD")
    (site.workspaces / "FILE").write_text("content")
    (site.workspaces / "OLD").symlink_to(precious)
    site.write_workflow(
        agent={"max_retry_backoff_ms": 200},
        hooks={"before_remove": f"echo $SYMPHONY_ISSUE_ID >> {site.top}/removed"},
    )
    site.write_issue("OLD", "Done")
    for name in ("OUT", "IN", "FILE", "GOOD"):
        site.write_issue(name, priority=4 if name == "GOOD" else 1)
    daemon = site.start()
    daemon.wait_for_log(event="workspace_removed", issue_identifier="GOOD")
    for name in ("OUT", "IN", "FILE"):
        ended = daemon.wait_for_log(event="run_ended", issue_identifier=name)
        assert ended["outcome"] == "failed"
        assert str(site.workspaces / name) in ended["reason"]
        assert site.sessions(name) == []
        site.write_issue(name, "Done")
        daemon.wait_for_log(event="workspace_removal_failed", issue_identifier=name)
    assert (site.top / "removed").read_text().split() == ["GOOD"]
    assert (precious / "file").exists()
    assert (site.workspaces / "FILE").read_text() == "content"
    # Once it is out of the way, the issue gets its directory.
    (site.workspaces / "FILE").unlink()
    site.write_issue("FILE")
    daemon.wait_for_log(event="workspace_removed", issue_identifier="FILE")


@pytest.mark.proves("recovery.workspace.deleted", "recovery.service.survives")
def test_a_workspace_that_is_deleted_from_outside_costs_at_most_its_run(site: Site) -> None:
    script: Script = {"turns": [[WAIT, {"do": "exit", "code": 3}], [FINISH]]}
    site.write_script("MT-1", script, {"turns": [[FINISH]]})
    site.write_workflow(
        agent={"max_retry_backoff_ms": 50}, hooks={"after_create": "touch made", "after_run": "pwd"}
    )
    site.write_issue("MT-1")
    site.write_issue("MT-2")
    site.write_script("MT-2", WORKS)
    daemon = site.start()
    working = site.at_gate("MT-1")
    other = site.at_gate("MT-2")
    shutil.rmtree(site.workspace("MT-1"))
    shutil.rmtree(site.workspace("MT-2"))
    working.go()
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-1")
    assert len(site.sessions("MT-1")) == 2
    assert len(daemon.log(event="hook_completed", hook="after_create", issue_id="MT-1")) == 2
    site.write_issue("MT-2", "Done")
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-2")
    other.go()


@pytest.mark.proves("recovery.workspace.deleted", "recovery.service.survives")
def test_a_root_that_is_deleted_is_made_again(site: Site) -> None:
    site.write_workflow(agent={"max_retry_backoff_ms": 50})
    site.write_script("MT-1", WORKS)
    site.write_issue("MT-1")
    daemon = site.start()
    site.at_gate("MT-1")
    shutil.rmtree(site.workspaces)
    site.write_issue("MT-2")
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-2")
    site.write_issue("MT-1", "Done")
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-1")

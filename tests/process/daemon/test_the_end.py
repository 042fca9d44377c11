"""How the daemon ends, and that nothing of it lives on."""

from __future__ import annotations

import signal
from collections.abc import Sequence

import pytest

from symphony.domain.json import JsonValue
from tests.support.daemon_site import FINISHES, WAIT, WORKS, Script, Site

# Deaf to the end of its input and to SIGTERM, with a child in a session of its own that holds the
# output open, and another one that is deaf itself.
_DEAF = "setsid bash -c 'trap \"\" TERM HUP; touch ../../deaf; while :; do sleep 0.2; done'"
STUBBORN: Script = {
    "turns": [
        [
            {"do": "grandchild", "seconds": 600},
            {
                "do": "run",
                "command": f"{_DEAF} >/dev/null 2>&1 & until [ -e ../../deaf ]; do :; done",
            },
            WAIT,
        ]
    ],
    "ignore_end": True,
    "ignore_term": True,
}


def start(site: Site, script: Script, names: Sequence[str] = ("MT-1", "MT-2")) -> None:
    """A daemon with agents at work."""
    site.write_script("default", script)
    site.write_workflow()
    for name in names:
        site.write_issue(name)
    site.start()
    for name in names:
        site.at_gate(name)
    # Daemon, warden, and at least the agent of each issue, stubborn ones with two children.
    assert len(site.processes()) >= 2 + len(names) * (3 if script is STUBBORN else 1)


@pytest.mark.proves(
    "cli.exit.signal",
    "cli.exit.normal",
    "cli.stop.agents_ended",
    "cli.stop.workspaces_kept",
    "run.end.process_stopped",
    "run.end.tree",
    "hook.after_run.cancelled",
)
@pytest.mark.parametrize(("number", "script"), [(signal.SIGTERM, STUBBORN), (signal.SIGINT, WORKS)])
def test_an_orderly_stop_ends_every_agent_and_keeps_the_workspaces(
    site: Site, number: signal.Signals, script: Script
) -> None:
    start(site, script)
    site.daemon.signal(number)
    assert site.daemon.wait_for_exit() == 0
    assert site.processes() == []
    assert [site.workspace(name).is_dir() for name in ("MT-1", "MT-2")] == [True, True]
    events = site.daemon.events("stop_requested", "run_ended", "daemon_stopped", "dispatched")
    assert events[2:] == ["stop_requested", "run_ended", "run_ended", "daemon_stopped"]
    assert site.daemon.log(event="stop_requested", signal=number.name)


@pytest.mark.proves("cli.exit.signal", "cli.stop.agents_ended", "run.end.tree")
def test_a_second_signal_ends_everything_at_once(site: Site) -> None:
    start(site, STUBBORN)
    site.daemon.signal(signal.SIGTERM)
    site.daemon.wait_for_log(event="stop_requested")
    site.daemon.signal(signal.SIGTERM)
    assert site.daemon.wait_for_exit() == 128 + signal.SIGTERM
    site.wait_until_gone()
    assert site.daemon.log(event="stopping_at_once", signal="SIGTERM")


@pytest.mark.proves("recovery.kill.agents_ended", "cli.exit.abnormal")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_the_agents_of_a_daemon_that_dies_do_not_live_on(
    site: Site, number: signal.Signals
) -> None:
    start(site, STUBBORN)
    site.daemon.signal(number)
    assert site.daemon.wait_for_exit() == -number
    site.wait_until_gone()


@pytest.mark.proves(
    "recovery.restart.redispatch",
    "recovery.restart.single_run",
    "recovery.restart.no_timers",
    "workspace.key.stable",
    "workspace.reuse.across_runs",
    "claim.issue.single_run",
)
def test_a_new_daemon_goes_on_where_the_killed_one_was(site: Site) -> None:
    leave: JsonValue = {"do": "run", "command": "echo first > note"}
    read: JsonValue = {"do": "run", "command": "cat note"}
    both: Script = {**STUBBORN, "turns": [[leave, {"do": "grandchild", "seconds": 600}, WAIT]]}
    name = "MT-1 / ü"
    site.write_workflow(agent={"max_retry_backoff_ms": 3_600_000})
    site.write_issue("one", id=name)
    site.write_issue("two")
    site.write_script("two", {"turns": [[{"do": "exit", "code": 3}]]}, FINISHES)
    site.write_script("default", both)
    first = site.start()
    key = _only_key(site)
    site.at_gate(key)
    first.wait_for_log(event="retry_scheduled", issue_identifier="two")
    agent = site.sessions(key)[0]
    site.write_script("default", {"turns": [[read, WAIT]]})
    first.signal(signal.SIGKILL)
    first.wait_for_exit()
    second = site.start()
    site.at_gate(key)
    assert [session.directory for session in site.sessions(key)] == [agent.directory] * 2
    assert site.sessions(key)[1].entries("ran")[0]["output"] == "first\n"
    assert _pid(agent.entries("start")[0]["pid"]) not in site.processes()
    second.wait_for_log(event="workspace_removed", issue_identifier="two")
    # Only the second agent of the issue is left: daemon, warden, agent.
    site.until(lambda: len(site.processes()) == 3, "the first agent's child is gone")


def _only_key(site: Site) -> str:
    def keys() -> list[str]:
        folders = site.workspaces.iterdir() if site.workspaces.exists() else ()
        return [folder.name for folder in folders if folder.name != "two"]

    site.until(keys, "the workspace is made")
    return keys()[0]


def _pid(value: JsonValue) -> int:
    assert isinstance(value, int)
    return value


@pytest.mark.proves("recovery.root.exclusive", "cli.exit.startup_failure", "log.failure.visible")
def test_a_second_daemon_on_the_same_root_is_refused_and_told_why(site: Site) -> None:
    site.write_workflow()
    first = site.start()
    first.wait_for_log(event="daemon_started")
    other = site.top / "OTHER.md"
    other.write_text(site.workflow_text(tracker={"provider": {"path": str(site.issues)}}))
    second = site.start(str(other))
    assert second.wait_for_exit() == 1
    (refusal,) = second.log(event="startup_failed")
    assert refusal["code"] == "workspace_root_in_use"
    assert f"process {first.pid} " in refusal["reason"]
    assert refusal["remedy"]
    assert first.runs
    assert first.stop() == 0
    third = site.start(str(other))
    third.wait_for_log(event="daemon_started")


@pytest.mark.proves("recovery.root.exclusive", "reload.invalid.recovers", "reload.invalid.reported")
def test_an_edit_to_a_root_of_another_daemon_waits_until_that_one_is_gone(site: Site) -> None:
    site.write_workflow()
    first = site.start()
    first.wait_for_log(event="daemon_started")
    elsewhere = site.top / "elsewhere"
    issues = site.top / "issues"
    issues.mkdir()
    other = site.top / "OTHER.md"
    other.write_text(
        site.workflow_text(
            tracker={"provider": {"path": str(issues)}}, workspace={"root": str(elsewhere)}
        )
    )
    second = site.start(str(other))
    second.wait_for_log(event="daemon_started")
    other.write_text(site.workflow_text())
    second.wait_for_log(event="workflow_rejected", code="workspace_root_in_use")
    assert first.stop() == 0
    second.wait_for_reload()
    site.write_issue("MT-1")
    second.wait_for_log(event="workspace_removed", issue_identifier="MT-1")

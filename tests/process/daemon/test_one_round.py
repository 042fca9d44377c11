"""`symphony run --once`: one poll, what it starts is carried to its end, and no more than that."""

from __future__ import annotations

import signal

import pytest

from tests.support.daemon_process import DaemonProcess
from tests.support.daemon_site import HOUR_MS, SAY, WORKS, Script, Site

FAILS: Script = {"turns": [[{"do": "fail", "message": "no luck today"}]]}
ASKS: Script = {"turns": [[{"do": "user_input"}]]}
TALKS: Script = {"turns": [[SAY]]}


def once(site: Site, *words: str) -> DaemonProcess:
    return site.start("run", "--once", *words, str(site.workflow))


@pytest.mark.proves("cli.once.bounded", "cli.once.exit")
def test_two_issues_share_one_slot_and_each_runs_once(site: Site) -> None:
    site.write_workflow(agent={"max_concurrent_agents": 1}, polling={"interval_ms": HOUR_MS})
    for name in ("MT-1", "MT-2"):
        site.write_issue(name)
    daemon = once(site)
    assert daemon.wait_for_exit() == 0
    assert [site.state("MT-1"), site.state("MT-2")] == ["Done", "Done"]
    assert len(site.all_sessions()) == 2
    # What is finished is tidied up, as ever.
    assert len(daemon.log(event="workspace_removed")) == 2
    assert "2 of 2 runs ended well." in daemon.lines()
    assert daemon.events("stop_requested") == []


def test_every_turn_of_a_run_is_carried_out_and_no_second_session_is_opened(site: Site) -> None:
    site.write_workflow(agent={"max_turns": 3})
    site.write_script("default", TALKS)
    site.write_issue("MT-1")
    daemon = once(site)
    assert daemon.wait_for_exit() == 0
    assert len(daemon.log(event="turn_started")) == 2
    assert len(site.all_sessions()) == 1
    told = next(line for line in daemon.lines() if line.startswith("  MT-1 "))
    assert "ended well (3 turns, " in told
    assert told.endswith("it is still Todo, so the next round goes on with it")


@pytest.mark.proves("cli.once.exit")
def test_a_run_that_fails_is_told_and_not_tried_again(site: Site) -> None:
    site.write_workflow()
    site.write_script("MT-1", FAILS)
    site.write_issue("MT-1")
    site.write_issue("MT-2")
    daemon = once(site)
    assert daemon.wait_for_exit() == 1
    assert site.state("MT-2") == "Done"
    assert len(site.sessions("MT-1")) == 1
    assert "1 of 2 runs ended well." in daemon.lines()
    assert "FAILED (1 turn, " in daemon.log_text()
    assert "no luck today" in daemon.lines()[-2] + daemon.lines()[-1]


def test_an_issue_that_needs_a_person_fails_the_round(site: Site) -> None:
    site.write_workflow()
    site.write_script("MT-1", ASKS)
    site.write_issue("MT-1")
    daemon = once(site)
    assert daemon.wait_for_exit() == 1
    assert any("BLOCKED (1 turn, " in line for line in daemon.lines())


@pytest.mark.proves("cli.once.exit")
def test_nothing_to_do_ends_at_once_and_says_why(site: Site) -> None:
    site.write_workflow(tracker={"required_labels": ["agent"]}, polling={"interval_ms": HOUR_MS})
    site.write_issue("MT-1")
    site.write_issue("MT-2", state="Done")
    daemon = once(site)
    assert daemon.wait_for_exit() == 0
    assert daemon.lines()[-3:] == [
        "Nothing to do: the poll found 1 candidate, none to start.",
        "Not started: 1 label_missing",
        "  MT-1         label_missing: it lacks the required labels: agent",
    ]


@pytest.mark.proves("cli.once.bounded")
def test_an_issue_that_appears_meanwhile_is_left_to_the_next_round(site: Site) -> None:
    site.write_workflow()
    site.write_script("MT-1", WORKS)
    site.write_issue("MT-1")
    daemon = once(site)
    agent = site.at_gate("MT-1")
    site.write_issue("MT-2")
    site.write_issue("MT-1", state="Human Review")
    # The next poll stops it: the daemon reconciles as ever.
    daemon.wait_for_log(event="run_ended", issue_identifier="MT-1")
    agent.go()
    assert daemon.wait_for_exit() == 0
    assert site.state("MT-2") == "Todo"
    assert site.sessions("MT-2") == []
    assert any("ended well, handed on" in line for line in daemon.lines())


def test_a_tracker_that_does_not_answer_fails_the_round(site: Site) -> None:
    linear = {"endpoint": "http://127.0.0.1:9", "api_key": "k", "team_key": "A"}
    site.write_workflow(tracker={"kind": "linear", "provider": linear})
    daemon = once(site)
    assert daemon.wait_for_exit() == 1
    assert daemon.lines()[-1].startswith("Not everything was done: the tracker could not be read: ")


def test_a_workflow_that_cannot_be_used_fails_the_round_without_a_summary(site: Site) -> None:
    site.write_workflow(tracker={"kind": "jira"})
    daemon = once(site)
    assert daemon.wait_for_exit() == 1
    assert daemon.log()[-1]["event"] == "startup_failed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_round_stops_in_order_and_says_so(
    site: Site, number: signal.Signals
) -> None:
    site.write_workflow(agent={"max_concurrent_agents": 1}, polling={"interval_ms": HOUR_MS})
    site.write_script("default", WORKS)
    for name in ("MT-1", "MT-2"):
        site.write_issue(name)
    daemon = once(site)
    site.at_gate("MT-1")
    daemon.signal(number)
    assert daemon.wait_for_exit() == 1
    assert daemon.log(event="daemon_stopped")
    assert "Interrupted: every agent was stopped." in daemon.lines()
    assert any(line.startswith("  MT-1         INTERRUPTED") for line in daemon.lines())
    assert any(line.startswith("  MT-2         no_global_slot") for line in daemon.lines())


def test_a_summary_that_nobody_reads_does_not_change_the_exit_code(site: Site) -> None:
    site.write_workflow()
    for shell in ('"$@" | true; exit "${PIPESTATUS[0]}"', 'exec "$@" >&-', 'exec "$@" >/dev/full'):
        site.write_issue("MT-1", state="Done")
        daemon = site.start("run", "--once", str(site.workflow), shell=shell)
        assert daemon.wait_for_exit() == 0
        assert "Exception ignored" not in daemon.log_text()


def test_run_without_once_is_the_daemon(site: Site) -> None:
    site.write_workflow()
    site.write_issue("MT-1")
    daemon = site.start("run", str(site.workflow))
    daemon.wait_for(lambda: site.state("MT-1") == "Done", "MT-1 is done")
    site.write_issue("MT-2")
    daemon.wait_for(lambda: site.state("MT-2") == "Done", "MT-2 is done, too")
    assert daemon.stop() == 0

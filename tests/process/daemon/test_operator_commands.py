"""`symphony answer` and `symphony stop`, as an operator uses them on a running daemon."""

from __future__ import annotations

import json

import pytest

from tests.process.daemon.test_status_commands import ask
from tests.support.daemon_site import FINISH, SAY, WAIT, WORKS, Site

ASKS = {"thread_id": "thread-of-the-question", "turns": [[{"do": "user_input"}]]}
GOES_ON = {"turns": [[SAY, FINISH]]}


def started(site: Site) -> None:
    daemon = site.start(str(site.workflow), "--port", "0")
    daemon.wait_for_log(event="http_listening")


def blocked(site: Site, name: str = "MT-1") -> None:
    site.daemon.wait_for_log(event="issue_blocked", issue_identifier=name)


@pytest.mark.proves("operator.answer.told", "policy.blocked.released")
def test_an_answer_goes_to_the_thread_that_asked(site: Site) -> None:
    site.write_script("MT-1", ASKS, GOES_ON)
    site.write_workflow()
    site.write_issue("MT-1")
    started(site)
    blocked(site)
    done = ask(site, "answer", "MT-1", "Blue, like the roof.")
    assert (done.returncode, done.stderr) == (0, "")
    assert "MT-1 is answered" in done.stdout
    site.until(lambda: site.state("MT-1") == "Done", "MT-1 is done")
    first, second = site.sessions("MT-1")[:2]
    assert [p["threadId"] for p in second.received("thread/resume")] == ["thread-of-the-question"]
    (prompt,) = second.prompts()
    assert "Blue, like the roof." in prompt
    assert "> Colour: Which colour shall it be? (Red / Blue)" in prompt
    assert "Title of MT-1" not in prompt
    assert first.directory == second.directory
    site.daemon.wait_for_log(event="question_answered", issue_identifier="MT-1")


@pytest.mark.proves("operator.answer.told")
def test_an_agent_without_the_thread_is_told_the_task_the_question_and_the_answer(
    site: Site,
) -> None:
    gone = {"refuse": {"thread/resume": "no rollout found"}, **GOES_ON}
    site.write_script("MT-1", ASKS, gone)
    site.write_workflow()
    site.write_issue("MT-1")
    started(site)
    blocked(site)
    assert ask(site, "answer", "MT-1", "Blue.").returncode == 0
    site.until(lambda: site.state("MT-1") == "Done", "MT-1 is done")
    (prompt,) = site.sessions("MT-1")[1].prompts()
    assert prompt.startswith("Work on MT-1: Title of MT-1")
    assert "Which colour shall it be?" in prompt
    assert prompt.endswith("Blue.")


def test_who_answers_nothing_or_too_early_is_told(site: Site) -> None:
    site.write_script("MT-1", WORKS)
    site.write_workflow()
    site.write_issue("MT-1")
    started(site)
    site.at_gate("MT-1")
    early = ask(site, "answer", "MT-1", "Blue.")
    assert (early.returncode, early.stdout) == (6, "")
    assert "MT-1 asks nothing; it is running" in early.stderr
    unknown = ask(site, "answer", "MT-9", "Blue.")
    assert unknown.returncode == 4
    assert "MT-9" in unknown.stderr


def test_an_answer_is_read_from_standard_input(site: Site) -> None:
    site.write_script("MT-1", ASKS, WORKS)
    site.write_workflow()
    site.write_issue("MT-1")
    started(site)
    blocked(site)
    nothing = ask(site, "answer", "MT-1")
    assert (nothing.returncode, nothing.stderr) == (6, "error: nothing was answered.\n")
    said = ask(site, "answer", "MT-1", stdin="Blue,\nlike the roof.\n")
    assert said.returncode == 0
    site.at_gate("MT-1")
    assert "Blue,\nlike the roof." in site.sessions("MT-1")[1].prompts()[0]


@pytest.mark.proves("operator.stop.held")
def test_a_stopped_issue_stays_stopped_until_it_changes(site: Site) -> None:
    site.write_script("MT-1", {"turns": [[WAIT]]}, WORKS)
    site.write_script("MT-2", WORKS)
    site.write_workflow()
    site.write_issue("MT-1")
    started(site)
    agent = site.at_gate("MT-1")
    done = ask(site, "stop", "MT-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "its agent is being ended" in done.stdout
    site.daemon.wait_for_log(event="issue_held", issue_identifier="MT-1")
    site.until(lambda: agent.pid not in site.processes(), "its agent is gone")
    (row,) = json.loads(ask(site, "status", "--json").stdout)["blocked"]
    assert (row["issue_identifier"], row["request"]) == ("MT-1", "stopped")
    # Two more polls see it, and leave it alone.
    for name in ("MT-3", "MT-4"):
        site.write_issue(name)
        site.daemon.wait_for_log(event="workspace_removed", issue_identifier=name)
    assert len(site.sessions("MT-1")) == 1
    again = ask(site, "stop", "MT-1")
    assert again.returncode == 6
    assert "nothing to stop" in again.stderr
    site.write_issue("MT-1", text="Now go on.")
    site.at_gate("MT-1")

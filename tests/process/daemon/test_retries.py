"""Attempts that fail, each in its own way, and what follows."""

from __future__ import annotations

import pytest

from symphony.domain.json import JsonValue
from tests.support.daemon_site import FINISHES, HOUR_MS, SAY, WAIT, WORKS, Script, Site

FAILING_TURNS: dict[str, tuple[JsonValue, str]] = {
    "FAILED": ({"do": "fail", "message": "The model is away."}, "turn_failed: "),
    "INTERRUPTED": ({"do": "interrupted"}, "turn_cancelled: "),
    "EXIT-0": ({"do": "exit", "code": 0}, "port_exit: "),
    "EXIT-7": ({"do": "exit", "code": 7}, "port_exit: "),
    "KILLED": ({"do": "kill"}, "port_exit: "),
    "CRASHED": ({"do": "crash_mid_line"}, "port_exit: "),
    "SILENCED": ({"do": "close_output"}, "port_exit: "),
}


@pytest.mark.proves(
    "turn.outcome.failed",
    "turn.outcome.exit",
    "run.error.retried",
    "retry.backoff.failure",
    "retry.attempt.counted",
    "retry.entry.fields",
    "retry.spawn.failure",
    "claim.retry.holds",
    "hook.after_run.each",
    "launch.command.verbatim",
    "recovery.service.survives",
    "session.error.categories",
    "log.outcome.stated",
)
def test_every_bad_end_waits_ten_seconds_and_the_next_one_twice_as_long(site: Site) -> None:
    missing = f'[ "${{PWD##*/}}" != MISSING ] || exec no-such-codex; exec {site.launcher}'
    site.write_workflow(
        codex={"command": missing},
        hooks={"after_run": f"touch {site.top}/$SYMPHONY_ISSUE_ID.after"},
    )
    for name, (step, _) in FAILING_TURNS.items():
        site.write_script(name, {"turns": [[SAY, step, WAIT]]})
        site.write_issue(name)
    site.write_issue("MISSING")
    site.write_issue("GOOD", priority=4)
    daemon = site.start()
    expected = {name: reason for name, (_, reason) in FAILING_TURNS.items()}
    for name, reason in {**expected, "MISSING": "codex_not_found: "}.items():
        ended = daemon.wait_for_log(event="run_ended", issue_identifier=name)
        assert ended["outcome"] == "failed"
        assert ended["reason"].startswith(reason)
        retry = daemon.wait_for_log(event="retry_scheduled", issue_identifier=name)
        assert retry["reason"] == ended["reason"]
        facts = [retry[key] for key in ("kind", "attempt", "delay_ms", "outcome")]
        assert facts == ["failure", "1", "10000", "retrying"]
        assert (site.top / f"{name}.after").exists()
    assert "no-such-codex" in daemon.log(event="run_ended", issue_identifier="MISSING")[0]["reason"]
    daemon.wait_for_log(event="workspace_removed", issue_identifier="GOOD")
    # The ticks meanwhile have started none of them again.
    assert len(daemon.log(event="dispatched")) == len(expected) + 2
    retry = daemon.wait_for_log(event="retry_scheduled", issue_identifier="FAILED", count=2)
    assert (retry["attempt"], retry["delay_ms"]) == ("2", "20000")


@pytest.mark.proves(
    "retry.backoff.cap",
    "retry.attempt.counted",
    "template.attempt.later",
    "retry.backoff.after_continuation",
    "retry.continuation.attempt",
)
def test_failures_are_counted_and_a_good_end_forgets_them(site: Site) -> None:
    fails: Script = {"turns": [[{"do": "exit", "code": 3}]]}
    goes_on: Script = {"turns": [[SAY]]}
    site.write_script("MT-1", fails, fails, goes_on, fails, FINISHES)
    site.write_workflow("<{{ attempt }}>", agent={"max_retry_backoff_ms": 60, "max_turns": 1})
    site.write_issue("MT-1")
    daemon = site.start()
    daemon.wait_for_log(event="workspace_removed")
    prompts = [session.prompts()[0] for session in site.sessions("MT-1")]
    assert prompts == ["<>", "<1>", "<2>", "<1>", "<1>"]
    retries = daemon.log(event="retry_scheduled")[:4]
    assert [(retry["kind"], retry["delay_ms"]) for retry in retries] == [
        ("failure", "60"),
        ("failure", "60"),
        ("continuation", "1000"),
        ("failure", "60"),
    ]


@pytest.mark.proves(
    "run.prompt.error", "hook.after_run.prompt_error", "template.error.scope", "run.error.retried"
)
def test_a_prompt_that_cannot_be_rendered_costs_its_own_attempt(site: Site) -> None:
    site.write_workflow(
        "{{ issue.identifier }} {{ issue.priority + 1 }}",
        hooks={"after_run": f"touch {site.top}/$SYMPHONY_ISSUE_ID.after"},
    )
    site.write_issue("MT-1")
    site.write_issue("MT-2", priority=2)
    daemon = site.start()
    ended = daemon.wait_for_log(event="run_ended", issue_identifier="MT-1")
    assert ended["outcome"] == "failed"
    assert ended["reason"].startswith("template_render_error: ")
    daemon.wait_for_log(event="retry_scheduled", issue_identifier="MT-1", delay_ms="10000")
    assert (site.top / "MT-1.after").exists()
    assert [turn for session in site.sessions("MT-1") for turn in session.prompts()] == []
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-2")
    assert site.sessions("MT-2")[0].prompts()[0] == "MT-2 3"


@pytest.mark.proves(
    "template.variable.unknown",
    "template.filter.unknown",
    "run.prompt.error",
    "template.error.scope",
    "log.failure.visible",
)
@pytest.mark.parametrize("word", ["{{ issue.nope }}", "{{ nope }}", "{{ issue.title | nope }}"])
def test_an_unknown_name_in_the_prompt_starts_no_turn(site: Site, word: str) -> None:
    site.write_workflow(f"Line one\n{word}")
    site.write_issue("MT-1")
    daemon = site.start()
    warning = daemon.wait_for_log(event="workflow_warning")
    text = site.workflow.read_text().splitlines()
    assert text[int(warning["line"]) - 1] == word
    ended = daemon.wait_for_log(event="run_ended")
    assert ended["reason"].startswith("template_")
    assert "nope" in ended["reason"]
    assert site.sessions("MT-1") == []


@pytest.mark.proves("session.timeout.read", "run.reason.distinct")
def test_an_agent_that_never_answers_times_out(site: Site) -> None:
    site.write_script("MT-1", {"silent": ["initialize"]})
    site.write_workflow(codex={"read_timeout_ms": 300})
    site.write_issue("MT-1")
    daemon = site.start()
    ended = daemon.wait_for_log(event="run_ended")
    assert ended["outcome"] == "timed_out"
    assert ended["reason"].startswith("response_timeout: ")
    daemon.wait_for_log(event="retry_scheduled", delay_ms="10000")


@pytest.mark.proves("turn.timeout.silence", "session.stderr.separate", "run.reason.distinct")
def test_a_silent_turn_times_out_whatever_stands_on_standard_error(site: Site) -> None:
    noise: JsonValue = {"do": "noise", "seconds": 600}
    site.write_script("MT-1", {"turns": [[{"do": "stderr_completion"}, noise, WAIT]]})
    site.write_workflow(codex={"turn_timeout_ms": 500})
    site.write_issue("MT-1")
    daemon = site.start()
    ended = daemon.wait_for_log(event="run_ended")
    assert ended["outcome"] == "timed_out"
    assert ended["reason"].startswith("turn_timeout: ")


@pytest.mark.proves(
    "stall.detect.within_tick",
    "stall.action.retry",
    "stall.clock.origin",
    "claim.stall.holds",
    "run.reason.distinct",
)
def test_a_stalled_run_is_stopped_and_waits_for_its_retry(site: Site) -> None:
    site.write_script("MT-1", WORKS)
    site.write_workflow(codex={"stall_timeout_ms": 1_500})
    site.write_issue("MT-1")
    daemon = site.start()
    ended = daemon.wait_for_log(event="run_ended", issue_identifier="MT-1")
    assert (ended["outcome"], ended["reason"]) == ("stalled", "stalled")
    assert float(ended["seconds"]) > 1.5
    retry = daemon.wait_for_log(event="retry_scheduled", issue_identifier="MT-1")
    assert (retry["delay_ms"], retry["attempt"]) == ("10000", "1")
    assert "codex.stall_timeout_ms" in retry["reason"]
    # Two later ticks have left it alone.
    for name in ("MT-2", "MT-3"):
        site.write_issue(name)
        daemon.wait_for_log(event="dispatched", issue_identifier=name)
    assert len(daemon.log(event="dispatched", issue_identifier="MT-1")) == 1


@pytest.mark.proves("stall.detect.disabled")
def test_without_a_stall_limit_silence_is_no_stall(site: Site) -> None:
    site.write_script("default", WORKS)
    site.write_workflow(codex={"stall_timeout_ms": 0}, agent={"max_concurrent_agents": 2})
    site.write_issue("MT-1")
    daemon = site.start()
    silent = site.at_gate("MT-1")
    for name in ("MT-2", "MT-3"):
        site.write_issue(name)
        site.at_gate(name)
        site.write_issue(name, "Done")
        daemon.wait_for_log(event="workspace_removed", issue_identifier=name)
    assert daemon.log(event="run_ended", issue_identifier="MT-1") == []
    silent.go()


@pytest.mark.proves(
    "retry.slots.requeue", "retry.slots.reason", "retry.slots.wakes", "refill.slot.freed"
)
def test_a_retry_waits_for_a_slot_and_takes_it_when_it_frees(site: Site) -> None:
    site.write_script("MT-1", {"turns": [[WAIT, {"do": "exit", "code": 3}]]}, WORKS)
    site.write_script("MT-2", WORKS)
    site.write_workflow(
        agent={"max_concurrent_agents": 1, "max_retry_backoff_ms": 400},
        polling={"interval_ms": HOUR_MS},
    )
    site.write_issue("MT-1", priority=1)
    site.write_issue("MT-2", priority=2)
    daemon = site.start()
    site.at_gate("MT-1").go()
    other = site.at_gate("MT-2")
    waiting = daemon.wait_for_log(event="retry_scheduled", reason="no available orchestrator slots")
    assert (waiting["issue_identifier"], waiting["attempt"]) == ("MT-1", "1")
    assert len(site.sessions("MT-1")) == 1
    site.write_issue("MT-2", "Human Review")
    other.go()
    site.at_gate("MT-1")


@pytest.mark.proves("retry.refresh.ineligible", "retry.refresh.terminal")
def test_an_issue_that_moved_on_while_its_retry_waited_is_left_alone(site: Site) -> None:
    site.write_script("default", {"turns": [[WAIT, {"do": "exit", "code": 3}]]})
    site.write_workflow(agent={"max_retry_backoff_ms": 300}, polling={"interval_ms": HOUR_MS})
    ends = {
        "MT-1": ("Human Review", "claim_released"),
        "MT-2": ("Done", "workspace_removed"),
        "MT-3": ("", "claim_released"),
    }
    for name in ends:
        site.write_issue(name)
    daemon = site.start()
    standing = [site.at_gate(name) for name in ends]
    for name, (state, _) in ends.items():
        if state:
            site.write_issue(name, state)
        else:
            site.remove_issue(name)
    for agent in standing:
        agent.go()
    for name, (state, event) in ends.items():
        daemon.wait_for_log(event=event, issue_identifier=name)
        assert len(site.sessions(name)) == 1
        assert site.workspace(name).exists() is (state != "Done")

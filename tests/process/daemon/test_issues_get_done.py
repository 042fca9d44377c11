"""The ordinary life of issues, seen from outside."""

from __future__ import annotations

import pytest

from symphony.domain.json import JsonValue, as_object
from tests.support.daemon_site import FINISH, HOUR_MS, SAY, WORKS, Script, Site


@pytest.mark.proves(
    "order.priority.ranked",
    "order.priority.zero",
    "order.created.oldest",
    "order.identifier.lexicographic",
    "slots.global.limit",
    "refill.slot.freed",
    "startup.order.sequence",
    "reconcile.cleanup.deadline",
    "launch.cwd.workspace",
    "workspace.path.under_root",
    "tracker.writes.none",
)
def test_one_slot_takes_the_issues_in_order_and_waits_for_no_tick(site: Site) -> None:
    old, new = "2026-01-01T12:00:00+02:00", "2026-01-01T11:00:00Z"
    site.write_issue("MT-9", priority=0, created_at=old)
    site.write_issue("MT-10", priority=3)
    site.write_issue("MT-2", priority=3)
    site.write_issue("MT-3", priority=1, created_at=new)
    site.write_issue("MT-4", priority=1, created_at=old)
    untouched = site.issue_text("MT-9").replace("Todo", "Done")
    order = site.top / "order"
    site.write_workflow(
        polling={"interval_ms": HOUR_MS},
        agent={"max_concurrent_agents": 1},
        hooks={
            "before_run": f'echo "$SYMPHONY_ISSUE_IDENTIFIER" >> {order}',
            "after_run": f"echo end >> {order}",
        },
    )
    daemon = site.start()
    names = ["MT-4", "MT-3", "MT-10", "MT-2", "MT-9"]
    for name in names:
        daemon.wait_for_log(event="workspace_removed", issue_identifier=name)
        assert site.state(name) == "Done"
        assert [each.directory for each in site.sessions(name)] == [str(site.workspace(name))]
    assert order.read_text().split() == [word for name in names for word in (name, "end")]
    assert site.issue_text("MT-9") == untouched
    assert list(site.workspaces.iterdir()) == []


@pytest.mark.proves(
    "turn.continuation.continues",
    "turn.continuation.recheck",
    "turn.continuation.thread",
    "turn.continuation.guidance",
    "turn.process.kept",
    "session.start.prompt",
    "session.identity.composed",
    "session.event.started",
    "session.rpc.request_ids",
    "workflow.body.trimmed",
    "template.attempt.fresh",
)
def test_several_turns_are_one_thread_and_the_prompt_stands_in_the_first(site: Site) -> None:
    site.write_script("MT-1", {"thread_id": "th-1", "turns": [[SAY], [SAY], [FINISH]]})
    prompt = (
        "\n\n  {{ issue.identifier }} {% if attempt %}again{% else %}afresh{% endif %}: go.  \n"
    )
    site.write_workflow(prompt, polling={"interval_ms": HOUR_MS})
    site.write_issue("MT-1")
    daemon = site.start()
    ended = daemon.wait_for_log(event="run_ended", issue_identifier="MT-1")
    assert (ended["outcome"], ended["turns"]) == ("succeeded", "3")
    (session,) = site.sessions("MT-1")
    first, *later = session.prompts()
    assert first == "MT-1 afresh: go."
    assert len(later) == 2
    assert all("afresh" not in prompt for prompt in later)
    turns = session.received("turn/start")
    assert {str(params["threadId"]) for params in turns} == {"th-1"}
    (started,) = daemon.log(event="session_started")
    followed = daemon.log(event="turn_started")
    ids = [started["session_id"], *(line["session_id"] for line in followed)]
    assert len(set(ids)) == 3
    assert all(each.startswith("th-1-") for each in ids)
    requests = [as_object(entry["message"]) or {} for entry in session.entries("received")]
    numbers = [message["id"] for message in requests if "method" in message and "id" in message]
    assert len(numbers) == len(set(map(str, numbers)))


@pytest.mark.proves(
    "turn.limit.max_turns",
    "retry.continuation.delay",
    "retry.continuation.attempt",
    "template.attempt.later",
    "workspace.reuse.across_runs",
    "hook.after_create.new_only",
    "hook.before_run.each",
    "hook.after_run.each",
    "run.sessions.uncapped",
    "claim.retry.holds",
)
def test_the_last_turn_is_followed_by_another_session_in_the_same_workspace(site: Site) -> None:
    keep: JsonValue = {"do": "run", "command": "echo kept > note"}
    look: JsonValue = {"do": "run", "command": "cat note"}
    site.write_script("MT-1", {"turns": [[keep], [SAY]]}, {"turns": [[look, FINISH]]})
    hooks = {
        name: f"echo {name} >> {site.top}/hooks"
        for name in ("after_create", "before_run", "after_run", "before_remove")
    }
    site.write_workflow("attempt={{ attempt }}", agent={"max_turns": 2}, hooks=hooks)
    site.write_issue("MT-1")
    daemon = site.start()
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-1")
    first, second = site.sessions("MT-1")
    assert len(first.prompts()) == 2
    assert first.prompts()[0] == "attempt="
    assert second.prompts()[0] == "attempt=1"
    assert second.entries("ran")[0]["output"] == "kept\n"
    retry = daemon.log(event="retry_scheduled")[0]
    assert (retry["kind"], retry["delay_ms"], retry["attempt"]) == ("continuation", "1000", "1")
    run = ["before_run", "after_run"]
    assert (site.top / "hooks").read_text().split() == [
        "after_create",
        *run,
        *run,
        "before_remove",
    ]


@pytest.mark.proves(
    "slots.state.limit",
    "slots.state.no_blocking",
    "config.agent.by_state_normalised",
    "config.agent.by_state_invalid",
    "eligibility.state.active",
    "state.compare.normalised",
)
def test_a_full_state_does_not_hold_back_the_others(site: Site) -> None:
    site.write_script("default", WORKS)
    site.write_workflow(
        tracker={"active_states": ["todo", " IN PROGRESS "], "terminal_states": ["Done"]},
        agent={
            "max_concurrent_agents": 3,
            "max_concurrent_agents_by_state": {" in progress ": 1, "todo": -2},
        },
    )
    for number, state in enumerate(["In Progress", "In Progress", "Todo", "Backlog", "Todo"]):
        site.write_issue(f"MT-{number}", state, priority=1 if state == "In Progress" else 2)
    daemon = site.start()
    standing = {name: site.at_gate(name) for name in ("MT-0", "MT-2", "MT-4")}
    (warning,) = daemon.log(event="workflow_warning")
    assert warning["key"].startswith("agent.max_concurrent_agents_by_state")
    assert int(warning["line"]) > 1
    assert len(daemon.log(event="dispatched")) == 3
    site.write_issue("MT-0", "Done")
    site.at_gate("MT-1")
    for agent in standing.values():
        agent.go()
    assert site.sessions("MT-3") == []


@pytest.mark.proves(
    "eligibility.labels.all",
    "eligibility.labels.compared",
    "eligibility.dispatchable.false",
    "eligibility.state.terminal_wins",
    "eligibility.fields.required",
)
def test_what_is_not_eligible_is_passed_over(site: Site) -> None:
    site.write_workflow(
        tracker={
            "required_labels": [" Agent ", "READY"],
            "active_states": ["Todo", "Done"],
            "terminal_states": ["Done"],
        }
    )
    both = ["ready", "AGENT"]
    site.write_issue("MT-1", priority=1, labels=["agent"])
    site.write_issue("MT-2", "Done", priority=1, labels=both)
    site.write_issue("MT-3", priority=1, labels=both, blocked_by=["MT-1"])
    site.write_issue("MT-4", priority=1, labels=both, title="")
    # Judged after the others in the same pass.
    site.write_issue("MT-5", priority=4, labels=both)
    daemon = site.start()
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-5")
    assert [line["issue_id"] for line in daemon.log(event="dispatched")] == ["MT-5"]


@pytest.mark.proves("eligibility.labels.blank")
def test_a_blank_required_label_stops_everything(site: Site) -> None:
    site.write_script("default", WORKS)
    site.write_workflow()
    site.write_issue("MT-1")
    daemon = site.start()
    site.at_gate("MT-1")
    site.write_workflow(tracker={"required_labels": ["  "]})
    daemon.wait_for_log(event="claim_released", issue_identifier="MT-1")
    # Both edits make a pass over the candidates; the one between them started nothing.
    site.write_workflow(tracker={"required_labels": []})
    site.at_gate("MT-1")
    assert daemon.events("dispatched", "workflow_reloaded", "claim_released") == [
        "dispatched",
        "workflow_reloaded",
        "claim_released",
        "workflow_reloaded",
        "dispatched",
    ]


@pytest.mark.proves(
    "template.issue.fields",
    "template.issue.nullable",
    "template.issue.null_text",
    "issue.labels.normalised",
    "issue.state.spelling",
    "workflow.front_matter.split",
)
def test_the_prompt_knows_every_field_of_the_issue(site: Site) -> None:
    prompt = """\
---
{{ issue.id }}|{{ issue.identifier }}|{{ issue.title }}|{{ issue.state }}|{{ issue.priority }}
{{ issue.description }}|{{ issue.branch_name }}|{{ issue.url }}|{{ issue.assignee_id }}
{% for label in issue.labels %}<{{ label }}>{% endfor %}
{% for blocker in issue.blocked_by %}{{ blocker.identifier }}={{ blocker.state }}{% endfor %}
{% if issue.native_ref %}native{% endif %}{{ issue.created_at }}|{{ issue.updated_at }}
{{ issue.dispatchable }}"""
    site.write_workflow(prompt, tracker={"terminal_states": ["Done"]})
    site.write_issue(
        "MT-1",
        "tODO",
        "Do it.",
        id="Ticket 1",
        priority="high",
        labels=[" UI ", "", "ui"],
        blocked_by=["MT-0"],
    )
    site.write_issue("MT-0", "Done")
    daemon = site.start()
    daemon.wait_for_log(event="workspace_removed", issue_identifier="Ticket 1")
    (session,) = site.all_sessions()
    assert session.prompts()[0].splitlines() == [
        "---",
        "MT-1|Ticket 1|Title of MT-1|tODO|2",
        "Do it.|||",
        "<ui>",
        "MT-0=Done",
        "native|",
        "true",
    ]


@pytest.mark.proves("usage.total.absolute", "usage.total.counted_once")
def test_the_end_of_a_run_says_what_it_used(site: Site) -> None:
    report: JsonValue = {"do": "usage", "input": 100, "output": 10}
    more: JsonValue = {"do": "usage", "input": 250, "output": 30}
    script: Script = {"turns": [[report, report, more, FINISH]]}
    site.write_script("MT-1", script)
    site.write_workflow(polling={"interval_ms": HOUR_MS})
    site.write_issue("MT-1")
    daemon = site.start()
    ended = daemon.wait_for_log(event="run_ended")
    assert (ended["input_tokens"], ended["output_tokens"]) == ("250", "30")
    assert ended["total_tokens"] == "280"

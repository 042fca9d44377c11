"""Issues become finished work: the daemon, the real Codex, real files and a real repository."""

from __future__ import annotations

import pytest

from symphony.domain.json import as_object
from tests.integration.running_daemon import RunningDaemon
from tests.support.model_server import (
    Call,
    IssueScript,
    ModelServer,
    Reply,
    Say,
    Usage,
    shell,
)

pytestmark = pytest.mark.agent

DONE = Call("issue_update", {"state": "Done", "comment": "Finished as asked."})
REVIEW = Call("issue_update", {"state": "Human Review"})
KEEP_THE_WORK = 'git push --quiet origin HEAD:refs/heads/kept/"$(basename "$PWD")"'


def commit(name: str) -> Call:
    """A shell command that leaves one commit."""
    return shell(
        f"echo 'work on {name}' > {name}.txt && git add {name}.txt && "
        f"git commit --quiet -m 'Resolve {name}' && echo committed"
    )


@pytest.mark.proves(
    "session.protocol.valid",
    "session.start.prompt",
    "tool.execute.host_side",
    "hook.after_create.new_only",
    "hook.after_run.cancelled",
    "launch.cwd.workspace",
    "reconcile.state.terminal",
    "log.context.session",
)
def test_issues_go_from_todo_to_done_with_a_commit_each(daemon: RunningDaemon) -> None:
    names = ["T-1", "T-2", "T-3"]
    script = IssueScript({name: [commit(name), DONE, Say("Done.")] for name in names})
    for name in names:
        daemon.write_issue(name, text=f"Write {name}.txt and commit it.")

    with ModelServer(script) as model:
        daemon.write_workflow(
            model.base_url, agent={"max_concurrent_agents": 2}, hooks={"after_run": KEEP_THE_WORK}
        )
        daemon.start()
        for name in names:
            daemon.wait_for_state(name, "Done")
            daemon.wait_for(lambda n=name: not daemon.workspace(n).exists(), f"{name} is removed")

    for name in names:
        assert "Finished as asked." in daemon.issue_text(name)
        subject = daemon.laboratory.git(
            daemon.laboratory.repository, "log", "-1", "--format=%s", f"kept/{name}"
        )
        assert subject == f"Resolve {name}\n"
        assert any(record.get("session_id") for record in daemon.log(issue_identifier=name))
        request = next(r for r in model.requests if script.issue_of(r) == name)
        assert f"You work on {name}: Title of {name}" in request.user_texts[-1]
        assert f"Write {name}.txt and commit it." in request.user_texts[-1]
    assert daemon.agents() == []


@pytest.mark.proves("workspace.reuse.across_runs", "launch.command.shell")
def test_a_commit_and_the_command_that_made_it_are_found_in_the_workspace(
    daemon: RunningDaemon,
) -> None:
    daemon.write_issue("T-1")
    script = IssueScript({"T-1": [shell("pwd"), commit("T-1"), REVIEW, Say("For review.")]})

    with ModelServer(script) as model:
        daemon.write_workflow(model.base_url)
        daemon.start()
        daemon.wait_for_state("T-1", "Human Review")
        daemon.wait_for(lambda: daemon.log(event="run_ended"), "the run is over")

    workspace = daemon.workspace("T-1")
    assert daemon.laboratory.git(workspace, "log", "--format=%s") == "Resolve T-1\nstart\n"
    assert (workspace / "T-1.txt").read_text(encoding="utf-8") == "work on T-1\n"
    results = max((request.tool_results for request in model.requests), key=len)
    assert str(workspace) in results[0]
    assert "committed" in results[1]


@pytest.mark.proves(
    "turn.continuation.recheck",
    "turn.continuation.continues",
    "turn.continuation.thread",
    "turn.continuation.guidance",
    "turn.process.kept",
)
def test_a_second_turn_follows_in_the_same_thread_while_the_issue_is_active(
    daemon: RunningDaemon,
) -> None:
    daemon.write_issue("T-1")
    script = IssueScript({"T-1": [Say("Half of it."), REVIEW, Say("The other half.")]})

    with ModelServer(script) as model:
        daemon.write_workflow(model.base_url)
        daemon.start()
        daemon.wait_for_state("T-1", "Human Review")
        daemon.wait_for(lambda: daemon.log(event="run_ended"), "the run is over")
        first, second = model.requests[:2]

    assert first.thread == second.thread
    prompt = first.user_texts[-1]
    assert "You work on T-1" in prompt
    assert second.user_texts.count(prompt) == 1
    assert second.user_texts[-1] != prompt
    assert len(daemon.log(event="dispatched")) == 1


@pytest.mark.proves("turn.limit.max_turns", "retry.continuation.delay", "workspace.path.under_root")
def test_after_the_last_turn_the_issue_goes_on_in_a_new_session(daemon: RunningDaemon) -> None:
    daemon.write_issue("T-1")
    script = IssueScript({"T-1": [Say("One."), Say("Two."), DONE, Say("Three.")]})

    with ModelServer(script) as model:
        daemon.write_workflow(model.base_url, agent={"max_turns": 2})
        daemon.start()
        daemon.wait_for_state("T-1", "Done")
        threads = [request.thread for request in model.requests[:3]]

    assert threads[0] == threads[1] != threads[2]
    assert "Half" not in str(model.requests[2].user_texts)
    assert daemon.log(event="retry_scheduled", kind="continuation", attempt="1")


@pytest.mark.proves("usage.total.absolute", "usage.total.counted_once")
def test_the_tokens_of_a_run_are_its_models_sum(daemon: RunningDaemon) -> None:
    daemon.write_issue("T-1")
    script = IssueScript(
        {
            "T-1": [
                Say("First turn.", Usage(input_tokens=1_000, output_tokens=30)),
                Call("issue_update", REVIEW.arguments, Usage(input_tokens=2_000, output_tokens=50)),
                Say("Second turn.", Usage(input_tokens=4_000, output_tokens=70)),
            ]
        }
    )

    with ModelServer(script) as model:
        # The refresh between turns ends the run, not a tick in the middle of the second turn.
        daemon.write_workflow(model.base_url, polling={"interval_ms": 60_000})
        daemon.start()
        daemon.wait_for(lambda: daemon.log(event="run_ended"), "the run is over")

    (ended,) = daemon.log(event="run_ended")
    assert ended["outcome"] == "succeeded"
    assert ended["input_tokens"] == "7000"
    assert ended["output_tokens"] == "150"
    assert ended["total_tokens"] == "7150"


@pytest.mark.proves("tool.advertise.form", "tool.advertise.selected_only")
def test_the_agent_is_offered_issue_update_and_no_other_tool_of_the_daemon(
    daemon: RunningDaemon,
) -> None:
    daemon.write_issue("T-1")
    with ModelServer(IssueScript({"T-1": [DONE, Say("Done.")]})) as model:
        daemon.write_workflow(model.base_url)
        daemon.start()
        daemon.wait_for_state("T-1", "Done")
        tools = model.requests[0].tools

    # What Codex brings along by itself depends on its version; none of it is about issues.
    own = {"exec_command", "write_stdin", "request_user_input", "view_image", "multi_agent_v1"}
    own |= {"get_goal", "create_goal", "update_goal", "update_plan", "web_search", "apply_patch"}
    assert set(tools) - own == {"issue_update"}
    schema = as_object(tools["issue_update"]["parameters"])
    assert schema is not None
    assert schema["type"] == "object"
    assert set(as_object(schema["properties"]) or {}) == {"state", "labels", "comment"}
    assert schema["additionalProperties"] is False


@pytest.mark.proves("tool.result.structured", "tool.result.failure")
def test_a_wrong_tool_call_is_told_to_the_model_which_then_does_better(
    daemon: RunningDaemon,
) -> None:
    daemon.write_issue("T-1")
    steps: list[Reply] = [
        Call("issue_update", {"status": "Done"}),
        Call("close_the_issue", {}),
        DONE,
        Say("Done."),
    ]
    with ModelServer(IssueScript({"T-1": steps})) as model:
        daemon.write_workflow(model.base_url)
        daemon.start()
        daemon.wait_for_state("T-1", "Done")
        results = model.requests[2].tool_results

    assert "status" in results[0]
    assert len(results) == 2
    assert len(daemon.log(event="dispatched")) == 1


@pytest.mark.proves("run.error.retried", "recovery.service.survives")
def test_first_starts_at_once_on_a_new_machine_get_in_no_issues_way(daemon: RunningDaemon) -> None:
    # Codex sets its home up at the first start, and of several at once some exit with an error.
    daemon.laboratory.forget_codex_home()
    names = [f"T-{number}" for number in range(1, 5)]
    for name in names:
        daemon.write_issue(name)
    with ModelServer(IssueScript({name: [DONE, Say("Done.")] for name in names})) as model:
        daemon.write_workflow(model.base_url)
        daemon.start()
        for name in names:
            daemon.wait_for_state(name, "Done")
    assert {r["outcome"] for r in daemon.log(event="run_ended")} <= {
        "failed",
        "succeeded",
        "canceled_by_reconciliation",
    }

"""What the daemon answers when the agent asks."""

from __future__ import annotations

import pytest

from symphony.domain.json import JsonObject, JsonValue, as_array, as_object
from tests.support.daemon_site import FINISH, WORKS, Site, Step

COMMAND = "item/commandExecution/requestApproval"
FILE = "item/fileChange/requestApproval"
PERMISSIONS = "item/permissions/requestApproval"
INPUT = "item/tool/requestUserInput"
ELICITATION = "mcpServer/elicitation/request"
TOOL = "item/tool/call"
OLD_COMMAND, OLD_PATCH = "execCommandApproval", "applyPatchApproval"

ASKS: list[Step] = [
    {"do": "approve_command"},
    {"do": "approve_file"},
    {"do": "permissions"},
    {"do": "old_command"},
    {"do": "old_patch"},
    {"do": "mcp_approval"},
    {"do": "ask", "method": "account/chatgptAuthTokens/refresh", "params": {}},
    {"do": "ask", "method": "attestation/generate", "params": {}, "id": "text-id"},
]


def _result(answer: JsonObject) -> JsonObject:
    return as_object(answer.get("result")) or {}


@pytest.mark.proves(
    "policy.request.bounded",
    "policy.request.unknown",
    "policy.request.single_answer",
    "policy.approval.declared",
    "policy.default.restricted",
    "policy.startup.supplied",
)
@pytest.mark.parametrize("auto_approve", [False, True])
def test_approvals_are_decided_as_declared_and_the_turn_goes_on(
    site: Site, auto_approve: bool
) -> None:
    steps: list[JsonValue] = [*ASKS, FINISH]
    site.write_script("MT-1", {"turns": [steps]})
    site.write_workflow(codex={"auto_approve": auto_approve})
    site.write_issue("MT-1")
    daemon = site.start()
    daemon.wait_for_log(event="workspace_removed")
    (session,) = site.sessions("MT-1")

    def only(method: str) -> JsonObject:
        (answer,) = session.answers(method)
        return answer

    expected = (
        ("acceptForSession", "approved_for_session") if auto_approve else ("decline", "denied")
    )
    # The request offered no acceptance for the whole session.
    assert _result(only(COMMAND))["decision"] == ("accept" if auto_approve else "decline")
    assert _result(only(FILE))["decision"] == expected[0]
    for method in (OLD_COMMAND, OLD_PATCH):
        assert _result(only(method))["decision"] == expected[1]
    assert _result(only(ELICITATION))["action"] == ("accept" if auto_approve else "decline")
    assert _result(only(PERMISSIONS))["permissions"] == {}
    for method, name in (
        ("account/chatgptAuthTokens/refresh", 6),
        ("attestation/generate", "text-id"),
    ):
        assert only(method)["id"] == name
        assert (as_object(only(method).get("error")) or {})["code"] == -32601
    (params,) = session.received("thread/start")
    assert (params["approvalPolicy"], params["sandbox"]) == ("never", "workspace-write")


@pytest.mark.proves("config.codex.passthrough", "policy.startup.supplied")
def test_the_policies_reach_the_agent_as_they_were_written(site: Site) -> None:
    policy: JsonObject = {"type": "workspaceWrite", "networkAccess": True, "unheardOf": [1]}
    granular: JsonObject = {"granular": {"rules": True, "mcp_elicitations": False}}
    site.write_workflow(
        codex={
            "approval_policy": granular,
            "thread_sandbox": "read-only",
            "turn_sandbox_policy": policy,
        }
    )
    site.write_issue("MT-1")
    daemon = site.start()
    daemon.wait_for_log(event="workspace_removed")
    (session,) = site.sessions("MT-1")
    (thread,), (turn,) = session.received("thread/start"), session.received("turn/start")
    assert (thread["approvalPolicy"], thread["sandbox"]) == (granular, "read-only")
    assert turn["sandboxPolicy"] == policy


@pytest.mark.proves(
    "policy.tool.unsupported",
    "policy.request.concurrent",
    "tool.result.structured",
    "tool.result.failure",
    "tool.execute.host_side",
    "tool.scope.confined",
    "tool.advertise.form",
    "tool.advertise.selected_only",
)
def test_tools_are_answered_each_under_its_own_id_and_failures_end_nothing(site: Site) -> None:
    calls: list[JsonValue] = [
        {"tool": "linear_graphql", "arguments": {"query": "{ viewer { id } }"}},
        {"tool": "issue_update", "arguments": {"state": "Nirvana"}},
        {"tool": "issue_update", "arguments": "not an object"},
        {"tool": "issue_update", "arguments": {"state": "Done", "id": "../MT-2"}},
        {"tool": "issue_update", "arguments": {"comment": "Half of it is done."}},
    ]
    site.write_script("MT-1", {"turns": [[{"do": "tools", "calls": calls}, FINISH]]})
    site.write_script("MT-2", WORKS)
    site.write_workflow()
    for name in ("MT-1", "MT-2"):
        site.write_issue(name)
    daemon = site.start()
    site.at_gate("MT-2")
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-1")
    (session,) = site.sessions("MT-1")
    answers = {answer["id"]: _result(answer) for answer in session.answers(TOOL)}
    assert {key: answers[key]["success"] for key in range(5)} == {
        0: False,
        1: False,
        2: False,
        3: False,
        4: True,
    }
    assert "Half of it is done." in site.issue_text("MT-1")
    assert site.state("MT-2") == "Todo"
    failed = daemon.log(event="tool_executed", outcome="failed", tool="issue_update")
    assert len(failed) == 3
    (params,) = session.received("thread/start")
    tools = [as_object(tool) or {} for tool in as_array(params["dynamicTools"]) or ()]
    assert [(tool["type"], tool["name"]) for tool in tools] == [("function", "issue_update")]


@pytest.mark.proves(
    "policy.input.not_invented",
    "policy.input.classified",
    "policy.blocked.parked",
    "policy.blocked.visible",
    "policy.blocked.released",
    "policy.request.bounded",
)
def test_a_question_for_a_person_parks_the_issue_until_somebody_changes_it(site: Site) -> None:
    site.write_script("MT-1", {"turns": [[{"do": "user_input"}]]}, WORKS)
    site.write_script("MT-2", {"turns": [[{"do": "elicitation"}]]}, WORKS)
    # Exits in the middle of its question.
    rude: list[JsonValue] = [
        {"do": "ask", "method": INPUT, "params": {"questions": []}, "wait": False},
        {"do": "exit", "code": 9},
    ]
    site.write_script("MT-3", {"turns": [rude]}, WORKS)
    site.write_workflow(agent={"max_retry_backoff_ms": 50})
    for name in ("MT-1", "MT-2", "MT-3"):
        site.write_issue(name)
    daemon = site.start()
    asked = daemon.wait_for_log(event="issue_blocked", issue_identifier="MT-1")
    assert asked["request"] == "user_input"
    assert "Which colour shall it be? (Red / Blue)" in asked["question"]
    form = daemon.wait_for_log(event="issue_blocked", issue_identifier="MT-2")
    assert form["request"] == "elicitation"
    assert "Your name?" in form["question"]
    daemon.wait_for_log(event="issue_blocked", issue_identifier="MT-3")
    (input_answer,) = site.sessions("MT-1")[0].answers(INPUT)
    assert "result" not in input_answer
    (form_answer,) = site.sessions("MT-2")[0].answers(ELICITATION)
    assert _result(form_answer)["action"] == "cancel"
    # Later ticks leave all three alone.
    for name in ("MT-4", "MT-5"):
        site.write_issue(name)
        daemon.wait_for_log(event="workspace_removed", issue_identifier=name)
    assert len(daemon.log(event="dispatched")) == 5
    assert [line["kind"] for line in daemon.log(event="retry_scheduled")].count("failure") == 0
    site.write_issue("MT-1", text="Blue.")
    daemon.wait_for_log(event="claim_released", issue_identifier="MT-1")
    site.at_gate("MT-1")
    site.write_issue("MT-2", "Done")
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-2")
    site.write_issue("MT-3", labels=["answered"])
    site.at_gate("MT-3")

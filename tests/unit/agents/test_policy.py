"""What each request of the app-server is answered."""

from __future__ import annotations

import pytest

from symphony.agents.policy import (
    KNOWN_REQUESTS,
    Answer,
    Decision,
    PersonNeeded,
    Posture,
    Refusal,
    ToolCall,
    decide,
)
from symphony.agents.rpc import METHOD_NOT_FOUND
from symphony.domain.json import JsonObject

CAREFUL = Posture(auto_approve=False, tools=frozenset({"issue_update"}))
TRUSTING = Posture(auto_approve=True, tools=frozenset({"issue_update"}))
COMMAND = "item/commandExecution/requestApproval"
FILE_CHANGE = "item/fileChange/requestApproval"


def answer(decision: Decision) -> Answer:
    assert isinstance(decision, Answer)
    return decision


def person(decision: Decision) -> PersonNeeded:
    assert isinstance(decision, PersonNeeded)
    return decision


@pytest.mark.proves("tool.execute.host_side")
def test_a_tool_that_was_advertised_is_executed_with_its_arguments() -> None:
    params: JsonObject = {"tool": "issue_update", "arguments": {"state": "Done"}, "namespace": None}
    decision = decide("item/tool/call", params, CAREFUL)
    assert decision == ToolCall(name="issue_update", arguments={"state": "Done"})


@pytest.mark.proves("policy.tool.unsupported")
@pytest.mark.parametrize(
    "params",
    [{"tool": "no_such"}, {}, {"tool": 5}, {"tool": "issue_update", "namespace": "other"}],
)
def test_an_unknown_tool_gets_a_failure_that_names_the_tools_there_are(params: JsonObject) -> None:
    decision = answer(decide("item/tool/call", params, CAREFUL))
    assert decision.result["success"] is False
    assert "issue_update" in str(decision.result["contentItems"])
    assert decision.event == "unsupported_tool_call"


@pytest.mark.proves("policy.approval.declared")
@pytest.mark.parametrize("method", [COMMAND, FILE_CHANGE])
def test_approvals_are_declined_by_default_and_the_turn_goes_on(method: str) -> None:
    assert answer(decide(method, {}, CAREFUL)).result == {"decision": "decline"}


@pytest.mark.proves("policy.approval.declared")
@pytest.mark.parametrize("method", [COMMAND, FILE_CHANGE])
def test_with_auto_approve_approvals_are_granted_for_the_session(method: str) -> None:
    decision = answer(decide(method, {"command": "make test"}, TRUSTING))
    assert decision.result == {"decision": "acceptForSession"}
    assert decision.event == "approval_auto_approved"


def test_an_approval_that_is_offered_only_once_is_granted_once() -> None:
    params: JsonObject = {"command": "make", "availableDecisions": ["accept", {"x": {}}, "cancel"]}
    assert answer(decide(COMMAND, params, TRUSTING)).result == {"decision": "accept"}


@pytest.mark.parametrize("posture", [CAREFUL, TRUSTING])
def test_wider_permissions_are_never_granted(posture: Posture) -> None:
    params: JsonObject = {"permissions": {"network": {"enabled": True}}, "reason": "please"}
    decision = answer(decide("item/permissions/requestApproval", params, posture))
    assert decision.result == {"permissions": {}, "scope": "turn"}


@pytest.mark.parametrize(
    ("posture", "word"), [(CAREFUL, "denied"), (TRUSTING, "approved_for_session")]
)
@pytest.mark.parametrize("method", ["execCommandApproval", "applyPatchApproval"])
def test_approvals_of_older_versions_are_answered_in_their_words(
    method: str, posture: Posture, word: str
) -> None:
    params: JsonObject = {"command": ["bash", "-lc", "make"], "conversationId": "t"}
    assert answer(decide(method, params, posture)).result == {"decision": word}


@pytest.mark.proves("policy.input.not_invented")
@pytest.mark.parametrize("posture", [CAREFUL, TRUSTING])
def test_a_question_for_a_person_is_passed_on_and_not_answered(posture: Posture) -> None:
    params: JsonObject = {
        "questions": [
            {
                "id": "c",
                "header": "Colour",
                "question": "Which one?",
                "options": [{"label": "Red"}, {"label": "Blue"}],
            },
            {"id": "d", "question": "And why?"},
        ]
    }
    decision = person(decide("item/tool/requestUserInput", params, posture))
    assert decision.need.request == "user_input"
    assert decision.need.question == "Colour: Which one? (Red / Blue) And why?"
    assert isinstance(decision.reply, Refusal)


@pytest.mark.proves("policy.input.not_invented")
@pytest.mark.parametrize("posture", [CAREFUL, TRUSTING])
def test_an_elicitation_is_passed_on_and_dismissed_without_a_choice(posture: Posture) -> None:
    params: JsonObject = {
        "serverName": "forms",
        "message": "Your name?",
        "_meta": None,
        "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}},
    }
    decision = person(decide("mcpServer/elicitation/request", params, posture))
    assert decision.need.request == "elicitation"
    assert decision.need.question == "MCP server forms asks: Your name? (fields: name)"
    assert isinstance(decision.reply, Answer)
    assert decision.reply.result == {"action": "cancel", "content": None, "_meta": None}


@pytest.mark.parametrize(("posture", "action"), [(CAREFUL, "decline"), (TRUSTING, "accept")])
def test_the_approval_of_an_mcp_tool_is_an_approval_not_a_question(
    posture: Posture, action: str
) -> None:
    params: JsonObject = {
        "serverName": "mock",
        "message": "Allow it?",
        "_meta": {"codex_approval_kind": "mcp_tool_call"},
    }
    assert (
        answer(decide("mcpServer/elicitation/request", params, posture)).result["action"] == action
    )


@pytest.mark.proves("policy.request.unknown")
@pytest.mark.parametrize(
    "method",
    [
        "account/chatgptAuthTokens/refresh",
        "attestation/generate",
        "currentTime/read",
        "something/new",
        "",
    ],
)
def test_what_is_not_supported_is_refused_as_such(method: str) -> None:
    decision = decide(method, {}, TRUSTING)
    assert isinstance(decision, Refusal)
    assert decision.code == METHOD_NOT_FOUND


@pytest.mark.parametrize("method", KNOWN_REQUESTS)
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"questions": 5, "command": 7, "tool": None, "_meta": [], "availableDecisions": "x"},
        {"questions": [None, "x", {"options": [1, {"label": 2}]}], "requestedSchema": []},
    ],
)
def test_strange_parameters_still_get_a_decision(method: str, params: JsonObject) -> None:
    assert decide(method, params, CAREFUL) is not None


def test_an_empty_question_still_has_words() -> None:
    need = person(decide("item/tool/requestUserInput", {"questions": []}, CAREFUL)).need
    assert need.question


def test_a_question_is_one_bounded_line_without_control_characters() -> None:
    questions: JsonObject = {"questions": [{"question": "a\n\x1b[2Jb" + "?" * 9_000}]}
    need = person(decide("item/tool/requestUserInput", questions, CAREFUL)).need
    assert need.question.startswith("a b?")
    assert need.question.isprintable()
    assert len(need.question) <= 2_000

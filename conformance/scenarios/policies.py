"""What an agent asks for, and what becomes of it: approvals, unknown requests, unknown tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from conformance.agents.session import SECOND_ANSWER, AgentSession
from conformance.agents.steps import (
    WORKS,
    Step,
    agent_script,
    approve_command,
    approve_file,
    approve_mcp,
    approve_old_command,
    approve_old_patch,
    ask,
    ask_permissions,
    call_tool,
    elicit,
    gate,
    turn,
)
from conformance.agents.steps import ask_user as ask_a_person
from conformance.fakes.json_values import JsonObject, JsonValue, as_object, as_text
from conformance.lab.boards import Handle
from conformance.lab.judging import UnmetError
from conformance.lab.lab import Lab
from conformance.scenario import scenario

UNKNOWN: Final = "item/somethingNew/requestConfirmation"
UNKNOWN_TOOL: Final = "no_such_tool"
TEXT_ID: Final = "seven"
"""The protocol has ids that are numbers and ids that are texts."""
METHOD_NOT_FOUND: Final = -32601

APPROVALS: Final[dict[str, Step]] = {
    "item/commandExecution/requestApproval": approve_command(),
    "item/fileChange/requestApproval": approve_file(),
    "execCommandApproval": approve_old_command(),
    "applyPatchApproval": approve_old_patch(),
}
OTHERS: Final[dict[str, Step]] = {
    "item/permissions/requestApproval": ask_permissions(),
    "mcpServer/elicitation/request": elicit(),
    "item/tool/requestUserInput": ask_a_person(),
    "account/chatgptAuthTokens/refresh": ask(
        "account/chatgptAuthTokens/refresh", {"reason": "unauthorized", "previousAccountId": None}
    ),
    UNKNOWN: ask(UNKNOWN, {"please": True}),
    "item/tool/call": call_tool(UNKNOWN_TOOL, {"x": 1}),
}
GRANTS: Final = ("accept", "acceptForSession", "approved", "approved_for_session")


@scenario(
    "Whatever an agent asks for is answered once, or ends its run; approvals follow the policy",
    checks=(
        "policy.request.bounded",
        "policy.request.single_answer",
        "policy.request.concurrent",
        "policy.request.unknown",
        "policy.approval.declared",
        "policy.tool.unsupported",
        "policy.startup.supplied",
        "policy.default.restricted",
        "config.codex.passthrough",
    ),
)
async def requests_of_agents(lab: Lab) -> None:
    asking: dict[str, Handle] = {}
    for number, (method, request) in enumerate({**APPROVALS, **OTHERS}.items(), start=1):
        asking[method] = lab.tracker.put(f"ENG-{number}")
        lab.script(asking[method], agent_script(turn(request, gate())))
    mcp = lab.tracker.put("ENG-20")
    lab.script(mcp, agent_script(turn(approve_mcp(), gate())))
    several = lab.tracker.put("ENG-21")
    lab.script(several, agent_script(turn(*_at_once(), gate())))
    lab.workflow(agent={"max_concurrent_agents": 20})
    await lab.start()
    sessions = {method: await lab.session(issue) for method, issue in asking.items()}
    many = await lab.session(several)

    with lab.judging("policy.request.bounded"):
        for method, session in sessions.items():
            await _settled(lab, session, method)
        await _settled(lab, await lab.session(mcp), "mcpServer/elicitation/request")
    with lab.judging("policy.approval.declared"):
        for method in APPROVALS:
            await _decided(lab, asking[method], sessions[method], method)
    with lab.judging("policy.request.unknown"):
        await _unknown_is_refused(lab, sessions[UNKNOWN])
    with lab.judging("policy.tool.unsupported"):
        await _tool_failed(lab, sessions["item/tool/call"])
        await lab.never(
            lambda: not sessions["item/tool/call"].alive,
            "the session goes on after a call of an unknown tool",
        )
    with lab.judging("policy.request.concurrent") as judge:
        await lab.until(
            lambda: len(many.answers("item/tool/call")) > 2,
            "three calls that came together are answered",
            seen=lambda: f"{len(many.answers('item/tool/call'))} are, alive: {many.alive}",
        )
        ids = sorted(str(each.get("id")) for each in many.answers("item/tool/call"))
        judge.equal(ids, ["0", "1", TEXT_ID], "the ids of what was answered")
        wrong = [each.text for each in many.violations]
        judge.equal(wrong, [], "what the agent finds wrong with the answers")

    await _restricted(lab, many)
    await lab.polls()
    with lab.judging("policy.request.single_answer") as judge:
        twice = [
            each.text
            for session in lab.sessions()
            for each in session.violations
            if each.kind == SECOND_ANSWER
        ]
        judge.equal(twice, [], "the answers to what had an answer already")
    await _configured(lab)


def _at_once() -> Sequence[Step]:
    """Three calls, open at the same time: under the ids 0 and 1, and one that is a text."""
    call: JsonObject = {"callId": "call_1", "namespace": None, "tool": UNKNOWN_TOOL}

    def place(number: int) -> JsonObject:
        return {**call, "callId": f"call_{number}", "arguments": {"number": number}}

    return (
        ask("item/tool/call", place(1), wait=False),
        ask("item/tool/call", place(2), wait=False),
        ask("item/tool/call", place(3), request_id=TEXT_ID, wait=True),
    )


async def _settled(lab: Lab, session: AgentSession, method: str) -> None:
    """The request has an answer, or there is nobody any more who waits for one."""
    await lab.until(
        lambda: session.answers(method) or not session.alive,
        f"{method} is answered, or its run is ended",
        seen=lambda: "the agent still waits for an answer",
    )


async def _decided(lab: Lab, issue: Handle, session: AgentSession, method: str) -> None:
    policy = lab.manifest.policies.approvals
    await _settled(lab, session, method)
    answers = session.answers(method)
    granted = [_decision(each) for each in answers if _decision(each) in GRANTS]
    if policy == "accept" and not granted:
        raise UnmetError(f"{method} is granted, as the manifest declares", _shown(answers))
    if policy in ("decline", "fail", "block") and granted:
        raise UnmetError(f"{method} is not granted: the policy is {policy}", _shown(answers))
    if policy == "decline" and not answers:
        raise UnmetError(f"{method} is declined", f"{issue.identifier}: its run was ended")
    if policy in ("fail", "block"):
        await lab.ended(session)
    if policy == "block":
        await lab.never(lambda: lab.running(issue), f"{issue.identifier} waits for a person")


def _decision(answer: JsonObject) -> JsonValue:
    return as_object(answer.get("result")).get("decision")


def _shown(answers: Sequence[JsonObject]) -> str:
    return ", ".join(str(each.get("result") or each.get("error")) for each in answers) or "none"


async def _unknown_is_refused(lab: Lab, session: AgentSession) -> None:
    policy = lab.manifest.policies.unknown_request
    await _settled(lab, session, UNKNOWN)
    answers = session.answers(UNKNOWN)
    if any("result" in each for each in answers):
        raise UnmetError("nothing is promised to an unknown request", _shown(answers))
    codes = [as_object(each.get("error")).get("code") for each in answers]
    if policy == "error" and not codes:
        raise UnmetError("an unknown request is answered with an error", "its run was ended")
    if policy == "fail":
        await lab.ended(session)
    if codes and codes != [METHOD_NOT_FOUND]:
        lab.note(f"an unknown request is refused with {codes[0]}; {METHOD_NOT_FOUND} is preferred")


async def _tool_failed(lab: Lab, session: AgentSession) -> None:
    """The call of an unknown tool got a result that says that it failed."""
    answers = await lab.until(
        lambda: session.answers("item/tool/call"),
        "the call of an unknown tool is answered",
        seen=lambda: f"alive: {session.alive}",
    )
    for each in answers:
        result = as_object(each.get("result"))
        if result.get("success") is not False:
            raise UnmetError("a result whose `success` is false", str(dict(each)))


async def _restricted(lab: Lab, session: AgentSession) -> None:
    """What is in force where the workflow file says nothing."""
    start, opening = session.thread_starts[0], session.turns[0]
    sandbox = as_object(opening.get("sandboxPolicy")).get("type") or start.get("sandbox")
    with lab.judging("policy.startup.supplied") as judge:
        approvals = start.get("approvalPolicy") or opening.get("approvalPolicy")
        judge.holds(
            approvals and sandbox,
            expected="an approval policy and a sandbox at the start of the thread or the turn",
            seen=f"approvalPolicy {approvals}, sandbox {sandbox}",
        )
    with lab.judging("policy.default.restricted") as judge:
        judge.equal(start.get("approvalPolicy"), "never", "the approval policy")
        judge.contains(("workspace-write", "workspaceWrite"), sandbox, "the usual sandboxes")


async def _configured(lab: Lab) -> None:
    """A session under policies that the workflow file names."""
    await lab.reload(
        agent={"max_concurrent_agents": 20},
        codex={
            "approval_policy": "on-request",
            "thread_sandbox": "read-only",
            "turn_sandbox_policy": {"type": "readOnly", "networkAccess": False},
        },
    )
    late = lab.tracker.put("ENG-22")
    lab.script(late, WORKS)
    session = await lab.at_gate(late)
    start, opening = session.thread_starts[0], session.turns[0]
    given = [as_text(each.get("approvalPolicy")) for each in (start, opening)]
    policy = as_object(opening.get("sandboxPolicy"))
    with lab.judging("policy.startup.supplied") as judge:
        judge.equal({each for each in given if each}, {"on-request"}, "the approval policy")
        judge.equal(start.get("sandbox"), "read-only", "the sandbox of the thread")
        judge.equal(policy.get("type"), "readOnly", "the sandbox of the turn")
    with lab.judging("config.codex.passthrough") as judge:
        judge.equal(dict(policy), {"type": "readOnly", "networkAccess": False}, "its whole policy")

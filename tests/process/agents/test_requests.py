"""Every request of the agent is answered once, in bounded time, over real pipes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from symphony.agents.limits import SessionLimits
from symphony.agents.session import TurnCompleted
from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text
from symphony.domain.run import AgentActivity, NeedsPerson, RunUpdate
from symphony.domain.tools import ToolResult
from tests.support.agent_sessions import PATIENT, Gates, Script, fake_session, open_gates

pytestmark = pytest.mark.anyio
TOOL_CALL = "item/tool/call"


def turn(*steps: JsonObject) -> Script:
    return {"turns": [list(steps)]}


def text_of(result: JsonObject) -> str:
    """The text of a tool call's result."""
    items = as_array(result["contentItems"])
    assert items is not None
    (item,) = items
    return as_text((as_object(item) or {})["text"]) or ""


@pytest.fixture
async def gates(tmp_path: Path) -> AsyncIterator[Gates]:
    async with open_gates(tmp_path / "gates") as opened:
        yield opened


@pytest.mark.proves("tool.execute.host_side", "tool.result.structured")
async def test_a_tool_call_is_executed_by_the_host_and_its_result_sent(tmp_path: Path) -> None:
    async with fake_session(tmp_path) as bench:
        await bench.session.run_turn("Go.", 1)
        assert bench.calls == [("issue_update", {"state": "Done"})]
        result = bench.result(TOOL_CALL)
        assert result["success"] is True
        assert "Done" in text_of(result)


@pytest.mark.proves("policy.tool.unsupported")
async def test_a_tool_that_does_not_exist_fails_and_the_session_goes_on(tmp_path: Path) -> None:
    script = turn({"do": "tool", "tool": "no_such_tool"}, {"do": "message"})
    async with fake_session(tmp_path, script) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()
        assert bench.calls == []
        assert bench.result(TOOL_CALL)["success"] is False
        assert bench.events("unsupported_tool_call")


@pytest.mark.proves("tool.result.failure")
async def test_a_tool_that_refuses_gives_a_failure_the_agent_can_read(tmp_path: Path) -> None:
    async def refuse(_name: str, _arguments: JsonValue) -> ToolResult:
        return ToolResult(success=False, content={"error": "no such state"})

    async with fake_session(tmp_path, execute_tool=refuse) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()
        result = bench.result(TOOL_CALL)
        assert result["success"] is False
        assert "no such state" in text_of(result)


@pytest.mark.proves("tool.result.failure", "tool.result.no_secret")
async def test_a_tool_that_breaks_fails_the_call_without_its_text(tmp_path: Path) -> None:
    async def explode(_name: str, _arguments: JsonValue) -> ToolResult:
        raise ValueError("the key is hunter2")

    async with fake_session(tmp_path, execute_tool=explode) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()
        assert text_of(bench.result(TOOL_CALL)) == "The tool issue_update broke: ValueError."
        assert not any("hunter2" in str(update) for update in bench.updates)


@pytest.mark.proves("policy.request.bounded")
async def test_a_tool_that_hangs_is_given_up_and_the_session_goes_on(tmp_path: Path) -> None:
    async def hang(_name: str, _arguments: JsonValue) -> ToolResult:
        await anyio.sleep_forever()
        raise AssertionError

    limits = SessionLimits(tool_call=0.2)
    async with fake_session(tmp_path, execute_tool=hang, limits=limits) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()
        result = bench.result(TOOL_CALL)
        assert result["success"] is False
        assert "did not finish within 0.2 seconds" in text_of(result)


@pytest.mark.proves("tool.result.bounded")
async def test_a_long_result_is_cut(tmp_path: Path) -> None:
    async def talk(_name: str, _arguments: JsonValue) -> ToolResult:
        return ToolResult(success=True, content="x" * 5_000_000)

    async with fake_session(tmp_path, execute_tool=talk) as bench:
        await bench.session.run_turn("Go.", 1)
        text = text_of(bench.result(TOOL_CALL))
        assert len(text) < 263_000
        assert text.endswith("[The result was cut: 262144 of 5000000 bytes are shown.]")


async def test_the_time_of_a_tool_is_not_the_silence_of_the_agent(tmp_path: Path) -> None:
    settings = replace(PATIENT, turn_timeout_ms=1_000)

    async def take_time(_name: str, _arguments: JsonValue) -> ToolResult:
        with anyio.move_on_after(2):
            await anyio.sleep_forever()
        return ToolResult(success=True, content="at last")

    async with fake_session(tmp_path, settings=settings, execute_tool=take_time) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()


@pytest.mark.proves("policy.request.concurrent", "policy.request.single_answer")
async def test_many_calls_at_once_are_each_answered_under_their_own_id(tmp_path: Path) -> None:
    """More than are worked on at once; each waits until as many as fit have begun."""
    together = anyio.Event()
    begun = 0
    limits = SessionLimits(open_requests=8)

    async def wait_for_the_others(_name: str, arguments: JsonValue) -> ToolResult:
        nonlocal begun
        begun += 1
        if begun == limits.open_requests:
            together.set()
        await together.wait()
        return ToolResult(success=True, content=arguments)

    calls: list[JsonValue] = [
        {"tool": "issue_update", "arguments": {"n": number}} for number in range(30)
    ]
    script = turn({"do": "tools", "calls": calls})
    async with fake_session(
        tmp_path, script, execute_tool=wait_for_the_others, limits=limits
    ) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()
        texts = {
            entry["id"]: text_of(as_object(entry["result"]) or {})
            for entry in bench.answers(TOOL_CALL)
        }
        assert texts == {number: f'{{"n": {number}}}' for number in range(30)}


async def test_a_slow_scheduler_and_a_tool_call_do_not_block_each_other(tmp_path: Path) -> None:
    """The report of the next line waits for the tool, and the tool must still be answered."""
    called = anyio.Event()

    async def execute(_name: str, _arguments: JsonValue) -> ToolResult:
        called.set()
        return ToolResult(success=True, content="done")

    async def report(update: RunUpdate) -> None:
        if isinstance(update, AgentActivity) and "careful" in update.message:
            await called.wait()

    script = turn(
        {"do": "ask", "method": TOOL_CALL, "params": {"tool": "issue_update"}, "wait": False},
        {"do": "notify", "method": "warning", "params": {"message": "careful"}},
        {"do": "tool"},
    )
    async with fake_session(tmp_path, script, execute_tool=execute, report=report) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()


@pytest.mark.proves("policy.approval.declared", "policy.request.bounded")
@pytest.mark.parametrize(
    ("step", "method", "careful", "trusting"),
    [
        (
            "approve_command",
            "item/commandExecution/requestApproval",
            {"decision": "decline"},
            {"decision": "accept"},
        ),
        (
            "approve_file",
            "item/fileChange/requestApproval",
            {"decision": "decline"},
            {"decision": "acceptForSession"},
        ),
        (
            "permissions",
            "item/permissions/requestApproval",
            {"permissions": {}, "scope": "turn"},
            {"permissions": {}, "scope": "turn"},
        ),
        (
            "mcp_approval",
            "mcpServer/elicitation/request",
            {"action": "decline", "content": None, "_meta": None},
            {"action": "accept", "content": {}, "_meta": None},
        ),
        (
            "old_command",
            "execCommandApproval",
            {"decision": "denied"},
            {"decision": "approved_for_session"},
        ),
        (
            "old_patch",
            "applyPatchApproval",
            {"decision": "denied"},
            {"decision": "approved_for_session"},
        ),
    ],
)
@pytest.mark.parametrize("auto_approve", [False, True])
async def test_approvals_are_decided_by_the_policy_and_the_turn_goes_on(
    tmp_path: Path,
    step: str,
    method: str,
    careful: JsonObject,
    trusting: JsonObject,
    auto_approve: bool,
) -> None:
    settings = replace(PATIENT, auto_approve=auto_approve)
    async with fake_session(tmp_path, turn({"do": step}), settings=settings) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()
        assert bench.result(method) == (trusting if auto_approve else careful)
        approved = auto_approve and step != "permissions"
        assert len(bench.events("approval_auto_approved")) == int(approved)


@pytest.mark.proves("policy.request.unknown", "policy.request.bounded")
@pytest.mark.parametrize("identity", [None, "a string"])
async def test_unknown_requests_are_refused_and_the_turn_goes_on(
    tmp_path: Path, identity: str | None
) -> None:
    methods = ("attestation/generate", "currentTime/read", "something/new")
    steps: list[JsonObject] = [{"do": "ask", "method": name, "params": {}} for name in methods]
    if identity is not None:
        steps = [{**step, "id": f"{identity} {step['method']}"} for step in steps]
    async with fake_session(tmp_path, turn(*steps)) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()
        for name in methods:
            (answer,) = bench.answers(name)
            assert (as_object(answer["error"]) or {})["code"] == -32601


@pytest.mark.proves("policy.input.not_invented", "policy.request.bounded")
@pytest.mark.parametrize(
    ("step", "method", "request_kind", "words"),
    [
        ("user_input", "item/tool/requestUserInput", "user_input", "Which colour shall it be?"),
        ("elicitation", "mcpServer/elicitation/request", "elicitation", "Your name?"),
    ],
)
@pytest.mark.parametrize("auto_approve", [False, True])
async def test_a_question_for_a_person_ends_the_turn_and_is_handed_on(
    tmp_path: Path, step: str, method: str, request_kind: str, words: str, auto_approve: bool
) -> None:
    settings = replace(PATIENT, auto_approve=auto_approve)
    async with fake_session(tmp_path, turn({"do": step}), settings=settings) as bench:
        need = await bench.session.run_turn("Go.", 1)
        assert isinstance(need, NeedsPerson)
        assert need.request == request_kind
        assert words in need.question
        assert bench.events("turn_input_required") == [need.question]
        assert not bench.events("turn_completed")
        assert len(bench.received("turn/interrupt")) == 1
    answered = bench.answers(method)
    assert len(answered) <= 1
    for answer in answered:
        assert "error" in answer or (as_object(answer["result"]) or {})["action"] == "cancel"


@pytest.mark.proves("policy.input.classified")
async def test_a_question_outweighs_the_exit_that_follows_it(tmp_path: Path) -> None:
    script = turn(
        {
            "do": "ask",
            "method": "item/tool/requestUserInput",
            "params": {"questions": [{"question": "Really?"}]},
        },
        {"do": "exit", "code": 1},
    )
    async with fake_session(tmp_path, script) as bench:
        need = await bench.session.run_turn("Go.", 1)
        assert need == NeedsPerson(request="user_input", question="Really?")


@pytest.mark.usefixtures("gates")
@pytest.mark.proves("policy.request.bounded")
async def test_an_agent_that_does_not_stop_for_its_question_is_not_waited_for_long(
    tmp_path: Path,
) -> None:
    script = turn(
        {"do": "forget_interrupt"},
        {"do": "user_input"},
        {"do": "gate", "name": "goes on regardless"},
    )
    limits = SessionLimits(interrupt=0.2)
    async with fake_session(tmp_path, script, limits=limits, control=tmp_path / "gates") as bench:
        assert isinstance(await bench.session.run_turn("Go.", 1), NeedsPerson)


async def test_a_question_asked_while_the_session_opens_is_handed_on_by_the_first_turn(
    tmp_path: Path,
) -> None:
    async with fake_session(tmp_path, {"after_thread": [{"do": "elicitation"}]}) as bench:
        need = await bench.session.run_turn("Go.", 1)
        assert isinstance(need, NeedsPerson)
        assert bench.received("turn/start") == []
        sent = [line for direction, line in bench.recorded if direction == "to_agent"]
        assert b'{"id":0,"result":{"action":"cancel","content":null,"_meta":null}}' in sent


@pytest.mark.proves("policy.input.classified")
async def test_a_question_asked_before_the_turn_is_answered_outweighs_the_exit(
    tmp_path: Path,
) -> None:
    question: JsonObject = {"do": "elicitation"}
    script: Script = {"after_thread": [question, {"do": "exit", "code": 1}]}
    async with fake_session(tmp_path, {**script, "refuse": {"thread/name/set": "no"}}) as bench:
        await bench.process.wait()
        assert isinstance(await bench.session.run_turn("Go.", 1), NeedsPerson)


async def test_requests_between_turns_are_answered_too(tmp_path: Path, gates: Gates) -> None:
    """A sub-agent may work on when our turn has ended."""
    answered = anyio.Event()

    async def execute(_name: str, _arguments: JsonValue) -> ToolResult:
        answered.set()
        return ToolResult(success=True, content="done")

    late: JsonObject = {
        "do": "ask",
        "method": TOOL_CALL,
        "params": {"tool": "issue_update"},
        "wait": False,
    }
    script: Script = {"after_thread": [{"do": "gate"}, late]}
    async with fake_session(
        tmp_path, script, execute_tool=execute, control=tmp_path / "gates"
    ) as bench:
        await gates.let_go("gate")
        with anyio.fail_after(60):
            await answered.wait()
        assert bench.calls

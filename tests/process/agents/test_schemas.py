"""Our messages and those of the fake agent, against the schemas of the installed Codex."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from symphony.agents.session import TurnCompleted
from symphony.domain.json import JsonObject, as_object, as_text
from symphony.domain.run import NeedsPerson
from tests.process.agents.conftest import Schemas
from tests.support.agent_sessions import PATIENT, Bench, Script, fake_session

pytestmark = [pytest.mark.anyio, pytest.mark.agent]

ANSWERS = {
    "item/tool/call": "DynamicToolCallResponse",
    "item/commandExecution/requestApproval": "CommandExecutionRequestApprovalResponse",
    "item/fileChange/requestApproval": "FileChangeRequestApprovalResponse",
    "item/permissions/requestApproval": "PermissionsRequestApprovalResponse",
    "item/tool/requestUserInput": "ToolRequestUserInputResponse",
    "mcpServer/elicitation/request": "McpServerElicitationRequestResponse",
}
RESULTS = {
    "initialize": "v1/InitializeResponse",
    "thread/start": "v2/ThreadStartResponse",
    "thread/name/set": "v2/ThreadSetNameResponse",
    "turn/start": "v2/TurnStartResponse",
    "turn/interrupt": "v2/TurnInterruptResponse",
}
EVERYTHING: Script = {
    "turns": [
        [
            {"do": "message"},
            {"do": "tool"},
            {"do": "tool", "tool": "no_such"},
            {"do": "approve_command"},
            {"do": "approve_file"},
            {"do": "permissions"},
            {"do": "mcp_approval"},
            {"do": "usage", "input": 3, "output": 4},
            {"do": "rate_limits"},
            {"do": "subagent"},
            {"do": "error", "retry": True},
            {"do": "config_warning", "summary": "harmless", "details": None},
            {"do": "run", "command": "true"},
        ],
        [{"do": "fail"}],
        [{"do": "user_input"}],
    ]
}


def messages(bench: Bench, direction: str) -> Sequence[JsonObject]:
    """What went one way, parsed."""
    lines = [line for way, line in bench.recorded if way == direction]
    return [message for line in lines if (message := as_object(json.loads(line))) is not None]


async def have_everything_said(tmp_path: Path, *, auto_approve: bool) -> Bench:
    settings = replace(PATIENT, auto_approve=auto_approve, model="fake-model")
    async with fake_session(tmp_path, EVERYTHING, settings=settings) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()
        with pytest.raises(Exception, match="turn_failed"):
            await bench.session.run_turn("Go on.", 2)
        assert isinstance(await bench.session.run_turn("Go on.", 3), NeedsPerson)
    return bench


@pytest.mark.proves("session.protocol.valid")
@pytest.mark.parametrize("auto_approve", [False, True])
async def test_everything_that_we_say_is_valid(
    tmp_path: Path, schemas: Schemas, auto_approve: bool
) -> None:
    bench = await have_everything_said(tmp_path, auto_approve=auto_approve)
    asked = {
        message["id"]: as_text(message["method"]) or ""
        for message in messages(bench, "from_agent")
        if "id" in message and "method" in message
    }
    checked: set[str] = set()
    for message in messages(bench, "to_agent"):
        if "method" in message:
            kind = "ClientRequest" if "id" in message else "ClientNotification"
            method = as_text(message["method"]) or ""
            schemas.check(message, kind, method)
            checked.add(method)
        elif "result" in message:
            method = asked[message["id"]]
            schemas.check(message["result"], ANSWERS[method])
            checked.add(method)
        else:
            schemas.check(message, "JSONRPCError")
    assert {
        "initialize",
        "initialized",
        "thread/start",
        "thread/name/set",
        "turn/start",
        "turn/interrupt",
        *ANSWERS,
    } - {"item/tool/requestUserInput"} <= checked


@pytest.mark.proves("session.protocol.valid")
async def test_a_session_that_looks_back_says_valid_things(
    tmp_path: Path, schemas: Schemas
) -> None:
    entry: JsonObject = {
        "id": "old-thread",
        "cwd": str(tmp_path / "workspace"),
        "originator": "symphony",
    }
    async with fake_session(
        tmp_path, {"answers": {"thread/list": {"data": [entry]}}}, look_back=True
    ) as bench:
        said = messages(bench, "to_agent")
    for method in ("thread/list", "thread/turns/list"):
        (asked,) = (message for message in said if message.get("method") == method)
        schemas.check(asked, "ClientRequest", method)


@pytest.mark.proves("session.protocol.valid")
async def test_a_resumed_session_says_valid_things(tmp_path: Path, schemas: Schemas) -> None:
    async with fake_session(tmp_path, resume="old-thread") as bench:
        await bench.session.run_turn("Go.", 1)
    resume = [m for m in messages(bench, "to_agent") if m.get("method") == "thread/resume"]
    schemas.check(resume[0], "ClientRequest", "thread/resume")


async def test_everything_that_the_fake_agent_says_is_valid(
    tmp_path: Path, schemas: Schemas
) -> None:
    bench = await have_everything_said(tmp_path, auto_approve=False)
    asked = {
        message["id"]: as_text(message["method"]) or ""
        for message in messages(bench, "to_agent")
        if "id" in message and "method" in message
    }
    for message in messages(bench, "from_agent"):
        if "method" in message:
            kind = "ServerRequest" if "id" in message else "ServerNotification"
            name = as_text(message["method"]) or ""
            schemas.check(message, kind, name)
        elif (method := asked[message["id"]]) in RESULTS:
            schemas.check(message["result"], RESULTS[method])

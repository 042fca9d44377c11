"""An agent that asks and does not read what it is answered is silent, and not waited for."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from symphony.agents.errors import AgentError, Category
from symphony.agents.limits import SessionLimits
from symphony.domain.json import JsonValue
from symphony.domain.tools import ToolResult
from tests.support.agent_sessions import PATIENT, fake_session

pytestmark = pytest.mark.anyio

# Opens a turn, calls a tool some times over, and never reads again.
DEAF = """
import json, sys, time

def say(message):
    print(json.dumps(message), flush=True)

for line in sys.stdin:
    message = json.loads(line)
    if message.get("method") == "thread/start":
        say({"id": message["id"], "result": {"thread": {"id": "thread"}}})
    elif message.get("method") == "turn/start":
        say({"id": message["id"], "result": {"turn": {"id": "turn"}}})
        for number in range(int(sys.argv[1])):
            call = {"tool": "issue_update", "arguments": {}}
            say({"id": f"call-{number}", "method": "item/tool/call", "params": call})
        time.sleep(600)
    elif "id" in message:
        say({"id": message["id"], "result": {}})
"""
# More than a pipe holds.
LONG = ToolResult(success=True, content="x" * 200_000)


async def talk(_name: str, _arguments: JsonValue) -> ToolResult:
    return LONG


@pytest.mark.proves("turn.timeout.silence", "policy.request.bounded")
@pytest.mark.parametrize("calls", [1, 9], ids=["one", "more than are answered at once"])
async def test_an_answer_that_is_not_read_does_not_keep_a_turn_alive(
    tmp_path: Path, calls: int
) -> None:
    program = tmp_path / "deaf.py"
    program.write_text(DEAF)
    command = shlex.join([sys.executable, "-S", str(program), str(calls)])
    settings = replace(PATIENT, turn_timeout_ms=1_000)
    limits = SessionLimits(open_requests=4, stop_grace_ms=100)
    async with fake_session(
        tmp_path, command=command, settings=settings, limits=limits, execute_tool=talk
    ) as bench:
        with pytest.raises(AgentError) as caught:
            await bench.session.run_turn("Go.", 1)
        assert caught.value.category is Category.TURN_TIMEOUT
        assert bench.calls

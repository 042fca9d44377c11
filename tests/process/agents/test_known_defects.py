"""Defects of other implementations that no other test of a session shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from symphony.agents.session import TurnCompleted
from symphony.domain.json import JsonValue
from tests.support.agent_sessions import PATIENT, fake_session

pytestmark = pytest.mark.anyio


async def test_an_agent_that_starts_slowly_and_says_so_is_waited_for(tmp_path: Path) -> None:
    # In all longer than the read timeout, with a line every quarter of it.
    told: JsonValue = {"do": "notify", "method": "mcpServer/startupStatus/updated", "params": {}}
    pause: JsonValue = {"do": "run", "command": "sleep 0.5"}
    brief = replace(PATIENT, read_timeout_ms=2_000)
    script: dict[str, JsonValue] = {"before_thread": [pause, told] * 6}
    async with fake_session(tmp_path, script, settings=brief) as bench:
        assert await bench.session.run_turn("Go.", 1) == TurnCompleted()

"""The thread that a killed daemon left in a workspace is gone on with, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from symphony.domain.json import JsonObject, JsonValue
from symphony.domain.settings import CodexSettings
from tests.support.agent_sessions import Script, fake_session

pytestmark = pytest.mark.anyio

CUT_OFF: JsonObject = {"id": "turn-9", "status": "interrupted", "completedAt": None}


def left(tmp_path: Path, *, turn: JsonValue = CUT_OFF, **thread: JsonValue) -> Script:
    """An agent that has one thread of this program in the workspace, with this last turn."""
    workspace = str(tmp_path / "workspace")
    entry = {"id": "old-thread", "cwd": workspace, "originator": "symphony", **thread}
    return {
        "answers": {
            "thread/list": {"data": [entry], "nextCursor": None},
            "thread/turns/list": {"data": [turn], "nextCursor": None},
        }
    }


@pytest.mark.proves("recovery.thread.resumed", "usage.resume.baseline")
async def test_a_thread_that_was_cut_off_in_the_workspace_is_resumed(tmp_path: Path) -> None:
    async with fake_session(tmp_path, left(tmp_path), look_back=True) as bench:
        assert (bench.session.thread_id, bench.session.is_resumed) == ("old-thread", True)
        assert bench.params("thread/list")["cwd"] == str(tmp_path / "workspace")
        assert bench.params("thread/resume")["excludeTurns"] is True
        assert bench.received("thread/start") == []


@pytest.mark.parametrize(
    ("turn", "thread"),
    [
        ({"status": "completed", "completedAt": 1795267876}, {}),
        ({"status": "failed", "completedAt": None}, {}),
        (None, {}),
        ("odd", {}),
        (CUT_OFF, {"originator": "codex-tui"}),
        (CUT_OFF, {"cwd": "/elsewhere"}),
        (CUT_OFF, {"id": 7}),
        (CUT_OFF, {"id": "x" * 100_000}),
    ],
)
async def test_nothing_else_is_taken_for_it(
    tmp_path: Path, turn: JsonValue, thread: JsonObject
) -> None:
    script = left(tmp_path, turn=turn, **thread)
    async with fake_session(tmp_path, script, look_back=True) as bench:
        assert not bench.session.is_resumed
        assert len(bench.received("thread/start")) == 1
        assert bench.received("thread/resume") == []


@pytest.mark.parametrize("method", ["thread/list", "thread/turns/list"])
async def test_an_agent_that_does_not_tell_begins_anew(tmp_path: Path, method: str) -> None:
    script: Script = {**left(tmp_path), "refuse": {method: "unknown variant"}}
    async with fake_session(tmp_path, script, look_back=True) as bench:
        assert not bench.session.is_resumed
        assert len(bench.received("thread/start")) == 1


async def test_an_agent_that_is_silent_on_it_begins_anew(tmp_path: Path) -> None:
    script: Script = {**left(tmp_path), "silent": ["thread/list"]}
    hurried = CodexSettings(read_timeout_ms=1_000)
    async with fake_session(tmp_path, script, settings=hurried, look_back=True) as bench:
        assert not bench.session.is_resumed


async def test_a_thread_that_cannot_be_resumed_is_replaced(tmp_path: Path) -> None:
    script: Script = {**left(tmp_path), "refuse": {"thread/resume": "it is in use"}}
    async with fake_session(tmp_path, script, look_back=True) as bench:
        assert not bench.session.is_resumed
        assert len(bench.received("thread/start")) == 1


async def test_nobody_is_asked_where_nothing_can_have_been_left(tmp_path: Path) -> None:
    async with fake_session(tmp_path, left(tmp_path)) as bench:
        assert bench.received("thread/list") == []
        assert not bench.session.is_resumed

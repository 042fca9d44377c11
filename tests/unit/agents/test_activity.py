"""Notifications in plain words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony.agents.activity import MAX_MESSAGE_CHARACTERS, describe, is_stream
from symphony.domain.json import JsonObject
from symphony.domain.run import AgentActivity


def words(method: str, params: JsonObject) -> str:
    activity = describe(method, params)
    assert activity is not None
    return activity.message


@pytest.mark.parametrize(
    ("method", "item", "text"),
    [
        ("item/started", {"type": "commandExecution", "command": "make test"}, "runs: make test"),
        (
            "item/completed",
            {"type": "commandExecution", "command": "make test", "exitCode": 2, "status": "failed"},
            "ran: make test (exit 2)",
        ),
        ("item/completed", {"type": "agentMessage", "text": "All\ndone."}, "said: All done."),
        (
            "item/started",
            {"type": "dynamicToolCall", "tool": "issue_update"},
            "calls: issue_update",
        ),
        (
            "item/completed",
            {"type": "dynamicToolCall", "tool": "issue_update", "status": "failed"},
            "called: issue_update (failed)",
        ),
        (
            "item/completed",
            {"type": "fileChange", "changes": [{"path": "a.py"}, {"path": "b.py"}]},
            "changed files: a.py, b.py",
        ),
        ("item/started", {"type": "somethingNew"}, "began somethingNew"),
        ("item/completed", {"type": "userMessage", "text": "secret prompt"}, "received the prompt"),
    ],
)
def test_items_are_told_in_plain_words(method: str, item: JsonObject, text: str) -> None:
    assert words(method, {"item": item}) == text


@pytest.mark.proves("session.protocol.unknown_ignored")
def test_an_unknown_notification_is_an_other_message() -> None:
    activity = describe("codex/event/token_count", {"anything": 1})
    assert activity == AgentActivity(event="other_message", message="codex/event/token_count")


def test_an_agent_that_reconnects_makes_no_progress() -> None:
    error = {"message": "Reconnecting... 1/5"}
    retrying = describe("error", {"error": error, "willRetry": True})
    failed = describe("error", {"error": error, "willRetry": False})
    assert retrying is not None
    assert not retrying.is_progress
    assert retrying.message == "retrying: Reconnecting... 1/5"
    assert failed is not None
    assert failed.is_progress


def test_housekeeping_does_not_hide_what_the_agent_did() -> None:
    for method in ("thread/tokenUsage/updated", "thread/status/changed", "serverRequest/resolved"):
        assert describe(method, {}) is None


def test_streams_are_told_from_news() -> None:
    assert is_stream("item/agentMessage/delta")
    assert is_stream("item/commandExecution/outputDelta")
    assert not is_stream("item/completed")
    assert not is_stream("error")


@given(text=st.text(max_size=600), kind=st.text(max_size=20))
def test_a_message_is_one_short_printable_line_whatever_the_agent_says(
    text: str, kind: str
) -> None:
    for params in ({"item": {"type": kind, "text": text}}, {"message": text}):
        for method in ("item/completed", "warning", kind):
            activity = describe(method, params)
            if activity is not None:
                assert activity.message.isprintable()
                assert len(activity.message) <= MAX_MESSAGE_CHARACTERS

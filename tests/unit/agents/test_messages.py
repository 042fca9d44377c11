"""What is said to the app-server, and what is read from it."""

from __future__ import annotations

import pytest

from symphony.agents import messages
from symphony.agents.errors import MAX_MESSAGE_CHARACTERS, AgentError, Category
from symphony.domain.ids import ThreadId, TurnId
from symphony.domain.json import JsonObject
from symphony.domain.settings import CodexSettings
from symphony.domain.tools import ToolSpec

THREAD = ThreadId("thread-1")
TOOL = ToolSpec(
    name="issue_update",
    description="Change.",
    input_schema={"type": "object"},
    changes_tracker=True,
)


def test_the_client_introduces_itself_and_asks_for_the_experimental_interface() -> None:
    params = messages.initialize_params("1.2.3")
    assert params == {
        "clientInfo": {"name": "symphony", "title": "Symphony", "version": "1.2.3"},
        "capabilities": {"experimentalApi": True},
    }


@pytest.mark.proves("session.start.cwd", "policy.startup.supplied", "policy.default.restricted")
def test_a_thread_starts_in_the_workspace_under_the_default_policy() -> None:
    params = messages.thread_start_params(CodexSettings(), "/w/ABC-1", (), trusted=True)
    assert params["cwd"] == "/w/ABC-1"
    assert params["approvalPolicy"] == "never"
    assert params["sandbox"] == "workspace-write"
    assert "dynamicTools" not in params
    assert "model" not in params


@pytest.mark.proves("policy.startup.supplied")
def test_settings_of_the_user_pass_through_as_they_are_written() -> None:
    policy: JsonObject = {"granular": {"rules": True}}
    settings = CodexSettings(approval_policy=policy, thread_sandbox="something-new", model="gpt-x")
    params = messages.thread_start_params(settings, "/w", (), trusted=True)
    assert params["approvalPolicy"] == policy
    assert params["sandbox"] == "something-new"
    assert params["model"] == "gpt-x"


@pytest.mark.proves("tool.advertise.form")
def test_tools_are_advertised_as_functions() -> None:
    params = messages.thread_start_params(CodexSettings(), "/w", (TOOL,), trusted=True)
    assert params["dynamicTools"] == [
        {
            "type": "function",
            "name": "issue_update",
            "description": "Change.",
            "inputSchema": {"type": "object"},
        }
    ]


def test_the_workspace_is_never_added_to_the_operators_trusted_projects() -> None:
    for trusted, level in ((True, "trusted"), (False, "untrusted")):
        config = messages.config_overrides("codex app-server", "/w", trusted=trusted)
        assert config["projects"] == {"/w": {"trust_level": level}}


def test_plugins_and_endless_reconnects_are_off_unless_the_command_mentions_them() -> None:
    config = messages.config_overrides("codex app-server", "/w", trusted=True)
    assert config["features.plugins"] is False
    assert config["features.unbounded_connection_retries"] is False
    chosen = messages.config_overrides("codex --enable plugins app-server", "/w", trusted=True)
    assert "features.plugins" not in chosen
    assert chosen["features.unbounded_connection_retries"] is False


def test_a_thread_is_resumed_without_its_history() -> None:
    params = messages.thread_resume_params(THREAD, CodexSettings(), "/w", trusted=True)
    assert params["threadId"] == THREAD
    assert params["excludeTurns"] is True
    assert params["cwd"] == "/w"
    assert "dynamicTools" not in params


@pytest.mark.proves("session.start.title")
def test_the_thread_is_named_after_the_issue_in_one_short_line() -> None:
    named = messages.thread_name_params(THREAD, "ABC-1: Repair\nthe\x1b[31m roof" + "!" * 500)
    name = named["name"]
    assert isinstance(name, str)
    assert name.startswith("ABC-1: Repair the roof!")
    assert len(name) <= messages.MAX_TITLE_CHARACTERS


@pytest.mark.proves("session.start.cwd", "policy.startup.supplied")
def test_a_turn_carries_the_prompt_the_workspace_and_the_policies() -> None:
    sandbox: JsonObject = {"type": "workspaceWrite"}
    params = messages.turn_start_params(THREAD, "Do it.", CodexSettings(), "/w", sandbox)
    assert params == {
        "threadId": THREAD,
        "input": [{"type": "text", "text": "Do it."}],
        "cwd": "/w",
        "approvalPolicy": "never",
        "sandboxPolicy": sandbox,
    }
    without = messages.turn_start_params(THREAD, "Do it.", CodexSettings(), "/w", None)
    assert "sandboxPolicy" not in without


@pytest.mark.parametrize(
    "result", [None, [], "x", {}, {"thread": None}, {"thread": {}}, {"thread": {"id": 5}}]
)
def test_an_answer_without_a_thread_names_none(result: JsonObject) -> None:
    assert messages.read_thread_id(result) is None


@pytest.mark.proves("session.protocol.unknown_ignored")
def test_identities_are_found_among_unknown_members() -> None:
    assert messages.read_thread_id({"thread": {"id": "a", "new": 1}, "more": []}) == "a"
    assert messages.read_turn_id({"turn": {"id": "b", "new": 1}}) == "b"


@pytest.mark.proves("turn.outcome.failed", "turn.outcome.completed")
@pytest.mark.parametrize("status", ["completed", "failed", "interrupted"])
def test_how_a_turn_ended_is_its_status_not_the_name_of_the_method(status: str) -> None:
    params: JsonObject = {"threadId": "a", "turn": {"id": "b", "status": status, "error": None}}
    end = messages.read_turn_end("turn/completed", params)
    assert end == messages.TurnEnd(
        thread_id=ThreadId("a"), turn_id=TurnId("b"), status=status, message=""
    )


def test_a_turn_that_ended_without_a_status_is_not_taken_for_a_good_one() -> None:
    params: JsonObject = {"threadId": "a", "turn": {"id": "b"}}
    end = messages.read_turn_end("turn/completed", params)
    assert end is not None
    assert end.status == "unknown"


def test_the_reason_of_a_failure_is_told_with_kind_and_details() -> None:
    error: JsonObject = {
        "message": "Connection failed",
        "codexErrorInfo": {"httpConnectionFailed": {"httpStatusCode": None}},
        "additionalDetails": "error sending request",
    }
    turn: JsonObject = {"id": "b", "status": "failed", "error": error}
    end = messages.read_turn_end("turn/completed", {"threadId": "a", "turn": turn})
    assert end is not None
    assert end.message == "Connection failed (error sending request) [httpConnectionFailed]"


@pytest.mark.parametrize(
    ("method", "status"), [("turn/failed", "failed"), ("turn/cancelled", "interrupted")]
)
def test_ends_of_older_versions_are_understood(method: str, status: str) -> None:
    params: JsonObject = {"threadId": "a", "turnId": "b", "error": {"message": "x"}}
    end = messages.read_turn_end(method, params)
    assert end is not None
    assert (end.status, end.message, end.turn_id) == (status, "x", "b")


def test_other_notifications_end_no_turn() -> None:
    assert messages.read_turn_end("turn/started", {"turn": {"status": "completed"}}) is None


@pytest.mark.parametrize(
    "params",
    [
        {"summary": "Invalid configuration; using defaults.", "details": "c.toml:1:9: extra `=`"},
        {"summary": "Error parsing rules.", "path": "/home/x/rules", "details": None},
    ],
)
def test_a_configuration_that_was_not_applied_is_recognised(params: JsonObject) -> None:
    text = messages.read_broken_config(params)
    assert text is not None
    assert str(params["summary"]) in text


@pytest.mark.parametrize(
    "summary",
    [
        "Codex could not find bubblewrap on PATH. Codex will use the bundled bubblewrap.",
        "Codex is ignoring 1 unrecognized configuration setting. Check for typos.",
        "Project-local config, hooks, and exec policies are disabled in the following folders",
    ],
)
def test_harmless_configuration_warnings_do_not_stop_a_session(summary: str) -> None:
    assert messages.read_broken_config({"summary": summary, "details": None}) is None


@pytest.mark.proves("log.payload.limited")
@pytest.mark.parametrize("as_object", [True, False])
def test_what_an_agent_says_of_its_error_is_bounded(as_object: bool) -> None:
    page = "<html>\n" * 1_000_000
    told: JsonObject = {"message": page, "codexErrorInfo": page, "additionalDetails": page}
    turn: JsonObject = {"id": "b", "status": page, "error": told if as_object else page}
    end = messages.read_turn_end("turn/completed", {"threadId": "a", "turn": turn})
    assert end is not None
    assert len(end.status) <= messages.MAX_NAME_CHARACTERS
    assert end.message.startswith("<html> <html>")
    assert len(end.message) < 3 * messages.MAX_ERROR_CHARACTERS


@pytest.mark.proves("log.payload.limited")
def test_no_error_of_a_session_is_longer_than_a_log_can_bear() -> None:
    error = AgentError(Category.PORT_EXIT, "x" * 1_000_000)
    assert len(error.message) == MAX_MESSAGE_CHARACTERS
    assert len(str(error)) < 2 * MAX_MESSAGE_CHARACTERS

"""With a desk, a client's mistake is told and hides no other: the session goes on as with Codex."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.agents import session as kinds
from conformance.agents.desk import AgentDesk
from conformance.agents.session import AgentSession
from conformance.agents.steps import agent_script, approve_command, ask_user, gate, turn
from conformance.fakes.json_values import JsonObject, as_object
from tests.support.agent_clients import CLIENT, DEADLINE_S, INITIALIZE, AgentClient
from tests.support.daemon_process import wait_until


def only(desk: AgentDesk) -> AgentSession:
    (session,) = desk.sessions()
    return session


def error_of(message: JsonObject) -> str:
    return str(as_object(message["error"])["message"])


def works_on(client: AgentClient) -> None:
    client.turn("Go.")
    client.until("turn/completed")


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"{nonsense", kinds.MALFORMED),
        (b"", kinds.MALFORMED),
        (b"[]", kinds.MALFORMED),
        (b'{"id": 1.5, "method": "thread/start", "params": {}}', kinds.MALFORMED),
        (b'{"id": null, "method": "thread/start", "params": {}}', kinds.MALFORMED),
        (b'{"method": "initialized"}', kinds.OUT_OF_ORDER),
        (b'{"id": 99, "result": {}}', kinds.WRONG_ANSWER),
    ],
)
def test_a_line_that_does_not_belong_gets_no_answer_and_is_told(
    desk: AgentDesk, tmp_path: Path, line: bytes, kind: str
) -> None:
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        client.write(line)
        works_on(client)
        assert [each.kind for each in only(desk).violations] == [kind]


def test_a_session_without_initialized_works_and_is_told_of_once(
    desk: AgentDesk, tmp_path: Path
) -> None:
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.response(client.request("initialize", INITIALIZE))
        started = client.response(client.request("thread/start", {"cwd": str(client.workspace)}))
        client.thread = str(as_object(as_object(started["result"])["thread"])["id"])
        works_on(client)
        assert [each.kind for each in only(desk).violations] == [kinds.OUT_OF_ORDER]


def test_tools_are_refused_to_those_who_did_not_ask_for_experiments(
    desk: AgentDesk, tmp_path: Path
) -> None:
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.response(client.request("initialize", {"clientInfo": CLIENT}))
        client.send({"method": "initialized"})
        refused = client.response(client.request("thread/start", {"dynamicTools": []}))
        assert error_of(refused) == "thread/start.dynamicTools requires experimentalApi capability"
        assert "result" in client.response(client.request("thread/start", {}))
        assert [each["method"] for each in only(desk).refusals] == ["thread/start"]


def test_an_id_that_is_used_again_is_answered_and_told(desk: AgentDesk, tmp_path: Path) -> None:
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        part: JsonObject = {"type": "text", "text": "Go."}
        for _ in range(2):
            parameters: JsonObject = {"threadId": client.thread, "input": [part]}
            client.send({"id": 77, "method": "turn/start", "params": parameters})
            client.response(77)
            client.until("turn/completed")
        assert [each.kind for each in only(desk).violations] == [kinds.REUSED_ID]


def test_a_wrong_working_directory_is_told(desk: AgentDesk, tmp_path: Path) -> None:
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.response(client.request("initialize", INITIALIZE))
        client.send({"method": "initialized"})
        client.response(client.request("thread/start", {"cwd": str(tmp_path)}))
        assert [each.kind for each in only(desk).violations] == [kinds.ELSEWHERE]


def test_an_answer_that_comes_twice_is_told_apart_from_one_to_nothing(
    desk: AgentDesk, tmp_path: Path
) -> None:
    desk.script(None, agent_script(turn(approve_command(), gate())))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        client.turn("Go.")
        asked = client.until("item/commandExecution/requestApproval")
        client.answer(asked, {"decision": "decline"})
        client.answer(asked, {"decision": "decline"})
        session = only(desk)
        wait_until(lambda: session.violations, "the second answer is told")
        assert [each.kind for each in session.violations] == [kinds.SECOND_ANSWER]
        wait_until(session.at_gate, "the turn goes on")


def test_an_answer_of_the_wrong_shape_is_told_and_the_turn_goes_on(
    desk: AgentDesk, tmp_path: Path
) -> None:
    desk.script(None, agent_script(turn(ask_user())))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        client.turn("Go.")
        client.answer(client.until("item/tool/requestUserInput"), {"text": "Blue."})
        client.until("turn/completed")
        assert [each.kind for each in only(desk).violations] == [kinds.WRONG_ANSWER]


def test_what_the_script_refuses_is_no_fault_of_the_client(desk: AgentDesk, tmp_path: Path) -> None:
    desk.script(None, agent_script(refuse={"turn/start": "no"}))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        refused = client.response(client.request("turn/start", {"threadId": client.thread}))
        assert error_of(refused) == "no"
        assert not only(desk).refusals
        assert only(desk).events("refused")


def test_input_beyond_the_limit_is_refused_as_codex_does(desk: AgentDesk, tmp_path: Path) -> None:
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        part: JsonObject = {"type": "text", "text": "x" * 1_048_577}
        asked = client.request("turn/start", {"threadId": client.thread, "input": [part]})
        assert as_object(client.response(asked)["error"])["code"] == -32602


def test_bytes_that_are_no_text_end_the_agent(desk: AgentDesk, tmp_path: Path) -> None:
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.write(b"\xff\xfe{}")
        client.process.wait(DEADLINE_S)
        wait_until(lambda: not only(desk).alive, "the end is known")
        assert [each.kind for each in only(desk).violations] == [kinds.MALFORMED]


def test_a_strict_script_ends_the_agent_at_the_first_violation(
    desk: AgentDesk, tmp_path: Path
) -> None:
    desk.script(None, agent_script(strict=True))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.write(b"[]")
        assert client.process.wait(DEADLINE_S) == 70

"""The desk sees what agents do, and steers them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from conformance.agents.desk import AgentDesk
from conformance.agents.session import AgentSession
from conformance.agents.steps import (
    TOGETHER,
    agent_script,
    call_tool,
    chatter,
    exit_with,
    fail,
    gate,
    leave_grandchild,
    run,
    say,
    step,
    turn,
    usage,
)
from conformance.fakes.json_values import as_object
from conformance.lab.timeline import Timeline
from tests.support.agent_clients import DEADLINE_S, AgentClient
from tests.support.daemon_process import wait_until

LOST_DESK_EXIT = 71


def only(desk: AgentDesk) -> AgentSession:
    (session,) = desk.sessions()
    return session


def test_a_session_is_seen_from_start_to_end(
    desk: AgentDesk, timeline: Timeline, tmp_path: Path
) -> None:
    with AgentClient(desk.command(), tmp_path / "MT-1", {"CANARY": "kept"}) as client:
        client.begin("issue_update")
        client.turn("Repair the roof.")
        client.until("turn/completed")
        session = only(desk)
        assert session.alive
        assert client.end_input() == 0
        wait_until(lambda: not session.alive, "the desk knows the end")
    assert (session.name, session.number, session.pid) == ("MT-1", 1, client.process.pid)
    assert session.parent_pid == os.getpid()
    assert session.cwd == os.path.realpath(tmp_path / "MT-1")
    assert session.environment["CANARY"] == "kept"
    assert session.argv[-1] == "app-server"
    assert session.prompts() == ["Repair the roof."]
    assert session.tools == ["issue_update"]
    assert session.end_reason == "end of input"
    assert session.ended_at is not None
    assert session.ended_at >= session.started_at
    assert not session.violations
    assert not session.refusals
    kinds = [event.kind for event in timeline.events("agent", subject="MT-1")]
    assert (kinds[0], kinds[-2:]) == ("start", ["end", "gone"])


def test_what_is_sent_is_on_the_timeline_before_it_can_be_read(
    desk: AgentDesk, tmp_path: Path
) -> None:
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        client.turn("Go.")
        while (message := client.read()).get("method") != "turn/completed":
            sent = [each.get("message") for each in only(desk).events("sent")]
            assert message in sent


def test_a_silent_agent_stands_at_its_gate_until_it_is_opened(
    desk: AgentDesk, tmp_path: Path
) -> None:
    desk.script("MT-1", agent_script(turn(gate("first"), gate("second"))))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        client.turn("Go.")
        session = only(desk)
        wait_until(lambda: session.at_gate("first"), "the first gate")
        session.open_gate("first")
        wait_until(lambda: session.at_gate("second"), "the second gate")
        assert not session.at_gate("first")
        session.open_gate("second")
        client.until("turn/completed")


def test_a_gate_opens_for_one_passage_also_beforehand(desk: AgentDesk, tmp_path: Path) -> None:
    desk.script(None, agent_script(turn(gate())))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        session = only(desk)
        session.open_gate()
        client.turn("First.")
        client.until("turn/completed")
        client.turn("Second.")
        wait_until(session.at_gate, "the gate of the second turn")


def test_an_interrupt_ends_a_turn_at_its_gate(desk: AgentDesk, tmp_path: Path) -> None:
    desk.script(None, agent_script(turn(gate())))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        client.turn("Go.")
        session = only(desk)
        wait_until(session.at_gate, "the gate")
        client.request("turn/interrupt", {"threadId": client.thread, "turnId": client.current_turn})
        ended = as_object(as_object(client.until("turn/completed")["params"])["turn"])
        assert ended["status"] == "interrupted"
        wait_until(lambda: not session.at_gate(), "the gate is left")
        assert session.events("gate_left")[0]["opened"] is False


def test_steps_can_be_pushed_to_an_agent_at_a_gate(desk: AgentDesk, tmp_path: Path) -> None:
    desk.script("MT-1", agent_script(turn(gate())))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        client.turn("Go.")
        session = only(desk)
        wait_until(session.at_gate, "the gate")
        session.push(usage(70, 7), fail("No more."))
        usage_told = as_object(client.until("thread/tokenUsage/updated")["params"])
        total = as_object(as_object(usage_told["tokenUsage"])["total"])
        assert (total["inputTokens"], total["outputTokens"]) == (70, 7)
        ended = as_object(as_object(client.until("turn/completed")["params"])["turn"])
        assert ended["status"] == "failed"


def test_a_step_pushed_between_turns_is_done_and_may_end_no_turn(
    desk: AgentDesk, tmp_path: Path
) -> None:
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        only(desk).push(fail("Nothing runs."), say("Still here."))
        client.until("item/agentMessage/delta")
        client.turn("Go.")
        client.until("turn/completed")


@pytest.mark.parametrize(
    ("kind", "method"), [("output", "item/agentMessage/delta"), ("reconnect", "error")]
)
def test_an_agent_can_talk_at_a_gate(
    desk: AgentDesk, tmp_path: Path, kind: str, method: str
) -> None:
    talk = step("chatter", name="working", interval_ms=10, kind=kind)
    desk.script(None, agent_script(turn(talk)))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        client.turn("Go.")
        for _ in range(3):
            client.until(method)
        only(desk).open_gate()
        client.until("turn/completed")


def test_noise_at_a_gate_can_be_on_standard_error(desk: AgentDesk, tmp_path: Path) -> None:
    desk.script(None, agent_script(turn(chatter(interval_ms=10, kind="errors"))))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        client.turn("Go.")
        assert client.process.stderr is not None
        assert [client.process.stderr.readline() for _ in range(3)] == [b"ERROR noise\n"] * 3


def test_sessions_of_a_workspace_follow_its_scripts_and_the_last_one_for_ever(
    desk: AgentDesk, tmp_path: Path
) -> None:
    desk.script("MT-1", agent_script(turn(exit_with(3))), agent_script(turn(exit_with(4))))
    codes: list[int] = []
    for _ in range(3):
        with AgentClient(desk.command(), tmp_path / "MT-1") as client:
            client.begin()
            client.request(
                "turn/start",
                {"threadId": client.thread, "input": [{"type": "text", "text": "Go."}]},
            )
            codes.append(client.process.wait(DEADLINE_S))
    assert codes == [3, 4, 4]
    assert [session.number for session in desk.sessions("MT-1")] == [1, 2, 3]
    wait_until(lambda: not desk.alive("MT-1"), "all have ended")


def test_a_tool_and_a_command_leave_their_outcome(desk: AgentDesk, tmp_path: Path) -> None:
    desk.script(None, agent_script(turn(call_tool("look", {"at": 1}), run("printf seen"))))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin("look")
        client.turn("Go.")
        call = client.until("item/tool/call")
        text = {"type": "inputText", "text": "done"}
        client.answer(call, {"contentItems": [text], "success": True})
        client.until("turn/completed")
        (answer,) = only(desk).answers("item/tool/call")
        assert answer["id"] == call["id"] == 0
        assert as_object(answer["result"])["success"] is True
        assert only(desk).events("ran")[0]["output"] == "seen"


def test_a_killed_agent_is_known_to_be_gone(desk: AgentDesk, tmp_path: Path) -> None:
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        client.process.send_signal(signal.SIGKILL)
        wait_until(lambda: not only(desk).alive, "the desk knows the end")
        assert only(desk).end_reason == ""
        only(desk).open_gate()


def test_the_terminal_signal_ends_an_agent_unless_its_script_says_otherwise(
    desk: AgentDesk, tmp_path: Path
) -> None:
    desk.script("MT-2", agent_script(ignore_term=True))
    with AgentClient(desk.command(), tmp_path / "MT-1") as obedient:
        obedient.begin()
        obedient.process.terminate()
        assert obedient.process.wait(DEADLINE_S) == 0
    with AgentClient(desk.command(), tmp_path / "MT-2") as stubborn:
        stubborn.begin()
        stubborn.process.terminate()
        stubborn.turn("Go on.")
        stubborn.until("turn/completed")
    wait_until(lambda: desk.sessions("MT-1")[0].end_reason == "SIGTERM", "the reason is told")


@pytest.mark.parametrize("apart", [True, False])
def test_a_child_is_known_by_its_pid_and_may_be_in_the_group_of_the_agent(
    desk: AgentDesk, tmp_path: Path, apart: bool
) -> None:
    desk.script(None, agent_script(turn(leave_grandchild(own_session=apart))))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        client.turn("Go.")
        client.until("turn/completed")
        (child,) = only(desk).children
        try:
            same_group = os.getpgid(child) == os.getpgid(client.process.pid)
            assert same_group is not apart
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_whole_turn_can_arrive_in_one_read(desk: AgentDesk, tmp_path: Path) -> None:
    desk.script(None, agent_script(turn(TOGETHER, say())))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        client.until("thread/started")
        part = {"type": "text", "text": "Go."}
        client.request("turn/start", {"threadId": client.thread, "input": [part]})
        assert client.process.stdout is not None
        read = os.read(client.process.stdout.fileno(), 65_536)
    assert read.count(b"\n") > 3
    assert b'"turn/completed"' in read


async def end_with_the_desk(tmp_path: Path) -> int:
    async with AgentDesk(Timeline()) as desk:
        desk.script(None, agent_script(ignore_term=True, ignore_end=True))
        client = AgentClient(desk.command(), tmp_path / "MT-1")
        client.begin()
    assert not desk.alive()
    with client:
        return client.process.wait(DEADLINE_S)


@pytest.mark.anyio
async def test_even_a_stubborn_agent_ends_with_its_desk(tmp_path: Path) -> None:
    assert await end_with_the_desk(tmp_path) == LOST_DESK_EXIT


def test_a_step_that_there_is_not_is_a_defect_of_the_suite(
    timeline: Timeline, tmp_path: Path
) -> None:
    desk = AgentDesk(timeline)
    desk.start()
    desk.script(None, agent_script(turn(step("dance"))))
    with AgentClient(desk.command(), tmp_path / "MT-1") as client:
        client.begin()
        client.turn("Go.")
        wait_until(desk.defects, "the defect is told")
    desk.stop()
    assert "there is no step 'dance'" in desk.defects()[0]

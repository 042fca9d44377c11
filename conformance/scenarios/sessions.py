"""The session of an agent: how it is reported, and a stream that is legal but not tidy."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from conformance.agents.session import AgentSession
from conformance.agents.steps import (
    END_FIRST,
    TOGETHER,
    Script,
    agent_script,
    call_tool,
    complete_on_errors,
    config_warning,
    flood_errors,
    foreign_end,
    gate,
    long_line,
    notify,
    raw,
    raw_bytes,
    say,
    split,
    subagent,
    turn,
    usage,
)
from conformance.fakes.json_values import JsonObject
from conformance.lab.boards import Handle
from conformance.lab.judging import Judge
from conformance.lab.lab import Lab
from conformance.scenario import scenario
from conformance.scenarios.progress import (
    FAILURES_WAIT,
    counts_as_success,
    lines_with,
    thread_id,
    turn_ids,
    until_logged,
)

THREAD: Final = "thread-of-this-very-session"
NO_TOOL: Final = "no_such_tool"
SPLIT_ID: Final = "split-ü"
"""A letter that does not survive its own division shows in the id of the answer."""
UTC_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,\d]*\s?(Z|\+00:?00|UTC)")
TWO_TURNS: Final = turn(gate("last"))


@scenario(
    "A session is reported under the ids that the agent gave to its thread and turn",
    checks=("session.identity.composed", "session.event.started", "session.event.shape"),
)
async def session_is_reported(lab: Lab) -> None:
    issue = lab.tracker.put("ENG-1", title="Mend the bridge")
    lab.script(issue, agent_script(turn(say(), gate()), TWO_TURNS, thread_id=THREAD))
    lab.workflow(agent={"max_turns": 2})
    await lab.start()
    session = await lab.at_gate(issue)

    def names() -> list[str]:
        return [f"{THREAD}-{each}" for each in turn_ids(session)]

    with lab.judging("session.event.started"):
        await lab.until(
            lambda: lines_with(lab, names()[0]),
            "the start is reported with the id of thread, a hyphen and the id of the turn",
            seen=lambda: [each.text for each in lines_with(lab, issue.identifier)],
        )
    with lab.judging("session.event.shape") as judge:
        started = lines_with(lab, "session_started")
        judge.holds(started, expected="the event session_started is reported")
        line = started[0].text
        judge.holds(UTC_TIME.search(line), expected="it has a UTC time", seen=line)
        pids = {str(session.pid), str(session.parent_pid)}
        judge.holds(
            pids & set(re.findall(r"\d+", line)), expected="it has the process id", seen=line
        )

    with lab.judging("session.identity.composed") as judge:
        told = {each.values["session_id"] for each in lab.log() if "session_id" in each.values}
        judge.equal(told or set(names()), set(names()), "the session ids during turn 1")
        session.open_gate()
        await lab.until(lambda: len(names()) == 2 or lab.sessions(issue)[1:], "work goes on")
        if session.alive and len(names()) == 2:
            await lab.polls()
            mark = lab.timeline.last
            lab.tracker.set_state(issue.name, "Human Review")
            await lab.ended(session)
            await lab.polls()
            late = _session_ids(lab, mark)
            judge.equal(late or {names()[1]}, {names()[1]}, "the session ids during turn 2")


def _session_ids(lab: Lab, mark: int) -> set[str]:
    """Those in what was printed after this event."""
    printed = [each.text for each in lab.timeline.events("output", after=mark)]
    return {
        found for each in printed for found in re.findall(r'session_id"?[=:]\s*"?([\w-]+)', each)
    }


@scenario(
    "Messages count however they are cut and mixed, and nothing else counts as a message",
    checks=(
        "session.rpc.same_read",
        "session.rpc.split_read",
        "session.rpc.interleaved",
        "session.rpc.malformed",
        "session.stderr.separate",
        "session.stderr.drained",
        "session.protocol.unknown_ignored",
        "turn.outcome.foreign",
        "launch.line.limit",
    ),
)
async def messy_streams(lab: Lab) -> None:
    issues = {
        name: lab.tracker.put(f"ENG-{number}", title=name)
        for number, name in enumerate(_SCRIPTS, start=1)
    }
    for name, script in _SCRIPTS.items():
        lab.script(issues[name], script)
    lab.workflow(agent={"max_turns": 2, "max_concurrent_agents": 20, **FAILURES_WAIT})
    await lab.start()
    for issue in issues.values():
        await lab.session(issue)

    with lab.judging("session.rpc.same_read") as judge:
        await counts_as_success(lab, issues["together"], "a turn that comes in one piece")
        await _judge_together(lab, judge, issues["pushed"])
    with lab.judging("session.rpc.split_read") as judge:
        await counts_as_success(lab, issues["split"], "a turn with a message byte by byte")
        await _judge_split(lab, judge, issues["pushed"])
    with lab.judging("session.rpc.interleaved") as judge:
        await counts_as_success(lab, issues["early"], "a turn that ends before its response")
        asking = await lab.at_gate(issues["asking"])
        judge.equal(len(asking.answers("item/tool/call")), 1, "the answers to an early request")
    with lab.judging("session.rpc.malformed"):
        await counts_as_success(lab, issues["malformed"], "a turn with lines that are no messages")
        await until_logged(lab, r"malformed|not? (valid )?json|invalid|pars|decod")
    with lab.judging("session.stderr.drained"):
        await counts_as_success(lab, issues["flood"], "a turn with 4 MB of standard error")
    with lab.judging("session.protocol.unknown_ignored"):
        await counts_as_success(lab, issues["unknown"], "a turn with unknown notifications")
    with lab.judging("launch.line.limit"):
        await counts_as_success(lab, issues["long"], "a turn with a line of 9 MB")
    with lab.judging("session.stderr.separate") as judge:
        await _judge_still_in_turn(lab, judge, issues["errors"])
    with lab.judging("turn.outcome.foreign") as judge:
        await _judge_still_in_turn(lab, judge, issues["foreign"])


_SCRIPTS: Final[Mapping[str, Script]] = {
    "together": agent_script(turn(TOGETHER, say("One"), usage(10, 1), say("Two")), TWO_TURNS),
    "split": agent_script(turn(split(), split("Grüße")), TWO_TURNS),
    "pushed": agent_script(turn(gate())),
    "early": agent_script(turn(END_FIRST), TWO_TURNS),
    "asking": agent_script(turn(gate()), before_thread=[call_tool(NO_TOOL, {})]),
    "malformed": agent_script(
        turn(
            raw("this is no JSON\n"),
            raw('{"method": "turn/completed", "params":\n'),
            raw("42\n[]\n\n"),
            raw_bytes(b"\xff\xfe\xfd\n"),
            say(),
        ),
        TWO_TURNS,
    ),
    "flood": agent_script(turn(flood_errors(4_000_000), say()), TWO_TURNS),
    "unknown": agent_script(
        turn(
            notify("thread/weather/changed", {"sky": {"clouds": [1, 2]}}),
            notify("item/started", {"item": {"type": "dream", "id": "d1"}, "depth": 7}),
            config_warning(),
            say(),
        ),
        TWO_TURNS,
    ),
    "long": agent_script(turn(long_line(9_000_000), say()), TWO_TURNS),
    "errors": agent_script(turn(complete_on_errors(), gate()), TWO_TURNS),
    "foreign": agent_script(
        turn(
            subagent(),
            subagent(status="failed"),
            foreign_end(thread="other"),
            foreign_end(thread="other", status="failed"),
            gate(),
        ),
        TWO_TURNS,
    ),
}


async def _judge_still_in_turn(lab: Lab, judge: Judge, issue: Handle) -> None:
    """The turn is not over before its own end, and a success after it."""
    session = await lab.at_gate(issue)
    await lab.never(
        lambda: not session.at_gate() or len(session.turns) > 1 or len(lab.sessions(issue)) > 1,
        "the turn goes on until its own end",
    )
    session.open_gate()
    await counts_as_success(lab, issue, "the turn with its own end")
    judge.equal(len(lab.sessions(issue)), 1, "the sessions of the issue")


async def _judge_together(lab: Lab, judge: Judge, issue: Handle) -> None:
    session = await lab.at_gate(issue)
    both = _tool_call(session, "both-1") + _tool_call(session, "both-2")
    session.push(raw(both))
    for name in ("both-1", "both-2"):
        await lab.until(
            lambda name=name: _answers(session, name), f"the request {name} is answered"
        )
    judge.equal(len(_answers(session, "both-1")), 1, "the answers to one of the two requests")


async def _judge_split(lab: Lab, judge: Judge, issue: Handle) -> None:
    session = await lab.at_gate(issue)
    whole = _tool_call(session, SPLIT_ID).encode()
    within_a_letter = whole.index("ü".encode()) + 1
    for piece in (whole[:20], whole[20:within_a_letter], whole[within_a_letter:]):
        session.push(raw_bytes(piece))
        # It has had the time to read this piece by itself.
        await lab.polls(1)
    await lab.until(lambda: _answers(session, SPLIT_ID), "the request in pieces is answered")
    judge.equal(len(_answers(session, SPLIT_ID)), 1, "the answers to the request in pieces")


def _tool_call(session: AgentSession, request_id: str) -> str:
    parameters: JsonObject = {
        "threadId": thread_id(session),
        "turnId": turn_ids(session)[-1],
        "callId": f"call-{request_id}",
        "namespace": None,
        "tool": NO_TOOL,
        "arguments": {"greeting": "Grüße"},
    }
    message: JsonObject = {"method": "item/tool/call", "id": request_id, "params": parameters}
    return json.dumps(message, ensure_ascii=False) + "\n"


def _answers(session: AgentSession, request_id: str) -> list[JsonObject]:
    """These requests are unknown to the agent, which wrote them as mere bytes."""
    messages = session.messages()
    return [each for each in messages if each.get("id") == request_id and "method" not in each]

"""Agents that will not end, that leave others behind, or that say far too much at once."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Sequence

from conformance.agents.session import AgentSession
from conformance.agents.steps import (
    WORKS,
    agent_script,
    exit_with,
    fail,
    gate,
    leave_grandchild,
    long_line,
    say,
    turn,
)
from conformance.lab.lab import Lab
from conformance.scenario import scenario
from conformance.scenarios.progress import ATTEMPT_PROMPT, until_logged

BOUNDED_S = 20.0
"""For an agent that heeds neither the end of its input nor SIGTERM."""
TOO_LONG = 12_000_000


@scenario(
    "Agents that will not end are ended, and what they leave behind holds nothing up",
    checks=(
        "run.end.process_stopped",
        "run.end.tree",
        "run.end.held_pipe",
        "launch.line.limit",
        "session.error.categories",
    ),
)
async def hostile_agents(lab: Lab) -> None:
    stubborn = lab.tracker.put("ENG-1", title="Will not end when it is stopped")
    finished = lab.tracker.put("ENG-2", title="Will not end when its worker ends")
    holding = lab.tracker.put("ENG-3", title="Leaves a child that holds its output")
    wordy = lab.tracker.put("ENG-4", title="Sends a line beyond all bounds")
    refusing = lab.tracker.put("ENG-5", title="Refuses to start a thread")
    failing = lab.tracker.put("ENG-6", title="Fails its turn")
    deaf = {"ignore_end": True, "ignore_term": True}
    lab.script(stubborn, agent_script(turn(leave_grandchild(own_session=False), gate()), **deaf))
    lab.script(finished, agent_script(turn(say()), **deaf), WORKS)
    lab.script(holding, agent_script(turn(leave_grandchild(), exit_with(1))), WORKS)
    lab.script(wordy, agent_script(turn(long_line(TOO_LONG), gate())), WORKS)
    lab.script(refusing, agent_script(refuse={"thread/start": "not today"}), WORKS)
    lab.script(failing, agent_script(turn(fail())), WORKS)
    lab.workflow(ATTEMPT_PROMPT, agent={"max_turns": 1})
    await lab.start()
    session = await lab.at_gate(stubborn)
    left = await lab.until(lambda: session.children, "a child of the agent")
    lab.tracker.set_state(stubborn.name, "Done")

    with lab.judging("run.end.held_pipe") as judge:
        retry = await lab.at_gate(holding, 2, within=BOUNDED_S)
        judge.contains(retry.prompts()[0], "Attempt 1 ", "the prompt after an exit with 1")
    with lab.judging("launch.line.limit") as judge:
        retry = await lab.at_gate(wordy, 2)
        judge.contains(retry.prompts()[0], "Attempt 1 ", "the prompt after a line of 12 MB")
    with lab.judging("session.error.categories"):
        for issue in (refusing, failing):
            await lab.at_gate(issue, 2)
        for name in ("response_error", "turn_failed", "port_exit"):
            await until_logged(lab, name)
    with lab.judging("run.end.process_stopped"):
        await lab.ended(lab.sessions(finished)[0], within=BOUNDED_S)
        await lab.ended(session, within=BOUNDED_S)
    with lab.judging("run.end.tree"):
        await lab.until(
            lambda: not any(_is_there(pid) for pid in left),
            "what the agent started in its process group ends with it",
            seen=lambda: [pid for pid in left if _is_there(pid)],
        )
    _clear_away(lab.sessions(holding))


def _is_there(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def _clear_away(sessions: Sequence[AgentSession]) -> None:
    """What leaves the agent's group on purpose is nobody's fault."""
    for pid in [pid for each in sessions for pid in each.children]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

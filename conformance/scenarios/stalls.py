"""What becomes of a run whose agent has fallen silent."""

from __future__ import annotations

import time
from typing import Final

from conformance.agents.session import AgentSession
from conformance.agents.steps import WORKS, agent_script, chatter, gate, turn
from conformance.lab.boards import Handle
from conformance.lab.lab import Lab
from conformance.lab.settings import poll_interval_ms
from conformance.lab.waiting import PATIENCE_S
from conformance.scenario import scenario
from conformance.scenarios.moments import last_sent_at, most_at_once

PROMPT: Final = "{% if attempt %}Attempt {{ attempt }}{% else %}A fresh start{% endif %}"
STALL_S: Final = 1.5
"""Many times the pause between two messages of an agent that talks; times `scale`, since an agent
that comes up has to be quicker, too."""
CAP_S: Final = 2.0
"""Of the backoff: several polls."""
END_S: Final = 1.0
"""From the verdict that an agent is silent to its end."""
LATE_S: Final = 3.0
"""To end a process, or to start one."""
TALKS_THEN_STANDS: Final = agent_script(turn(chatter("talking"), gate("silent")))


@scenario(
    "A silent agent is ended in time and its issue tried again, a talking one goes on",
    checks=(
        "stall.clock.origin",
        "stall.detect.within_tick",
        "stall.action.retry",
        "claim.stall.holds",
        "claim.issue.single_run",
        "tick.read.slow",
    ),
)
async def stalls(lab: Lab) -> None:
    mute = lab.tracker.put("ENG-1")
    talking = lab.tracker.put("ENG-2")
    noisy = lab.tracker.put("ENG-3")
    lab.script(mute, agent_script(turn(), silent=["initialize"]), TALKS_THEN_STANDS)
    lab.script(talking, TALKS_THEN_STANDS)
    lab.script(noisy, agent_script(turn(chatter("noise", kind="errors"))), TALKS_THEN_STANDS)
    stall_s = STALL_S * lab.scale
    lab.workflow(
        PROMPT,
        agent={"max_retry_backoff_ms": int(CAP_S * 1000)},
        codex={"stall_timeout_ms": int(stall_s * 1000)},
    )
    await lab.start()
    session = await lab.at_gate(talking, gate="talking")

    # One never said a word: its clock runs from the start of the run.
    silent = await lab.session(mute)
    with lab.judging("stall.clock.origin") as judge:
        await lab.ended(silent, within=PATIENCE_S + stall_s)
        lasted = (silent.ended_at or 0) - lab.tracker.polls()[0].at
        judge.at_least(lasted, stall_s, "the end of an agent that never says a word")
        # Lines on standard error are no events of the agent.
        await lab.ended(await lab.session(noisy), within=PATIENCE_S + stall_s)
        await lab.until(
            lambda: time.monotonic() > session.started_at + 2 * stall_s,
            "the other has talked on",
            within=PATIENCE_S + 2 * stall_s,
        )
        judge.holds(
            session.alive and len(lab.sessions(talking)) == 1,
            expected="an agent that talks is left alone, however long it takes",
            seen=f"it ended: {session.end_reason or 'killed'}",
        )

    await _falls_silent(lab, talking, session, stall_s)
    with lab.judging("stall.action.retry") as judge:
        for issue in (mute, talking):
            later = await lab.at_gate(issue, 2, gate="talking", within=PATIENCE_S + stall_s)
            judge.equal(later.prompts()[0], "Attempt 1", "the prompt after a stall")
    with lab.judging("claim.stall.holds") as judge:
        # It was queued before the process was gone; by how much is nobody's business here.
        for issue in (mute, talking):
            first, later = await lab.session(issue), await lab.session(issue, 2)
            waited = later.started_at - (first.ended_at or 0)
            judge.at_least(waited, CAP_S - END_S, "the next agent after a stall")

    await _tracker_hangs(lab, await lab.at_gate(talking, 2, gate="talking"), stall_s)
    with lab.judging("claim.issue.single_run") as judge:
        for issue in (mute, talking):
            most = most_at_once(lab.sessions(issue), scale=lab.scale)
            judge.holds(
                most <= 1, expected=f"one agent of {issue.identifier} at a time", seen=f"{most}"
            )


async def _falls_silent(lab: Lab, issue: Handle, session: AgentSession, stall_s: float) -> None:
    """It has talked for longer than the timeout; its clock runs from its last message."""
    session.open_gate("talking")
    with lab.judging("stall.detect.within_tick") as judge:
        await lab.ended(session, within=PATIENCE_S + stall_s)
        silence = (session.ended_at or 0) - last_sent_at(lab, session)
        judge.at_least(silence, stall_s, f"the end of the agent of {issue.identifier}")
        bound = stall_s + poll_interval_ms(lab.manifest) / 1000 + LATE_S
        judge.within(silence, bound, f"the end of the agent of {issue.identifier}")


async def _tracker_hangs(lab: Lab, session: AgentSession, stall_s: float) -> None:
    """It falls silent while a read of the tracker gets no answer."""
    mark = lab.timeline.last
    lab.tracker.fault("silence", times=None)
    await lab.until(
        lambda: lab.timeline.events("tracker", "fault", after=mark), "a read that gets no answer"
    )
    session.open_gate("talking")
    with lab.judging("tick.read.slow") as judge:
        await lab.ended(session, within=PATIENCE_S + stall_s)
        silence = (session.ended_at or 0) - last_sent_at(lab, session)
        bound = stall_s + poll_interval_ms(lab.manifest) / 1000 + LATE_S
        judge.within(silence, bound, "the end of a silent agent while the tracker hangs")
    lab.tracker.clear_faults()


@scenario(
    "Without a stall timeout a silent agent is left alone",
    checks=("stall.detect.disabled",),
)
async def no_stall_timeout(lab: Lab) -> None:
    issue = lab.tracker.put("ENG-1")
    lab.script(issue, WORKS)
    lab.workflow(codex={"stall_timeout_ms": 0})
    await lab.start()
    session = await lab.session(issue)
    with lab.judging("stall.detect.disabled"):
        await lab.at_gate(issue)
        await lab.never(lambda: not session.alive, "it goes on where the timeout is 0", polls=4)
        await lab.reload(codex={"stall_timeout_ms": -1})
        await lab.never(lambda: not session.alive, "it goes on where the timeout is -1", polls=4)

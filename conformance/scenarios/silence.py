"""Agents that keep silent, and those that only seem to."""

from __future__ import annotations

from itertools import pairwise

from conformance.agents.session import AgentSession
from conformance.agents.steps import WORKS, agent_script, chatter, turn
from conformance.lab.boards import Handle
from conformance.lab.judging import Judge
from conformance.lab.lab import Lab
from conformance.lab.waiting import PATIENCE_S
from conformance.scenario import Lane, scenario
from conformance.scenarios.progress import ATTEMPT_PROMPT

READ_S = 3.0
TURN_S = 2.0
"""Both times `scale`: an agent that comes up has to be quicker, too."""
LONG_TALK = 2.5
"""Times what a turn may be silent: longer than it; shorter than thrice, so that retries do not blur
it."""
REQUESTS = ("initialize", "thread/start", "turn/start")


@scenario(
    "Silence ends a start-up or a turn after its time, and output keeps a long turn alive",
    checks=(
        "session.timeout.read",
        "turn.timeout.silence",
        "turn.timeout.not_total",
        "turn.timeout.stderr",
        "turn.timeout.reconnects",
        "hook.after_run.each",
    ),
    lane=Lane.REAL_TIME,
)
async def silent_agents(lab: Lab) -> None:
    talking = lab.tracker.put("ENG-1", title="Talks on and on", priority=1)
    silent = lab.tracker.put("ENG-2", title="Says nothing in its turn", priority=1)
    noisy = lab.tracker.put("ENG-3", title="Talks on standard error", priority=1)
    waiting = lab.tracker.put("ENG-4", title="Reconnects again and again", priority=1)
    unanswered = {
        method: lab.tracker.put(f"ENG-{number}", title=f"Never answers {method}", priority=2)
        for number, method in enumerate(REQUESTS, start=5)
    }
    lab.script(talking, agent_script(turn(chatter(interval_ms=100))))
    lab.script(silent, WORKS)
    lab.script(noisy, agent_script(turn(chatter(interval_ms=100, kind="errors"))))
    lab.script(waiting, agent_script(turn(chatter(interval_ms=100, kind="reconnect"))))
    for method, issue in unanswered.items():
        lab.script(issue, agent_script(silent=[method]), WORKS)
    trace = lab.files.trace("after_run")
    read_s, turn_s = READ_S * lab.scale, TURN_S * lab.scale
    lab.workflow(
        ATTEMPT_PROMPT,
        codex={"read_timeout_ms": int(read_s * 1000), "turn_timeout_ms": int(turn_s * 1000)},
        hooks={"after_run": trace.hook("after_run")},
    )
    await lab.start()

    talks = await lab.at_gate(talking)
    with lab.judging("session.timeout.read") as judge:
        for method, issue in unanswered.items():
            await _judge_unanswered(lab, judge, method, issue, read_s)
    quiet = await lab.session(silent)
    with lab.judging("turn.timeout.silence") as judge:
        await lab.ended(quiet, within=PATIENCE_S + turn_s)
        _judge_patience(lab, judge, quiet, "turn/start", turn_s)
        judge.contains(await _retried(lab, silent), "Attempt 1 ", "the prompt after a silent turn")
    with lab.judging("hook.after_run.each") as judge:
        # An attempt that another one follows is over. Where none ever times out, that is no fault
        # of the hook's, and neither is the directory that it runs in.
        sessions = [lab.sessions(each) for each in (silent, *unanswered.values())]
        over = sum(max(len(each) - 1, 0) for each in sessions)
        count = len(trace.lines())
        judge.holds(
            count >= over,
            expected=f"after_run ran after each of {over} attempts that timed out",
            seen=f"{count} times",
        )
    await _judge_talk(lab, talks, turn_s)
    for name, issue in (("turn.timeout.stderr", noisy), ("turn.timeout.reconnects", waiting)):
        with lab.judging(name) as judge:
            goes_on = len(lab.sessions(issue)) == 1
            judge.info("it restarts the clock" if goes_on else "it does not restart the clock")


async def _judge_unanswered(
    lab: Lab, judge: Judge, method: str, issue: Handle, read_s: float
) -> None:
    session = await lab.session(issue)
    await lab.ended(session, within=PATIENCE_S + read_s)
    # How long `initialize` waited cannot be told: it may be sent before the agent has come up.
    if method != "initialize":
        _judge_patience(lab, judge, session, method, read_s)
    prompt = await _retried(lab, issue)
    judge.contains(prompt, "Attempt 1 ", f"the prompt after an unanswered {method}")


async def _retried(lab: Lab, issue: Handle) -> str:
    """The prompt of the second session, which may be over by now: it is silent too."""
    second = await lab.session(issue, 2)
    return await lab.until(
        lambda: "".join(second.prompts()[:1]), f"a prompt of the retry of {issue.identifier}"
    )


async def _judge_talk(lab: Lab, session: AgentSession, turn_s: float) -> None:
    long_s = LONG_TALK * turn_s
    with lab.judging("turn.timeout.not_total") as judge:
        await lab.until(
            lambda: _talked_for(lab, session) > long_s or not session.alive,
            f"a turn that talks goes on for {long_s:g} s",
            within=PATIENCE_S + long_s,
        )
        said = _said(lab, session)
        longest = max((later - earlier for earlier, later in pairwise(said)), default=0.0)
        if not session.alive and longest > turn_s / 2:
            # A machine that held the agent up for so long proves nothing against anybody.
            judge.within(longest, turn_s / 2, "the agent speaks again")
        else:
            judge.holds(session.alive, expected="a turn that talks goes on", seen="it was ended")


def _said(lab: Lab, session: AgentSession) -> list[float]:
    """When it sent something, until it was told to stop."""
    told: list[float] = []
    for each in lab.timeline.events("agent", subject=session.name):
        if each.data["pid"] != session.pid:
            continue
        if each.kind == "received" and "turn/interrupt" in each.text:
            break
        if each.kind == "sent":
            told.append(each.at)
    return told


def _talked_for(lab: Lab, session: AgentSession) -> float:
    said = _said(lab, session)
    return said[-1] - said[0] if said else 0.0


def _judge_patience(
    lab: Lab, judge: Judge, session: AgentSession, method: str, limit_s: float
) -> None:
    """It lived so long after the output that let the request of this name be sent. Whether later
    output, such as an answer to the request, restarts a clock is another question."""
    asked = [
        each.at
        for each in lab.timeline.events("agent", "received", subject=session.name)
        if each.data["pid"] == session.pid and f"received {method} " in each.text
    ]
    said = [each for each in _said(lab, session) if asked and each < asked[0]]
    if not said:
        # An agent that came up too late has failed in a request before this one.
        judge.undecided(f"the agent is asked {method}", "its session ended before")
        return
    waited = (session.ended_at or 0.0) - said[-1]
    judge.at_least(waited, limit_s, f"silence after {method} ends the attempt")

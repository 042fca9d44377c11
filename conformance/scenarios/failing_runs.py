"""Whatever makes an attempt fail, the issue is tried again."""

from __future__ import annotations

import re
import shlex
import time
from typing import Final

from conformance.agents.steps import (
    agent_script,
    chatter,
    crash_mid_line,
    exit_with,
    fail,
    gate,
    interrupted,
    turn,
)
from conformance.lab.boards import Handle, only_for
from conformance.lab.lab import Lab
from conformance.lab.waiting import PATIENCE_S
from conformance.scenario import scenario
from conformance.scenarios.moments import last_sent_at, most_at_once

PROMPT: Final = "{% if attempt %}Attempt {{ attempt }}{% else %}A fresh start{% endif %}"
CAP_S: Final = 2.0
"""Of the backoff, which tells a failure from a clean end, after which 1 s passes."""
READ_S: Final = 2.5
"""Until an agent that does not answer has failed to start; it may start on a busy machine."""
SILENCE_S: Final = 4.0
"""Until an agent that says nothing is taken for stalled."""
MARGIN_S: Final = 1.0
TALKS: Final = agent_script(turn(chatter()))
WORDS: Final = {
    "success": r"success|succe(ss|eded)|complet|normal|finish|ended_well",
    "failure": r"fail|error|crash",
    "timeout": r"time[ds_ -]*out",
    "stall": r"stall",
    "cancellation": r"cancel|inactive|not[ _]active|reconcil|no longer",
}
"""What names how a run ended, in the words of any log."""


@scenario(
    "Every kind of failure is tried again, and the log tells kinds of ends apart",
    checks=(
        "run.error.retried",
        "run.refresh.failed",
        "run.reason.distinct",
        "run.events.stale",
        "claim.issue.single_run",
    ),
)
async def failing_runs(lab: Lab) -> None:
    failing, cut, leaving, crashing, mute, silent, hooked, cancelled, ending, unread = (
        lab.tracker.put(f"ENG-{number}") for number in range(1, 11)
    )
    lab.script(failing, agent_script(turn(fail())), TALKS)
    lab.script(cut, agent_script(turn(interrupted())), TALKS)
    lab.script(leaving, agent_script(turn(exit_with(0))), TALKS)
    lab.script(crashing, agent_script(turn(crash_mid_line())), TALKS)
    lab.script(mute, agent_script(turn(), silent=["initialize"]), TALKS)
    lab.script(silent, agent_script(turn(gate())), TALKS)
    lab.script(ending, agent_script(turn()), TALKS)
    lab.script(None, TALKS)
    failures = lab.files.trace("failures")
    broken = lab.files.root.with_name("broken-once")
    hook = f"if [ ! -e {shlex.quote(str(broken))} ]; then {failures.hook('$PWD')}; exit 1; fi"
    scale = lab.scale
    lab.workflow(
        PROMPT,
        agent={"max_retry_backoff_ms": int(CAP_S * 1000), "max_turns": 2},
        hooks={"before_run": only_for({hooked: hook})},
        codex={
            "read_timeout_ms": int(READ_S * scale * 1000),
            "stall_timeout_ms": int(SILENCE_S * scale * 1000),
        },
    )
    await lab.start()
    await lab.at_gate(cancelled)
    lab.tracker.set_state(cancelled.name, "Human Review")

    retried = (failing, cut, leaving, crashing, mute, silent)
    with lab.judging("run.error.retried") as judge:
        for issue in retried:
            session = await lab.at_gate(issue, 2, within=PATIENCE_S + SILENCE_S * scale)
            judge.equal(session.prompts()[0], "Attempt 1", f"the prompt of {issue.identifier}")
        await lab.until(failures.lines, "the hook fails")
        broken.touch()
        session = await lab.at_gate(hooked)
        prompt = f"Attempt {len(failures.lines())}"
        judge.equal(session.prompts()[0], prompt, f"the prompt of {hooked.identifier}")
    await lab.at_gate(ending, 2)

    with lab.judging("run.events.stale") as judge:
        latest = max(lab.sessions(each)[-1].started_at for each in retried)
        await lab.until(
            lambda: time.monotonic() > latest + SILENCE_S * scale + MARGIN_S,
            "the time of every clock of the failed attempts has passed",
            within=PATIENCE_S + SILENCE_S * scale,
        )
        for issue in retried:
            later = lab.sessions(issue)
            judge.holds(
                later[-1].alive and len(later) == 2,
                expected=f"the later agent of {issue.identifier}, which talks, is left alone",
                seen=f"{len(later)} sessions",
            )

    await _refresh_fails(lab, unread)
    with lab.judging("run.reason.distinct") as judge:
        ends = {
            "success": ending,
            "failure": failing,
            "timeout": mute,
            "stall": silent,
            "cancellation": cancelled,
        }
        for kind, issue in ends.items():
            lines = [each.text for each in lab.log() if each.has(issue.identifier)]
            judge.holds(
                re.search(WORDS[kind], "\n".join(lines), re.IGNORECASE),
                expected=f"the log of {issue.identifier} tells of a {kind}",
                seen="\n".join(lines[-5:]) or "no line names it",
            )
    with lab.judging("claim.issue.single_run") as judge:
        for issue in (*retried, hooked, ending, unread):
            most = most_at_once(lab.sessions(issue), scale=lab.scale)
            judge.holds(
                most <= 1, expected=f"one agent of {issue.identifier} at a time", seen=f"{most}"
            )


async def _refresh_fails(lab: Lab, issue: Handle) -> None:
    """Its turn is good; then it cannot be read."""
    session = await lab.at_gate(issue)
    lab.tracker.fault("status", only="by_id", times=None)
    session.open_gate()
    with lab.judging("run.refresh.failed") as judge:
        await lab.ended(session)
        lab.tracker.clear_faults()
        judge.equal(len(session.turns), 1, "the turns of the session whose issue cannot be read")
        later = await lab.session(issue, 2)
        waited = later.started_at - last_sent_at(lab, session)
        judge.at_least(waited, CAP_S, "the retry, as after any failure")
    lab.tracker.clear_faults()


@scenario(
    "A prompt that cannot be rendered fails its attempt, and the next one reads the file anew",
    checks=("run.prompt.error", "run.prompt.order"),
)
async def a_prompt_that_fails(lab: Lab) -> None:
    issue = lab.tracker.put("ENG-1")
    lab.script(None, TALKS)
    lab.workflow("Work on {{ nothing.of.this.name }}")
    await lab.start()
    with lab.judging("run.prompt.error"):
        await lab.never(
            lambda: [each for each in lab.sessions() if each.turns],
            "no turn is started without its prompt",
            polls=6,
        )
    with lab.judging("run.prompt.order") as judge:
        judge.info(f"{len(lab.sessions())} sessions were started before their prompt failed")
    await lab.reload(PROMPT)
    with lab.judging("run.prompt.error") as judge:
        prompts = await lab.until(
            lambda: [text for each in lab.sessions(issue) for text in each.prompts()],
            "a turn once the prompt is mended",
        )
        judge.contains(prompts[0], "Attempt ", "the prompt after attempts that failed")

"""What is lost when workspaces or the whole service go away, and what is not."""

from __future__ import annotations

import shutil
from typing import Final

from conformance.agents.steps import (
    WORKS,
    agent_script,
    crash_mid_line,
    exit_with,
    fail,
    gate,
    run,
    turn,
)
from conformance.lab.lab import Lab
from conformance.scenario import scenario
from conformance.scenarios.moments import most_at_once

LONG_MS: Final = 60_000
BACKOFF_S: Final = 10.0
"""What a retry after the first failure waits; after the second it is twice as long."""
SLOW: Final = 1.5
"""A machine that may take most of the first wait to start the service again; see `scale`."""
SOON_S: Final = 5.0
"""From reading the candidates to an agent that runs."""
REFUSAL_S: Final = 10.0
"""Until a second service has to be gone that must not run."""


@scenario(
    "What goes wrong with one issue or workspace hinders neither the service nor other issues",
    checks=("recovery.service.survives", "recovery.workspace.deleted"),
)
async def one_issue_hinders_no_other(lab: Lab) -> None:
    crashing, leaving, deleted, working, blocked = (
        lab.tracker.put(f"ENG-{number}") for number in range(1, 6)
    )
    lab.files.root.mkdir(exist_ok=True)
    (lab.files.root / blocked.identifier).write_text("no directory", encoding="utf-8")
    lab.script(None, WORKS)
    lab.script(crashing, agent_script(turn(crash_mid_line())))
    lab.script(leaving, agent_script(turn(run("chmod 000 . && cd /"), exit_with(3))))
    lab.script(deleted, WORKS)
    lab.workflow(hooks={"after_run": "exit 3"})
    await lab.start()

    working_session = await lab.at_gate(working)
    session = await lab.at_gate(deleted)
    shutil.rmtree(session.cwd)
    await lab.polls(1)
    session.push(fail())
    with lab.judging("recovery.workspace.deleted") as judge:
        await lab.at_gate(deleted, 2)
        judge.holds(working_session.alive, expected="another run goes on", seen="it ended")

    await lab.session(crashing, 3)
    late = lab.tracker.put("ENG-6")
    with lab.judging("recovery.service.survives") as judge:
        await lab.at_gate(late)
        await lab.polls()
        judge.holds(
            lab.target.alive and working_session.alive and len(lab.sessions(working)) == 1,
            expected="the service and the other run go on",
            seen=f"the run: {working_session.end_reason or 'no end'}",
        )
        lab.finish(late)
        await lab.until(lambda: lab.files.workspace(late) is None, "an end is noticed as ever")
    with lab.judging("recovery.workspace.deleted"):
        lab.finish(deleted)
        await lab.until(lambda: lab.files.workspace(deleted) is None, "its end is noticed as ever")


@scenario(
    "A service that was killed and started again takes up its issues where they were",
    checks=(
        "recovery.restart.redispatch",
        "recovery.restart.no_timers",
        "recovery.restart.single_run",
        "recovery.kill.agents_ended",
        "recovery.root.exclusive",
    ),
)
async def restarts(lab: Lab) -> None:
    working = lab.tracker.put("ENG-1")
    stubborn = lab.tracker.put("ENG-2")
    failing = lab.tracker.put("ENG-3")
    marked = run("echo kept >> notes.txt")
    lab.script(working, agent_script(turn(marked, gate())), WORKS)
    lab.script(
        stubborn, agent_script(turn(marked, gate()), ignore_end=True, ignore_term=True), WORKS
    )
    lab.script(failing, WORKS)
    lab.workflow(agent={"max_retry_backoff_ms": LONG_MS})
    await lab.start()
    orphans = [await lab.at_gate(working), await lab.at_gate(stubborn)]
    await lab.at_gate(failing)

    second = lab.another()
    await second.start()
    with lab.judging("recovery.root.exclusive") as judge:
        code = await second.wait(REFUSAL_S * lab.scale)
        judge.holds(
            code is not None and code != 0,
            expected="a second service on the same workspace root refuses to start",
            seen="it runs" if code is None else f"it exited with {code}",
        )
    await second.sweep()
    if not all(each.alive for each in orphans):
        # What two services do to one another is judged above, and by nothing below.
        orphans = [await lab.at_gate(each, len(lab.sessions(each))) for each in (working, stubborn)]

    # Its retry is due after 10 or 20 s, unless it is forgotten.
    backoff_s = BACKOFF_S
    if lab.scale > SLOW:
        backoff_s = 2 * BACKOFF_S
        first = await lab.at_gate(failing, len(lab.sessions(failing)))
        first.push(fail())
        await lab.session(failing, first.number + 1, within=2 * BACKOFF_S)
    failed = await lab.at_gate(failing, len(lab.sessions(failing)))
    failed.push(fail())
    await lab.ended(failed)
    # The agent is gone before the service knows that the attempt failed.
    await lab.polls()
    await lab.kill()
    mark = lab.timeline.last
    await lab.start()
    polls = await lab.until(lambda: lab.tracker.polls(after=mark), "the candidates are read")
    with lab.judging("recovery.restart.no_timers") as judge:
        session = await lab.session(failing, failed.number + 1)
        waited = session.started_at - polls[0].at
        judge.measured(waited)
        if session.started_at - (failed.ended_at or 0.0) > backoff_s:
            expected = "the issue whose retry was queued is dispatched at once"
            judge.holds(waited < SOON_S, expected=expected, seen=f"after {waited:.3f} s")
            judge.undecided(expected, "the start alone took until the retry was due")
    with lab.judging("recovery.restart.redispatch") as judge:
        for issue, orphan in zip((working, stubborn), orphans, strict=True):
            later = await lab.at_gate(issue, orphan.number + 1)
            judge.equal(later.cwd, orphan.cwd, f"where {issue.identifier} is worked on again")
        judge.contains(lab.files.read(working, "notes.txt") or "", "kept", "what it left")
    with lab.judging("recovery.kill.agents_ended"):
        for orphan in orphans:
            await lab.ended(orphan)
    with lab.judging("recovery.restart.single_run") as judge:
        for issue in (working, stubborn):
            most = most_at_once(lab.sessions(issue), scale=lab.scale)
            judge.holds(
                most <= 1, expected=f"one agent of {issue.identifier} at a time", seen=f"{most}"
            )

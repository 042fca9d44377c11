"""When an issue is tried again, as which attempt, and what becomes of it meanwhile."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePath
from typing import Final

from conformance.agents.steps import WORKS, agent_script, fail, turn
from conformance.lab.boards import Handle
from conformance.lab.judging import Judge
from conformance.lab.lab import Lab
from conformance.scenario import Lane, scenario
from conformance.scenarios.moments import last_sent_at

PROMPT: Final = "{% if attempt %}Attempt {{ attempt }}{% else %}A fresh start{% endif %}"
CAP_S: Final = 1.2
"""Of the backoff: several polls, and another time than the 1 s of a continuation."""
LATE_S: Final = 5.0
"""For a poll, a read of the issue and the start of an agent. With the cap still far less than the
10 s of a backoff that is not capped."""
NEXT_STEP: Final = 1.8
"""Times the prescribed wait; each step is twice the last."""
FAILS: Final = agent_script(turn(fail()))


@scenario(
    "Failures wait 10 s and 20 s, clean ends 1 s, and nothing dispatches the issue meanwhile",
    checks=(
        "retry.backoff.failure",
        "retry.backoff.after_continuation",
        "retry.continuation.delay",
        "retry.continuation.attempt",
        "claim.retry.holds",
        "run.sessions.uncapped",
    ),
    lane=Lane.REAL_TIME,
)
async def the_delays_of_retries(lab: Lab) -> None:
    failing = lab.tracker.put("ENG-1")
    ending = lab.tracker.put("ENG-2")
    lasting = lab.tracker.put("ENG-3")
    ends_well = agent_script(turn())
    lab.script(lasting, ends_well, ends_well, ends_well, WORKS)
    lab.script(failing, FAILS, FAILS, ends_well, WORKS)
    lab.script(ending, ends_well, FAILS, ends_well, WORKS)
    lab.workflow(PROMPT, agent={"max_turns": 1, "max_retry_backoff_ms": 60_000})
    await lab.start()
    polls_before = len(lab.tracker.polls())

    continued = await lab.session(ending, 2)
    waited = continued.started_at - last_sent_at(lab, lab.sessions(ending)[0])
    with lab.judging("retry.continuation.delay") as judge:
        judge.at_least(waited, 1.0, "the continuation")
        judge.within(waited, 1.0 + LATE_S, "the continuation")
    await lab.until(continued.prompts, "the continuation gets its prompt")
    with lab.judging("retry.continuation.attempt") as judge:
        judge.equal(continued.prompts()[0], "Attempt 1", "the prompt of the continuation")
        await lab.at_gate(lasting, 4)
        for each in lab.sessions(lasting)[1:]:
            judge.equal(each.prompts()[0], "Attempt 1", "the prompt after several clean ends")

    await lab.session(failing, 2, within=25)
    polls_between = len(lab.tracker.polls()) - polls_before
    await lab.session(ending, 3, within=35)
    last = await lab.at_gate(failing, 4, within=45)
    waits = _waits(lab, failing)
    with lab.judging("retry.backoff.failure") as judge:
        judge.at_least(waits[0], 10.0, "the retry after one failure")
        _not_later(judge, waits[0], 10.0)
        judge.at_least(waits[1], 20.0, "the retry after two failures in a row")
        _not_later(judge, waits[1], 20.0)
    with lab.judging("claim.retry.holds") as judge:
        judge.info(f"{polls_between} reads of the candidates came before the retry was due")
        judge.at_least(waits[0], 5.0, "the next agent of an issue whose retry is queued")
    with lab.judging("retry.backoff.after_continuation") as judge:
        wait = _waits(lab, ending)[1]
        judge.at_least(wait, 10.0, "the retry of a continuation that failed")
        _not_later(judge, wait, 20.0)
    with lab.judging("retry.continuation.delay") as judge:
        judge.at_least(waits[2], 1.0, "the continuation after failures and a clean end")
        judge.within(waits[2], 1.0 + LATE_S, "the continuation after failures and a clean end")
    with lab.judging("retry.continuation.attempt") as judge:
        judge.equal(last.prompts()[0], "Attempt 1", "the prompt after failures and a clean end")
    with lab.judging("run.sessions.uncapped"):
        await lab.at_gate(ending, 4)


def _not_later(judge: Judge, waited: float, prescribed: float) -> None:
    """A little later may be the machine's fault; the next step of the backoff is not."""
    judge.holds(
        waited < NEXT_STEP * prescribed,
        expected=f"a retry after {prescribed:g} s",
        seen=f"after {waited:.3f} s",
    )
    judge.within(waited, prescribed + LATE_S, "the retry")


def _waits(lab: Lab, issue: Handle) -> Sequence[float]:
    """Seconds between what each session said last and the start of the next."""
    sessions = lab.sessions(issue)
    return [later.started_at - last_sent_at(lab, earlier) for earlier, later in pairwise(sessions)]


def _attempt(prompt: str) -> int:
    """The number in the prompt; 0 for a fresh start."""
    return int(prompt.rpartition(" ")[2]) if prompt.startswith("Attempt ") else 0


@scenario(
    "No backoff is longer than the cap",
    checks=("retry.backoff.cap",),
    lane=Lane.REAL_TIME,
)
async def the_cap_of_backoffs(lab: Lab) -> None:
    issue = lab.tracker.put("ENG-1")
    lab.script(issue, FAILS, FAILS, WORKS)
    lab.workflow(agent={"max_retry_backoff_ms": int(CAP_S * 1000)})
    await lab.start()
    await lab.session(issue)
    with lab.judging("retry.backoff.cap") as judge:
        await lab.session(issue, 3, within=15)
        for wait in _waits(lab, issue):
            judge.within(wait, CAP_S + LATE_S, "the next attempt")


@scenario(
    "A retry that is due looks at its issue, and runs, waits or lets go",
    checks=(
        "retry.spawn.failure",
        "retry.attempt.counted",
        "claim.retry.holds",
        "claim.release.redispatch",
        "retry.refresh.terminal",
        "retry.refresh.ineligible",
        "retry.refresh.failed",
    ),
)
async def retries_that_are_due(lab: Lab) -> None:
    counted, resting, unlabelled, deleted, done, unread = (
        lab.tracker.put(f"ENG-{number}", labels=["ready"]) for number in range(1, 7)
    )
    lab.script(None, WORKS)
    lab.script(counted, FAILS, FAILS, FAILS, WORKS)
    starts = lab.files.trace("starts")
    startable = starts.path.with_name("startable")
    unless = f"if ! [ -e {shlex.quote(str(startable))} ]; then {starts.hook('$PWD')}; exit 127; fi"
    lab.workflow(
        PROMPT,
        tracker={"required_labels": ["ready"]},
        agent={"max_retry_backoff_ms": int(CAP_S * 1000)},
        codex={"command": f"{unless}; {lab.agents.command()}"},
    )
    await lab.start()

    def failed_starts(issue: Handle) -> int:
        return sum(issue.is_workspace(PurePath(line).name) for line in starts.lines())

    await lab.until(lambda: failed_starts(counted) >= 2, "an agent is started again that cannot be")
    startable.touch()
    for issue in (counted, resting, unlabelled, deleted, done, unread):
        await lab.session(issue)
    await lab.until(lab.sessions(counted)[0].prompts, "the agent gets its prompt")
    with lab.judging("retry.spawn.failure") as judge:
        prompt = lab.sessions(counted)[0].prompts()[0]
        judge.contains(prompt, "Attempt ", "the prompt after starts that failed")

    # Five issues wait for their retries when something happens to four of them.
    for issue in (resting, unlabelled, deleted, done, unread):
        (await lab.at_gate(issue)).push(fail())
    for issue in (resting, unlabelled, deleted, done, unread):
        await lab.ended(lab.sessions(issue)[0])
    lab.tracker.set_state(resting.name, "Human Review")
    lab.tracker.set_labels(unlabelled.name)
    lab.tracker.remove(deleted.name)
    lab.tracker.set_state(done.name, "Done")
    await lab.at_gate(unread, 2)

    last = await lab.at_gate(counted, 4)
    with lab.judging("retry.attempt.counted") as judge:
        numbers = [_attempt(each.prompts()[0]) for each in lab.sessions(counted)]
        wanted = [numbers[0] + failures for failures in range(4)]
        judge.equal(numbers, wanted, "the attempts after consecutive failures")
    with lab.judging("claim.retry.holds") as judge:
        for wait in _waits(lab, counted):
            judge.at_least(wait, CAP_S / 2, "the next attempt")

    await lab.polls()
    with lab.judging("retry.refresh.terminal") as judge:
        await lab.until(
            lambda: lab.files.workspace(done) is None,
            "the workspace of an issue that is terminal when its retry is due is removed",
        )
        judge.equal(len(lab.sessions(done)), 1, "the number of its sessions")
    gone = {"resting": resting, "without its label": unlabelled, "deleted": deleted}
    with lab.judging("retry.refresh.ineligible") as judge:
        for what, issue in gone.items():
            judge.equal(len(lab.sessions(issue)), 1, f"the sessions of an issue that is {what}")
            judge.holds(
                lab.files.workspace(issue),
                expected=f"the workspace of an issue that is {what} stays",
                seen=f"there are {', '.join(lab.files.names()) or 'none'}",
            )

    lab.tracker.set_state(resting.name, "Todo")
    lab.tracker.set_labels(unlabelled.name, "ready")
    with lab.judging("claim.release.redispatch") as judge:
        for issue in (resting, unlabelled):
            session = await lab.at_gate(issue, 2)
            judge.equal(session.prompts()[0], "A fresh start", "the prompt after a release")

    await _tracker_fails(lab, unread)
    with lab.judging("claim.retry.holds") as judge:
        judge.holds(last.alive, expected="a session that works is left alone", seen="it ended")


async def _tracker_fails(lab: Lab, issue: Handle) -> None:
    """While the retry of the issue is due, no read of the tracker succeeds."""
    session = lab.sessions(issue)[1]
    lab.tracker.fault("status", times=None, status=500)
    session.push(fail())
    await lab.ended(session)
    due = last_sent_at(lab, session) + CAP_S
    await lab.until(
        lambda: [each for each in lab.tracker.answers()[-1:] if each.at > due + CAP_S / 2],
        "reads of the tracker that fail after the retry was due",
    )
    lab.tracker.clear_faults()
    with lab.judging("retry.refresh.failed") as judge:
        later = await lab.at_gate(issue, 3)
        judge.contains(later.prompts()[0], "Attempt ", "the prompt once the tracker answers again")

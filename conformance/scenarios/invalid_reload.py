"""Edits of the workflow file that make it invalid, and what goes on meanwhile."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Final

from conformance.agents.steps import WORKS, agent_script, fail, gate, turn
from conformance.lab.boards import TERMINAL_STATES, Handle
from conformance.lab.judging import UnmetError
from conformance.lab.lab import Lab
from conformance.scenario import scenario
from conformance.scenarios.lives import printed_since

ABOUT_THE_FILE: Final = re.compile(r"max_turns|workflow|front matter|config|reload", re.IGNORECASE)


@scenario(
    "An invalid edit changes nothing, stops new work, is reported, and is forgotten once mended",
    checks=(
        "reload.invalid.last_good",
        "reload.invalid.reconcile",
        "reload.invalid.blocks_dispatch",
        "reload.invalid.retry",
        "reload.invalid.reported",
        "reload.invalid.reported_once",
        "reload.invalid.recovers",
    ),
)
async def invalid_edits(lab: Lab) -> None:
    done = lab.tracker.put("ENG-1")
    reviewed = lab.tracker.put("ENG-2")
    failing = lab.tracker.put("ENG-3")
    going_on = lab.tracker.put("ENG-4")
    # Read in every tick: while nothing is dispatched, the candidates need not be.
    fence = lab.tracker.put("ENG-7")
    lab.script(None, WORKS)
    lab.script(failing, agent_script(turn(gate(), fail())), WORKS)
    lab.script(going_on, agent_script(turn(gate()), turn(gate("later"))))
    lab.workflow("The old prompt")
    await lab.start()
    sessions = [await lab.at_gate(each) for each in (done, reviewed, failing, going_on, fence)]
    before = lab.output()

    # One value is wrong; the others would be valid, and would show.
    lab.workflow(
        "The invalid prompt",
        tracker={
            "terminal_states": [*TERMINAL_STATES, "Human Review"],
            "active_states": ["Backlog", "Todo"],
        },
        agent={"max_turns": 0},
    )
    await lab.settle()
    fresh = lab.tracker.put("ENG-5")
    parked = lab.tracker.put("ENG-6", state="Backlog")
    await _ticks(lab, fence, 1)
    reports = _about_the_file(lab, before)
    with lab.judging("reload.invalid.reported") as judge:
        judge.holds(
            reports,
            expected="the output says something of the file",
            seen=printed_since(lab, before)[-300:],
        )
    await _ticks(lab, fence, 4)
    with lab.judging("reload.invalid.reported_once") as judge:
        later = _about_the_file(lab, before)
        judge.holds(later, expected="the failure is reported", seen="it is not")
        judge.equal(len(later), len(reports), "how many lines speak of it after four more ticks")
    with lab.judging("reload.invalid.blocks_dispatch") as judge:
        judge.equal(len(lab.sessions(fresh)), 0, "the agents of a fresh issue")

    lab.finish(done)
    lab.tracker.set_state(reviewed.name, "Human Review")
    sessions[2].open_gate()
    sessions[3].open_gate()
    with lab.judging("reload.invalid.reconcile"):
        await lab.reads_by_id(fence, 1)
        await lab.ended(sessions[1])
        await lab.until(lambda: lab.files.workspace(done) is None, "what is done is cleaned up")
        await lab.until(lambda: sessions[3].at_gate("later"), "a session goes on to its next turn")
    await lab.ended(sessions[2])
    await _ticks(lab, fence, 5)
    with lab.judging("reload.invalid.last_good") as judge:
        judge.holds(lab.target.alive, expected="the service goes on", seen="it ended")
        judge.holds(
            lab.files.workspace(reviewed),
            expected="the terminal states of the invalid file have no effect",
            seen="the workspace is gone",
        )
        prompts = [prompt for each in lab.sessions() for prompt in each.prompts()]
        judge.lacks(prompts, "The invalid prompt", "the prompts")
        judge.equal(len(lab.sessions(parked)), 0, "the agents in a state that is not active")
    with lab.judging("reload.invalid.retry") as judge:
        policy = lab.manifest.policies.reload_invalid_retry
        if policy == "dispatch":
            await lab.session(failing, 2)
        retried = lab.sessions(failing)[1:]
        if policy == "queue":
            judge.equal(len(retried), 0, "the sessions of a due retry, which stays queued")
        for each in retried:
            judge.equal(each.prompts()[:1], ["The old prompt"], "the prompt of the retry")

    lab.remove_workflow()
    await lab.settle()
    await _ticks(lab, fence, 3)
    with lab.judging("reload.invalid.blocks_dispatch") as judge:
        judge.equal(len(lab.sessions(fresh)), 0, "the agents of a fresh issue without a file")
        judge.holds(lab.target.alive, expected="the service goes on", seen="it ended")
    lab.write_workflow("---\n- a list\n---\nThe invalid prompt\n")
    await lab.settle()
    await _ticks(lab, fence, 3)
    with lab.judging("reload.invalid.blocks_dispatch") as judge:
        judge.equal(len(lab.sessions(fresh)), 0, "the agents of a fresh issue after a list")

    mended = lab.output()
    lab.workflow("The mended prompt")
    await lab.settle()
    with lab.judging("reload.invalid.recovers") as judge:
        await lab.at_gate(fresh)
        session = await lab.at_gate(lab.tracker.put("ENG-8"))
        judge.equal(session.prompts()[0], "The mended prompt", "the prompt of a fresh issue")
    with lab.judging("reload.invalid.retry"):
        # Where dispatch never resumes the retry may still be queued.
        if lab.sessions(fresh):
            await lab.at_gate(failing, 2)
    with lab.judging("reload.invalid.reported_once") as judge:
        judge.holds(
            _about_the_file(lab, mended),
            expected="the end of the failure is reported",
            seen=printed_since(lab, mended)[-300:],
        )


async def _ticks(lab: Lab, fence: Handle, count: int) -> None:
    """So many ticks go by; a service that reconciles nothing has had the time for them."""
    with contextlib.suppress(UnmetError):
        await lab.reads_by_id(fence, count)


def _about_the_file(lab: Lab, before: str) -> Sequence[str]:
    """The lines printed since then that speak of the workflow file or of the value in it."""
    # The name of the scenario is in every path, and says nothing.
    said = printed_since(lab, before).replace(str(lab.target.places.ground), "")
    return [line for line in said.splitlines() if ABOUT_THE_FILE.search(line)]

"""Turns of a worker: how many, on which thread, with which words, and what ends them."""

from __future__ import annotations

from collections import Counter

from conformance.agents.session import REUSED_ID, AgentSession
from conformance.agents.steps import (
    TALKS,
    WORKS,
    agent_script,
    exit_with,
    fail,
    gate,
    interrupted,
    turn,
)
from conformance.fakes.json_values import as_text, texts
from conformance.lab.boards import Handle
from conformance.lab.lab import Lab
from conformance.scenario import Lane, scenario
from conformance.scenarios.progress import (
    ATTEMPT_PROMPT,
    counts_as_failure,
    thread_id,
)

INSTRUCTIONS = "Mind the whole of these instructions."
THREE_SESSIONS_S = 20.0
"""For two sessions and the fixed second after each."""


@scenario(
    "A worker takes several turns on one thread, up to its limit, and is followed by another",
    checks=(
        "turn.limit.max_turns",
        "turn.continuation.continues",
        "turn.continuation.thread",
        "turn.continuation.guidance",
        "turn.process.kept",
        "turn.outcome.completed",
        "session.rpc.request_ids",
        "session.start.title",
        "session.protocol.valid",
    ),
    lane=Lane.REAL_TIME,
)
async def turns_of_a_worker(lab: Lab) -> None:
    issue = lab.tracker.put("ENG-1", title="Mend the bridge")
    lab.script(issue, TALKS, TALKS, WORKS)
    lab.workflow(f"{ATTEMPT_PROMPT}\n\n{INSTRUCTIONS}", agent={"max_turns": 3})
    await lab.start()

    first = await lab.session(issue, 1)
    third = await lab.at_gate(issue, 3, within=THREE_SESSIONS_S)
    sessions = lab.sessions(issue)

    with lab.judging("turn.limit.max_turns") as judge:
        judge.holds(
            all(len(each.turns) <= 3 for each in sessions),
            expected="no session has more than 3 turns",
            seen=[len(each.turns) for each in sessions],
        )
        judge.contains(third.prompts()[0], "Attempt 1 ", "the prompt of the third session")
    with lab.judging("turn.continuation.continues") as judge:
        judge.equal([len(each.turns) for each in sessions[:2]], [3, 3], "the turns of each session")
    with lab.judging("turn.continuation.thread") as judge:
        used = {as_text(each.get("threadId")) for each in first.turns}
        judge.equal(used, {thread_id(first)}, "the threads of all turns")
    with lab.judging("turn.continuation.guidance") as judge:
        for prompt in first.prompts()[1:]:
            judge.lacks(prompt, INSTRUCTIONS, "the input of a later turn")
            judge.holds(prompt.strip(), expected="a later turn has words of guidance", seen=prompt)
    with lab.judging("turn.process.kept") as judge:
        # A worker begins with the full prompt: a process that begins otherwise serves the turns
        # of a worker that had one before.
        openings = [each.prompts()[0] for each in sessions]
        judge.holds(
            all(INSTRUCTIONS in each for each in openings),
            expected="a new process comes only with a new worker",
            seen=openings,
        )
    with lab.judging("turn.outcome.completed") as judge:
        judge.contains(third.prompts()[0], "Attempt 1 ", "the prompt after two good runs")
    _judge_messages(lab, issue, first)
    lab.finish(issue)


def _judge_messages(lab: Lab, issue: Handle, session: AgentSession) -> None:
    with lab.judging("session.rpc.request_ids") as judge:
        asked = [each for each in session.messages() if "method" in each and "id" in each]
        counted = Counter(str(each["id"]) for each in asked)
        judge.holds(len(asked) >= 3, expected="a session takes several requests", seen=len(asked))
        judge.equal([name for name, n in counted.items() if n > 1], [], "the ids of two requests")
    with lab.judging("session.start.title") as judge:
        titles = texts(
            [each.get("name") for each in session.received("thread/name/set")]
            + [each.get(key) for each in session.turns for key in ("title", "name")]
            + [each.get(key) for each in session.thread_starts for key in ("title", "name")]
        )
        judge.holds(
            any(issue.identifier in each and "Mend the bridge" in each for each in titles),
            expected=f"{issue.identifier} and its title name the thread or a turn",
            seen=titles,
        )
    with lab.judging("session.protocol.valid") as judge:
        found = [each for every in lab.sessions() for each in every.violations]
        wrong = [each.text for each in found if each.kind != REUSED_ID]
        refused = [str(each) for every in lab.sessions() for each in every.refusals]
        judge.equal(wrong + refused, [], "what the agents refuse")


@scenario(
    "After a good turn the issue is read anew, and the worker ends if it no longer qualifies",
    checks=("turn.continuation.recheck",),
)
async def recheck_after_each_turn(lab: Lab) -> None:
    reviewed = lab.tracker.put("ENG-1", title="Goes to review", labels=("agent",))
    removed = lab.tracker.put("ENG-2", title="Is deleted", labels=("agent",))
    unlabelled = lab.tracker.put("ENG-3", title="Loses its label", labels=("agent",))
    going_on = lab.tracker.put("ENG-4", title="Goes on", labels=("agent",))
    leaving = (reviewed, removed, unlabelled)
    lab.script(None, WORKS)
    # So long that no tick comes in between: only the read after a turn can notice.
    lab.workflow(tracker={"required_labels": ["agent"]}, polling={"interval_ms": 120_000})
    await lab.start()

    sessions = {each: await lab.at_gate(each) for each in (*leaving, going_on)}
    mark = lab.timeline.last
    lab.tracker.set_state(reviewed.name, "Human Review")
    lab.tracker.remove(removed.name)
    lab.tracker.set_labels(unlabelled.name, "other")
    for each in sessions.values():
        each.open_gate()

    with lab.judging("turn.continuation.recheck") as judge:
        for issue in leaving:
            await lab.ended(sessions[issue])
            judge.equal(
                len(sessions[issue].turns), 1, f"the turns of the session whose issue {issue.name}"
            )
        reads = lab.tracker.reads("by_id", after=mark)
        judge.holds(
            any(going_on.id in texts(each.data["ids"]) for each in reads),
            expected="the issue that goes on is read by its id after its turn",
            seen=[each.text for each in reads],
        )


@scenario(
    "A turn that fails, is interrupted, or loses its agent is a failure, whatever the exit code",
    checks=(
        "turn.outcome.failed",
        "turn.outcome.exit",
        "hook.after_run.each",
    ),
)
async def turns_that_fail(lab: Lab) -> None:
    failed = lab.tracker.put("ENG-1", title="The turn fails")
    stopped = lab.tracker.put("ENG-2", title="The turn is interrupted")
    left = lab.tracker.put("ENG-3", title="The agent leaves with 0 in its turn")
    mute = lab.tracker.put("ENG-4", title="The agent leaves with 0 and without a word")
    endings = {
        failed: agent_script(turn(fail())),
        stopped: agent_script(turn(interrupted())),
        left: agent_script(turn(exit_with(0))),
        mute: agent_script(turn(gate()), before_initialize=[exit_with(0)]),
    }
    for issue, ending in endings.items():
        lab.script(issue, ending, ending, WORKS)
    trace = lab.files.trace("after_run")
    lab.workflow(
        ATTEMPT_PROMPT, agent={"max_turns": 2}, hooks={"after_run": trace.hook("after_run")}
    )
    await lab.start()
    for issue in endings:
        await lab.session(issue)

    with lab.judging("turn.outcome.failed"):
        await counts_as_failure(lab, failed, "the status failed")
        await counts_as_failure(lab, stopped, "the status interrupted")
    with lab.judging("turn.outcome.exit"):
        await counts_as_failure(lab, left, "an exit with 0 during a turn")
        await counts_as_failure(lab, mute, "an exit with 0 before any output")
    with lab.judging("hook.after_run.each") as judge:
        # The two failures of each; the sessions that follow stand at their gates.
        judge.equal(len(trace.lines()), 2 * len(endings), "how often after_run ran after failures")

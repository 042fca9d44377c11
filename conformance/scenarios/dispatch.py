"""From an eligible issue to its agent, and from the agent's work to the end."""

from __future__ import annotations

from conformance.agents.steps import agent_script, gate, turn
from conformance.fakes.json_values import as_text
from conformance.lab.files import real
from conformance.lab.lab import Lab
from conformance.scenario import scenario

RULES = "\n".join(f"Rule {number}: leave plank {number} as you found it." for number in range(800))
"""Some 30,000 characters: whoever shortens prompts shortens this one."""
PROMPT = """\
Issue {{ issue.identifier }} ({{ issue.state }}): {{ issue.title }}
{% if attempt %}Attempt {{ attempt }}{% else %}A fresh start{% endif %}
"""


@scenario(
    "An eligible issue is dispatched into a workspace of its own, and its end is noticed",
    checks=(
        "eligibility.state.active",
        "workspace.path.under_root",
        "workspace.key.unchanged",
        "launch.cwd.workspace",
        "session.start.cwd",
        "session.start.initialize",
        "session.start.initialized",
        "session.start.prompt",
        "session.protocol.valid",
        "template.attempt.fresh",
        "issue.state.spelling",
        "security.agent_env.absent",
        "reconcile.state.inactive",
        "reconcile.cleanup.deadline",
        "reconcile.stop.released",
    ),
)
async def dispatch(lab: Lab) -> None:
    finished = lab.tracker.put("ENG-1", title="Mend the bridge")
    reviewed = lab.tracker.put("ENG-2", title="Paint the door", state="In Progress")
    resting = lab.tracker.put("ENG-3", title="Some day", state="Backlog")
    lab.script(None, agent_script(turn(gate())))
    lab.workflow(f"{PROMPT}\n{RULES}\n\nThe end of the instructions")
    await lab.start()

    session = await lab.at_gate(finished)
    other = await lab.at_gate(reviewed)

    with lab.judging("workspace.path.under_root") as judge:
        judge.equal(real(session.cwd).parent, real(lab.files.root), "where the workspace lies")
    with lab.judging("workspace.key.unchanged") as judge:
        judge.holds(
            finished.is_named(session.name),
            expected=f"{finished.identifier} is the name of the workspace",
            seen=session.name,
        )
    with lab.judging("launch.cwd.workspace") as judge:
        judge.holds(
            real(session.cwd) != real(other.cwd),
            expected="each agent runs in a workspace of its own",
            seen=session.cwd,
        )
    with lab.judging("session.start.cwd") as judge:
        told = [as_text(each.get("cwd")) for each in (*session.thread_starts, *session.turns)]
        named = {real(each) for each in told if each}
        judge.equal(named, {real(session.cwd)}, "the directories that were supplied")
    with lab.judging("session.start.initialize") as judge:
        judge.equal(session.messages()[0].get("method"), "initialize", "the earliest request")
    with lab.judging("session.start.initialized") as judge:
        judge.equal(session.messages()[1].get("method"), "initialized", "what follows its answer")
    with lab.judging("session.protocol.valid") as judge:
        judge.equal([each.text for each in session.violations], [], "what the agent refuses")

    prompt = session.prompts()[0]
    with lab.judging("session.start.prompt") as judge:
        judge.contains(prompt.splitlines()[0], "Mend the bridge", "the beginning of the prompt")
        judge.holds(
            RULES in prompt and "The end of the instructions" in prompt,
            expected="the opening turn carries all of a long prompt",
            seen=f"{len(prompt)} characters, which end in {prompt[-60:]!r}",
        )
    with lab.judging("template.attempt.fresh") as judge:
        judge.contains(prompt, "A fresh start", "the prompt of a fresh dispatch")
    with lab.judging("issue.state.spelling") as judge:
        judge.contains(other.prompts()[0], "(In Progress)", "the prompt")
    with lab.judging("security.agent_env.absent") as judge:
        exposed = [name for name, value in session.environment.items() if value == lab.secret]
        judge.equal(exposed, [], "the variables of the agent that hold the credential")

    with lab.judging("eligibility.state.active"):
        await lab.never(lambda: lab.sessions(resting), "an issue in the backlog gets no agent")

    # One is done, which ends its workspace too; the other waits for people, and keeps it.
    lab.finish(finished, "Done")
    lab.tracker.set_state(reviewed.name, "Human Review")
    with lab.judging("reconcile.cleanup.deadline"):
        await lab.ended(session)
        await lab.until(
            lambda: lab.files.workspace(finished) is None,
            f"the workspace of {finished.identifier} is removed",
            seen=lambda: f"there are {', '.join(lab.files.names())}",
        )
    with lab.judging("reconcile.state.inactive") as judge:
        await lab.ended(other)
        await lab.polls()
        judge.holds(
            lab.files.workspace(reviewed),
            expected=f"the workspace of {reviewed.identifier} stays",
            seen=f"there are {', '.join(lab.files.names()) or 'none'}",
        )
    with lab.judging("reconcile.stop.released"):
        await lab.never(lambda: lab.running(reviewed), "an issue in review gets no agent again")

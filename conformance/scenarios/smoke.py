"""The shortest way to see that an implementation and its manifest fit together."""

from __future__ import annotations

from conformance.agents.steps import agent_script, gate, turn
from conformance.lab.lab import Lab
from conformance.scenario import scenario


@scenario(
    "One issue is found, worked on and left alone when it is done",
    checks=("launch.cwd.workspace", "session.start.prompt", "run.end.process_stopped"),
)
async def smoke(lab: Lab) -> None:
    issue = lab.tracker.put("ENG-1", title="Mend the bridge")
    lab.script(issue, agent_script(turn(gate())))
    await lab.start()

    session = await lab.at_gate(issue)
    with lab.judging("launch.cwd.workspace") as judge:
        judge.holds(
            issue.is_workspace(session.name),
            expected=f"the agent runs in the workspace of {issue.identifier}",
            seen=session.cwd,
        )
    with lab.judging("session.start.prompt") as judge:
        judge.contains(session.prompts()[0], "Mend the bridge", "the prompt of the opening turn")

    lab.finish(issue)
    with lab.judging("run.end.process_stopped"):
        await lab.ended(session)

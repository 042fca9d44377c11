"""Which workflow file is taken, and how the process ends."""

from __future__ import annotations

import re
import signal

from conformance.agents.steps import WORKS, agent_script, gate, turn
from conformance.lab.lab import Lab
from conformance.scenario import scenario
from conformance.scenarios.lives import brief_life


@scenario(
    "A path on the command line names the workflow file, else it is WORKFLOW.md where it starts",
    checks=(
        "workflow.path.explicit",
        "workflow.path.default",
        "workflow.path.missing",
        "workflow.error.class_names",
        "startup.validate.refused",
        "cli.exit.startup_failure",
        "log.failure.visible",
    ),
)
async def the_workflow_path(lab: Lab) -> None:
    issue = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    ground = lab.target.places.ground
    elsewhere, empty = ground / "elsewhere", ground / "empty"
    for directory in (elsewhere, empty):
        directory.mkdir()
    decoy = elsewhere / "WORKFLOW.md"
    decoy.write_text(lab.workflow("Of the directory"), encoding="utf-8")
    lab.workflow("Of the path")
    is_fixed = lab.manifest.launch.directory is not None

    await lab.start(directory=elsewhere)
    session = await lab.at_gate(issue)
    with lab.judging("workflow.path.explicit") as judge:
        judge.equal(session.prompts()[0], "Of the path", "the prompt")
    await lab.stop()

    if is_fixed:
        lab.not_applicable("workflow.path.default", "the manifest fixes where it starts")
    else:
        life = await brief_life(
            lab,
            "no path where a file is",
            without_workflow=True,
            directory=elsewhere,
            is_hopeful=True,
        )
        with lab.judging("workflow.path.default") as judge:
            judge.holds(life.prompts, expected="it begins to work", seen=life)
            judge.equal(life.prompts[0], "Of the directory", "the prompt")

    absent = ground / "empty" / "absent-7c1e.md"
    lives = [await brief_life(lab, "a path without a file", workflow=absent, directory=empty)]
    names = [absent.name]
    if not is_fixed:
        lives.append(
            await brief_life(lab, "no path and no file", without_workflow=True, directory=empty)
        )
        names.append("WORKFLOW.md")
    with lab.judging("workflow.path.missing") as judge:
        for life, name in zip(lives, names, strict=True):
            judge.holds(not life.is_at_work, expected="nothing is dispatched", seen=life)
            judge.holds(life.says(re.escape(name)), expected=f"the report names {name}", seen=life)
    with lab.judging("workflow.error.class_names") as judge:
        judge.contains(lives[0].output, "missing_workflow_file", "the report")
    with lab.judging("startup.validate.refused") as judge:
        for life in lives:
            judge.holds(
                life.code is not None and not life.asked,
                expected="the start ends before any request to the tracker",
                seen=life,
            )
    with lab.judging("cli.exit.startup_failure") as judge:
        for life in lives:
            judge.holds(life.code, expected="an exit code that is not zero", seen=life)
    with lab.judging("log.failure.visible") as judge:
        for life in lives:
            judge.holds(life.output.strip(), expected="the failure can be seen", seen=life)


@scenario(
    "A signal ends the service and its agents, and leaves the workspaces",
    checks=(
        "cli.exit.normal",
        "cli.exit.signal",
        "cli.stop.agents_ended",
        "cli.stop.workspaces_kept",
    ),
)
async def an_orderly_stop(lab: Lab) -> None:
    issues = [lab.tracker.put(f"ENG-{number}") for number in (1, 2)]
    # One does not end for being asked to, and in its next life at least not with its input.
    lab.script(
        issues[0],
        agent_script(turn(gate()), ignore_end=True, ignore_term=True),
        agent_script(turn(gate()), ignore_end=True),
    )
    lab.script(issues[1], WORKS)
    lab.workflow(hooks={"after_create": "echo kept > note.txt"})
    launch = lab.manifest.launch
    grace_s = launch.stop_grace_ms / 1000

    for life, number in enumerate((signal.SIGTERM, signal.SIGINT), 1):
        await lab.start()
        sessions = [await lab.at_gate(issue, life) for issue in issues]
        lab.should_live = False
        if number.name == f"SIG{launch.stop_signal}":
            status = await lab.stop()
            with lab.judging("cli.exit.normal") as judge:
                judge.contains([0, *launch.stop_exit_codes], status.code, "an exit code of success")
        else:
            status = await lab.target.signal_and_wait(number, grace_s=grace_s)
        with lab.judging("cli.exit.signal") as judge:
            judge.holds(not status.forced, expected=f"{number.name} ends it", seen="it went on")
            allowed = [0, 128 + number]
            judge.contains(allowed, status.code, f"the exit codes that {number.name} may lead to")
        with lab.judging("cli.stop.agents_ended"):
            for session in sessions:
                await lab.ended(session, within=3)
        with lab.judging("cli.stop.workspaces_kept") as judge:
            for issue in issues:
                judge.equal(lab.files.read(issue, "note.txt"), "kept\n", "a file of a workspace")

"""Hooks around a run that goes well: which run when, where, and by what shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from conformance.agents.steps import WORKS, agent_script, run, turn
from conformance.fakes.json_values import as_text
from conformance.lab.boards import Handle
from conformance.lab.files import Trace, real
from conformance.lab.lab import Lab
from conformance.scenario import Lane, scenario
from conformance.scenarios.progress import ATTEMPT_PROMPT, until_logged

PROFILE: Final = 'export FROM_PROFILE="read at login"\n'
PROFILES: Final = (".profile", ".zprofile")
"""What `sh`, `bash` and `zsh` read when they are login shells; no home has others here."""


def write_profiles(lab: Lab, text: str = PROFILE) -> None:
    """Give the implementation's home a login profile."""
    for name in PROFILES:
        (lab.target.places.home / name).write_text(text, encoding="utf-8")


def traced_command(lab: Lab, trace: Trace) -> str:
    """The command of the agent, leaving a line before the agent starts: one file then shows the
    order of hooks and agents exactly. It is one simple command, whatever is done to it."""
    script = f"{trace.hook('agent $PWD')}; exec {lab.agents.command()}"
    return shlex.join(["sh", "-c", script])


def told(trace: Trace, issue: Handle) -> Sequence[str]:
    """The opening words of the lines that were left in the issue's workspace, in order."""
    found = [line.rpartition(" ") for line in trace.lines()]
    return [words for words, _, path in found if issue.is_workspace(Path(path).name)]


def _words(trace: Trace) -> Sequence[str]:
    """The same of all lines, where a single issue has hooks, wherever they ran."""
    return [line.rpartition(" ")[0] for line in trace.lines()]


@scenario(
    "Hooks run around two runs and a removal, in order, in the workspace, by a login shell",
    checks=(
        "hook.after_create.new_only",
        "hook.before_run.each",
        "hook.after_run.each",
        "hook.after_run.cancelled",
        "hook.before_remove.runs",
        "hook.script.directory",
        "hook.script.shell",
        "hook.log.events",
        "workspace.reuse.across_runs",
    ),
    lane=Lane.REAL_TIME,
)
async def hooks_around_runs(lab: Lab) -> None:
    issue = lab.tracker.put("ENG-1", title="Mend the bridge")
    gone = lab.tracker.put("ENG-2", title="Ended long ago", state="Done")
    write_profiles(lab)
    trace, shells = lab.files.trace("order"), lab.files.trace("shells")
    lab.script(issue, agent_script(turn(run("echo kept > note.txt"))), WORKS)
    passed = lab.files.root.parent / "before_run may pass"
    script = "\n".join(
        [
            trace.hook("before_run $PWD"),
            f"until [ -e {shlex.quote(str(passed))} ]; do sleep 0.05; done",
            "count=0",
            "for each in one two three; do",
            "  count=$((count + 1))  # a comment",
            "done",
            "if [ -d . ]; then",
            f"  {shells.hook('$count $FROM_PROFILE')}",
            "fi",
        ]
    )
    lab.workflow(
        ATTEMPT_PROMPT,
        agent={"max_turns": 1},
        codex={"command": traced_command(lab, trace)},
        hooks={
            "after_create": trace.hook("after_create $PWD"),
            "before_run": script,
            "after_run": trace.hook("after_run $PWD"),
            "before_remove": trace.hook("before_remove $(test -d . && echo present) $PWD"),
        },
    )
    await lab.start()
    await lab.until(lambda: "before_run" in _words(trace), "before_run begins")
    with lab.judging("hook.log.events"):
        # It cannot have ended: what names it tells of its start.
        await until_logged(lab, "before_run")
    passed.touch()
    first, second = await lab.session(issue, 1), await lab.at_gate(issue, 2)

    seen = _words(trace)
    one_run = ["before_run", "agent", "after_run"]
    with lab.judging("hook.after_create.new_only") as judge:
        judge.equal(seen.count("after_create"), 1, "how often after_create ran for two runs")
    with lab.judging("hook.before_run.each") as judge:
        before = [each for each in seen if each in ("before_run", "agent")]
        wanted = ["before_run", "agent", "before_run", "agent"]
        judge.equal(before, wanted, "what ran up to the second agent")
    with lab.judging("hook.after_run.each") as judge:
        judge.equal([each for each in seen[:4] if each in one_run], one_run, "the earliest run")
    with lab.judging("hook.script.directory") as judge:
        where = {real(line.rpartition(" ")[2]) for line in trace.lines()}
        judge.equal(where, {real(first.cwd)}, "the directories of hooks and agents")
    with lab.judging("hook.script.shell") as judge:
        judge.equal(set(shells.lines()), {"3 read at login"}, "what several lines of shell wrote")
    with lab.judging("hook.log.events"):
        await until_logged(lab, "after_create")
    with lab.judging("workspace.reuse.across_runs") as judge:
        judge.equal(real(second.cwd), real(first.cwd), "the workspace of the second run")
        judge.equal(lab.files.read(issue, "note.txt"), "kept\n", "what the earlier run left there")

    # The agent stands at its gate: this run is cancelled, and its workspace removed.
    lab.tracker.set_state(issue.name, "Done")
    await lab.until(lambda: lab.files.workspace(issue) is None, "the workspace is removed")
    last = _words(trace)[len(seen) :]
    with lab.judging("hook.after_run.cancelled") as judge:
        judge.equal(last.count("after_run"), 1, "how often after_run ran after a cancelled run")
        # Whether a removal has its hook is for the next requirement.
        judge.equal(last[:1], ["after_run"], "the earliest hook after the cancellation")
    with lab.judging("hook.before_remove.runs") as judge:
        removal = next((each for each in last if each.startswith("before_remove")), "nothing")
        judge.contains(removal, "present", "what before_remove found of the workspace")
        judge.equal(told(trace, gone), [], "the hooks of an issue that has no workspace")


@scenario(
    "A prompt that cannot be rendered starts no turn, and after_run runs",
    checks=("hook.after_run.prompt_error", "run.prompt.error"),
)
async def hooks_of_a_broken_prompt(lab: Lab) -> None:
    issue = lab.tracker.put("ENG-1", title="Mend the bridge")
    lab.script(issue, WORKS)
    trace = lab.files.trace("order")
    hooks = {name: trace.hook(f"{name} $PWD") for name in ("before_run", "after_run")}
    lab.workflow("At {{ issue.no_such_field }}", hooks={**hooks})
    await lab.start()

    with lab.judging("hook.after_run.prompt_error"):
        await lab.until(
            lambda: told(trace, issue).count("after_run") >= 2,
            "after_run runs after each prompt that could not be rendered",
            seen=lambda: told(trace, issue),
        )
    with lab.judging("run.prompt.error") as judge:
        await lab.until(
            lambda: told(trace, issue).count("before_run") >= 2, "the attempt is made again"
        )
        prompts = [as_text(text) for each in lab.sessions(issue) for text in each.prompts()]
        judge.equal(prompts, [], "the turns that were started")

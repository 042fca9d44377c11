"""Hooks that fail or hang: which of them are fatal, and that none outlives its time."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from conformance.agents.steps import WORKS, agent_script, run, turn
from conformance.lab.boards import Handle, only_for
from conformance.lab.files import Trace
from conformance.lab.judging import Judge
from conformance.lab.lab import Lab
from conformance.lab.timeline import Event
from conformance.scenario import Lane, scenario
from conformance.scenarios.hooks import told, traced_command
from conformance.scenarios.progress import ATTEMPT_PROMPT, until_logged

TIMEOUT_S: Final = 2.0
BACKOFF_S: Final = 0.5
"""What the lab sets; a failed attempt is made again after it."""
LEEWAY_S: Final = 5.0
"""For ending processes and beginning others; a hook that is not held to its time takes for ever."""
FAILED: Final = r"fail|error|exit|non-?zero|status"
TIMED_OUT: Final = r"time[d_ -]*out"
FLOOD: Final = 300_000
"""Bytes; far more than anybody wants to read in a log."""
HANG: Final = "sleep 600"


def once(flags: Path, name: str, script: str) -> str:
    """A script that does something only when it is run for the first time."""
    flag = shlex.quote(str(flags / f"{name}.flag"))
    return f"if mkdir {flag} 2>/dev/null; then {script}; fi"


@scenario(
    "A hook that fails or hangs before the agent fails the attempt, which is made again",
    checks=(
        "hook.after_create.fatal",
        "hook.after_create.again",
        "hook.before_run.fatal",
        "hook.after_run.failed_before_run",
        "hook.timeout.applied",
        "hook.log.events",
        "hook.output.truncated",
        "workspace.populate.surfaced",
        "workspace.populate.reused_kept",
    ),
)
async def hooks_that_fail_early(lab: Lab) -> None:
    unmade = lab.tracker.put("ENG-1", title="after_create fails")
    slow = lab.tracker.put("ENG-2", title="after_create hangs")
    unready = lab.tracker.put("ENG-3", title="before_run fails")
    stuck = lab.tracker.put("ENG-4", title="before_run hangs")
    held = lab.tracker.put("ENG-5", title="before_run leaves a child")
    trace, flags = lab.files.trace("order"), lab.files.root.parent
    lab.script(None, WORKS)
    loud = f"head -c {FLOOD} /dev/zero | tr '\\0' y; exit 3"
    hooks = {
        "after_create": only_for(
            {
                unmade: once(flags, "unmade", "exit 3"),
                slow: once(flags, "slow", HANG),
                unready: "echo filled > filled.txt",
            }
        ),
        "before_run": only_for(
            {
                unready: once(flags, "unready", loud),
                stuck: once(flags, "stuck", HANG),
                held: f"{HANG} &",
            }
        ),
        "after_run": "true",
    }
    lab.workflow(
        ATTEMPT_PROMPT,
        agent={"max_concurrent_agents": 20},
        codex={"command": traced_command(lab, trace)},
        hooks={
            "timeout_ms": int(TIMEOUT_S * 1000),
            **{name: f"{trace.hook(f'{name} $PWD')}\n{each}" for name, each in hooks.items()},
        },
    )
    await lab.start()

    with lab.judging("hook.after_create.fatal") as judge:
        for issue in (unmade, slow):
            await _judge_order(lab, judge, trace, issue, ["after_create", "after_create", "agent"])
    with lab.judging("hook.after_create.again") as judge:
        judge.equal(told(trace, unmade).count("after_create"), 2, "how often after_create ran")
    with lab.judging("hook.before_run.fatal") as judge:
        for issue in (unready, stuck):
            await _judge_order(lab, judge, trace, issue, ["before_run", "before_run", "agent"])
    with lab.judging("hook.after_run.failed_before_run") as judge:
        ran = "after_run" in told(trace, unready)
        judge.chosen(
            f"after a failed before_run it {'runs' if ran else 'leaves out'} after_run",
            "run" if ran else "skip",
            lab.manifest.policies.after_run_of_failed_before_run,
        )
    with lab.judging("hook.timeout.applied") as judge:
        for issue, name in ((slow, "after_create"), (stuck, "before_run"), (held, "before_run")):
            await _judge_time(lab, judge, issue, name)
    with lab.judging("hook.log.events"):
        for issue, pattern in ((unmade, FAILED), (slow, TIMED_OUT)):
            await until_logged(lab, pattern, "after_create", issue.identifier)
    with lab.judging("hook.output.truncated") as judge:
        longest = max((len(each) for each in lab.output().split() if "yyyy" in each), default=0)
        judge.holds(longest < FLOOD, expected="long output of a hook is cut", seen=longest)
    with lab.judging("workspace.populate.surfaced") as judge:
        retried = await lab.at_gate(unmade)
        judge.contains(retried.prompts()[0], "Attempt 1 ", "the prompt of the next attempt")
        await until_logged(lab, FAILED, unmade.identifier)
    with lab.judging("workspace.populate.reused_kept") as judge:
        kept = lab.files.read(unready, "filled.txt")
        judge.equal(kept, "filled\n", "the workspace after a failed before_run")


async def _judge_order(
    lab: Lab, judge: Judge, trace: Trace, issue: Handle, wanted: list[str]
) -> None:
    """The lines of these kinds, up to the agent's."""

    def seen() -> list[str]:
        return [each for each in told(trace, issue) if each in wanted]

    await lab.until(
        lambda: "agent" in seen(), f"an agent in the end: {issue.name}", within=20, seen=seen
    )
    judge.equal(seen()[: len(wanted)], wanted, f"what ran for {issue.identifier}")


async def _judge_time(lab: Lab, judge: Judge, issue: Handle, hook: str) -> None:
    """What follows the earliest run of a hook that would take for ever."""

    def own() -> list[Event]:
        lines = lab.timeline.events("files", "trace", subject="order")
        return [each for each in lines if issue.is_workspace(Path(str(each.data["line"])).name)]

    place = next(n for n, each in enumerate(own()) if str(each.data["line"]).startswith(hook))
    await lab.until(lambda: own()[place + 1 :], f"{issue.identifier} goes on after its {hook}")
    begun, later = own()[place : place + 2]
    judge.within(later.at - begun.at, TIMEOUT_S + BACKOFF_S + LEEWAY_S, f"what follows {hook}")


@scenario(
    "A hook that fails or hangs after the agent changes nothing, and a removal goes on",
    checks=(
        "hook.after_run.ignored",
        "hook.before_remove.ignored",
        "hook.timeout.applied",
        "hook.timeout.tree",
    ),
    lane=Lane.REAL_TIME,
)
async def hooks_that_fail_late(lab: Lab) -> None:
    failing = lab.tracker.put("ENG-1", title="after_run and before_remove fail")
    hanging = lab.tracker.put("ENG-2", title="after_run and before_remove hang")
    trace, pids = lab.files.trace("order"), lab.files.trace("pids")
    done = agent_script(turn(run("true")))
    lab.script(failing, done, done, WORKS)
    lab.script(hanging, done, WORKS)
    # The child is written down; what runs next in the workspace looks whether it lives.
    leave_child = f"{HANG} &\n{pids.hook('$!')}\n{HANG}"
    look = (
        f"for each in $(cat {shlex.quote(str(pids.path))}); do\n{_is_alive('$each', trace)}\ndone"
    )
    lab.workflow(
        ATTEMPT_PROMPT,
        agent={"max_turns": 1},
        hooks={
            "timeout_ms": int(TIMEOUT_S * 1000),
            "before_run": only_for(
                {hanging: f"test ! -e {shlex.quote(str(pids.path))} || {{ {look}\n}}"}
            ),
            "after_run": f"{trace.hook('after_run $PWD')}\n"
            + only_for({failing: "exit 3", hanging: leave_child}),
            "before_remove": f"{trace.hook('before_remove $PWD')}\n"
            + only_for({failing: "exit 3", hanging: HANG}),
        },
    )
    await lab.start()

    with lab.judging("hook.after_run.ignored") as judge:
        third = await lab.at_gate(failing, 3, within=20)
        judge.contains(third.prompts()[0], "Attempt 1 ", "the prompt after two good runs")
        await until_logged(lab, FAILED, "after_run")
    second = await lab.at_gate(hanging, 2, within=20)
    with lab.judging("hook.timeout.tree") as judge:
        judge.equal(
            [each for each in told(trace, hanging) if each == "alive"],
            [],
            "the children of the timed out hook when before_run ran",
        )
    for issue in (failing, hanging):
        lab.tracker.set_state(issue.name, "Done")
    with lab.judging("hook.before_remove.ignored") as judge:
        for issue in (failing, hanging):
            await lab.until(
                lambda issue=issue: lab.files.workspace(issue) is None,
                f"the workspace of {issue.identifier} is removed",
                within=2 * TIMEOUT_S + 10,
            )
            judge.contains(told(trace, issue), "before_remove", "the hooks")
        for pattern in (FAILED, TIMED_OUT):
            await until_logged(lab, pattern, "before_remove")
    with lab.judging("hook.timeout.applied") as judge:
        ends = lab.timeline.events("files", "disappeared", subject=second.name)
        marks = lab.timeline.events("agent", "gone", subject=second.name)
        # after_run, then before_remove: both are held to their time. A workspace that stays is the
        # breach of the requirement above.
        if lab.files.workspace(hanging) is None:
            judge.within(ends[-1].at - marks[-1].at, 2 * TIMEOUT_S + LEEWAY_S, "the removal")


def _is_alive(pid: str, trace: Trace) -> str:
    """Shell that leaves a line where the process is there, and is no mere zombie."""
    return f'if ps -o stat= -p "{pid}" | grep -q "^ *[^Z ]"; then {trace.hook("alive $PWD")}; fi'

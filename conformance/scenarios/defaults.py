"""What holds where the workflow file says nothing, and how roots and variables are resolved."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import Final

from conformance.agents.session import AgentSession
from conformance.agents.steps import WORKS, agent_script, gate, turn
from conformance.fakes.json_values import JsonValue
from conformance.lab.files import real
from conformance.lab.lab import Lab
from conformance.lab.watch import Poll
from conformance.scenario import Lane, scenario

WORD: Final = "SYMPHONY_LAB_WORD"
UNSET: Final = "SYMPHONY_LAB_IS_NOT_SET"
NAMELESS: Final = (
    *("WORKSPACE_ROOT", "SYMPHONY_WORKSPACE_ROOT", "SYMPHONY_WORKSPACES", "SYMPHONY_ROOT"),
    *("CODEX_COMMAND", "SYMPHONY_CODEX_COMMAND", "LINEAR_ENDPOINT", "LINEAR_API_URL"),
    *("LINEAR_PROJECT_SLUG", "SYMPHONY_PROJECT_SLUG", "GITHUB_API_URL", "GITHUB_REPOSITORY"),
    *("POLLING_INTERVAL_MS", "MAX_CONCURRENT_AGENTS", "SYMPHONY_TRACKER_KIND"),
)
"""What an implementation might read although the workflow file says something else."""
MOST_SESSIONS: Final = 10
MOST_TURNS: Final = 20
SLOW_HOOK_S: Final = 15
"""Longer than any other default that could be taken for that of hooks, but the poll interval."""

CLEANUP_S: Final = 15.0
"""From the reads for the cleanup at start to the opening tick; half of the interval."""


@scenario(
    "Roots are found by ~ and by $NAME, and nothing else in the file is rewritten",
    checks=(
        "config.root.home",
        "config.root.relative",
        "config.root.variable",
        "config.root.variable_unset",
        "config.variable.whole_value",
        "config.variable.no_override",
        "config.coerce.verbatim",
        "config.default.workspace_root",
    ),
)
async def roots_and_variables(lab: Lab) -> None:
    issue = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    places = lab.target.places
    ground = real(places.ground)
    defaults = {real(each) / "symphony_workspaces" for each in (places.temporary, "/tmp")}  # noqa: S108
    elsewhere = ground / "elsewhere"
    elsewhere.mkdir()
    lives = 0

    async def life(root: str | None, **codex: JsonValue) -> AgentSession:
        nonlocal lives
        lives += 1
        lab.workflow(workspace={"root": root}, codex=codex)
        overriding = dict.fromkeys(NAMELESS, str(ground / "overridden"))
        variables = {**overriding, WORD: "resolved", "LAB_ROOT": str(ground / "by variable")}
        await lab.start(variables=variables, directory=elsewhere)
        session = await lab.at_gate(issue, lives)
        await lab.stop()
        return session

    command = f"{lab.agents.command()} '${WORD}' '~/verbatim'"
    at_home = await life("~/the home root", command=command)
    relative = await life("below/./the_root")
    by_variable = await life("$LAB_ROOT")
    in_text = await life(str(ground / f"in ${WORD} text"))
    by_unset = await life(f"${UNSET}")
    by_default = await life(None)

    with lab.judging("config.root.home") as judge:
        judge.equal(real(at_home.cwd).parent, real(places.home) / "the home root", "the root")
    with lab.judging("config.root.relative") as judge:
        wanted = real(lab.workflow_path.parent) / "below" / "the_root"
        judge.equal(real(relative.cwd).parent, wanted, "the root")
    with lab.judging("config.coerce.verbatim") as judge:
        words = list(at_home.argv[-2:])
        judge.equal(words, [f"${WORD}", "~/verbatim"], "quoted words of the command")
    with lab.judging("config.root.variable") as judge:
        judge.equal(real(by_variable.cwd).parent, ground / "by variable", "the root")
    with lab.judging("config.variable.no_override") as judge:
        touched = [each.cwd for each in lab.sessions() if "overridden" in each.cwd]
        judge.equal(touched, [], "the directories that come from variables that nothing names")
        judge.equal((ground / "overridden").exists(), False, "whether such a directory is made")
    with lab.judging("config.variable.whole_value") as judge:
        judge.equal(real(in_text.cwd).parent, ground / f"in ${WORD} text", "the root")
    with lab.judging("config.root.variable_unset") as judge:
        judge.contains(defaults, real(by_unset.cwd).parent, "the default root")
        made = [str(each) for each in ground.rglob(f"*{UNSET}*")]
        judge.equal(made, [], "the directories that are called like the variable")
    with lab.judging("config.default.workspace_root") as judge:
        judge.contains(defaults, real(by_default.cwd).parent, "the default root")


@scenario(
    "By default ten sessions run at once, and a worker begins twenty turns",
    checks=("config.default.limits",),
)
async def default_limits(lab: Lab) -> None:
    issues = [lab.tracker.put(f"ENG-{number}") for number in range(1, MOST_SESSIONS + 2)]
    lab.script(None, agent_script(turn(gate()), turn()))
    lab.workflow()
    await lab.start()

    def working() -> int:
        return sum(each.at_gate() for each in lab.running())

    with lab.judging("config.default.limits"):
        await lab.until(
            lambda: working() >= MOST_SESSIONS,
            f"{MOST_SESSIONS} agents at work",
            within=30,
            seen=lambda: f"{working()} agents",
        )
        await lab.never(
            lambda: len(lab.sessions()) > MOST_SESSIONS, f"there are {MOST_SESSIONS} agents at most"
        )
    with lab.judging("config.default.limits") as judge:
        one = await lab.until(
            lambda: [each for each in lab.running() if each.at_gate()], "an agent"
        )
        one[0].open_gate()
        await lab.ended(one[0], within=30)
        judge.equal(len(one[0].turns), MOST_TURNS, "the turns of a worker whose issue stays active")
    for issue in issues:
        lab.finish(issue)


@scenario(
    "Without a command the agent is started as codex app-server",
    checks=("config.default.command",),
)
async def the_default_command(lab: Lab) -> None:
    issue = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    programs = lab.target.places.ground / "programs"
    programs.mkdir()
    codex = programs / "codex"
    # What follows the name of the program is the agent's own.
    own = lab.agents.command().removesuffix(" app-server")
    codex.write_text(f'#!/bin/sh\nexec {own} --marker "$@"\n', encoding="utf-8")
    codex.chmod(0o755)
    path = f"{programs}:{_path(lab)}"
    # A login shell may set PATH anew, and then reads this.
    profile = lab.target.places.home / ".bash_profile"
    profile.write_text(f"export PATH={shlex.quote(path)}\n", encoding="utf-8")
    lab.workflow(codex={"command": None})
    await lab.start(variables={"PATH": path})
    session = await lab.session(issue)
    with lab.judging("config.default.command") as judge:
        given = list(session.argv)
        after = given[given.index("--marker") + 1 :] if "--marker" in given else given
        judge.equal(after[:1], ["app-server"], "what follows codex")


@scenario(
    "Without a poll interval ticks come every 30 s, and a slow hook has its time",
    checks=("config.default.times",),
    lane=Lane.REAL_TIME,
)
async def the_default_poll_interval(lab: Lab) -> None:
    issue = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    trace = lab.files.trace("before_run")
    hook = f"sleep {SLOW_HOOK_S}; {trace.hook('done')}"
    lab.workflow(
        polling={"interval_ms": None},
        hooks={"before_run": hook, "timeout_ms": None},
        codex={"turn_timeout_ms": None, "stall_timeout_ms": None},
    )
    await lab.start()
    started = lab.timeline.events("target", "started")[0]
    with lab.judging("config.default.times") as judge:
        session = await lab.at_gate(issue, within=SLOW_HOOK_S + 10)
        judge.equal(list(trace.lines()), ["done"], "what a slow hook leaves")
        first = _opening(lab.tracker.polls())
        second, *_ = await lab.until(
            lambda: lab.tracker.polls(after=first.event), "the second poll", within=50
        )
        # Reading takes its time: only the start is surely ahead of the opening tick.
        judge.at_least(second.at - started.at, 30.0, "the second poll")
        judge.within(second.at - first.at, 33.0, "the second poll")
        judge.equal(session.alive, True, "whether a silent agent goes on")


def _opening(polls: Sequence[Poll]) -> Poll:
    """The poll of the opening tick. Whoever tells states apart by itself asks the same for the
    cleanup before it."""
    return [each for each in polls if each.at - polls[0].at < CLEANUP_S][-1]


@scenario(
    "Without a read timeout a silent agent has 5 s to answer, and its retry waits its full time",
    checks=("config.default.times",),
    lane=Lane.REAL_TIME,
)
async def the_default_read_timeout(lab: Lab) -> None:
    issue = lab.tracker.put("ENG-1")
    lab.script(issue, agent_script(silent=["thread/start"]), WORKS)
    lab.workflow(codex={"read_timeout_ms": None}, agent={"max_retry_backoff_ms": None})
    await lab.start()
    with lab.judging("config.default.times") as judge:
        silent = await lab.session(issue)
        await lab.ended(silent, within=25)
        # The request that is never answered follows the answer to the one before.
        asked = lab.timeline.events("agent", "sent", subject=silent.name)[0]
        lived = (silent.ended_at or 0) - asked.at
        judge.at_least(lived, 5.0, "the end of an agent that is silent")
        judge.within(lived, 8.0, "the end of an agent that is silent")
        later = await lab.session(issue, 2, within=25)
        judge.at_least(later.started_at - asked.at, 15.0, "the retry")


def _path(lab: Lab) -> str:
    """Where the implementation itself finds its programs."""
    own = lab.manifest.launch.environment.get("PATH")
    return own or os.environ.get("PATH", os.defpath)

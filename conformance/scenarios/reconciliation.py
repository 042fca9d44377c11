"""What becomes of a run when its issue changes, and when nobody can tell whether it did."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from conformance.agents.session import AgentSession
from conformance.agents.steps import WORKS, Script, agent_script, gate, run, turn
from conformance.fakes.chaos_setting import ChaosSetting
from conformance.fakes.json_values import JsonValue, texts
from conformance.lab.boards import Handle
from conformance.lab.files import Trace
from conformance.lab.lab import Lab
from conformance.lab.settings import DEFAULT_PROMPT, poll_interval_ms
from conformance.manifest.sections import Dialect
from conformance.scenario import Lane, scenario
from conformance.scenarios.moments import most_at_once

CLEANUP_ROOM_S: Final = 2.0
"""To end an agent and to remove a directory, on top of a tick and the continuation delay."""
BOUNDED_S: Final = 30.0
"""Until an agent has to be gone that ignores every request to end."""
SHORT_POLLS: Final = 6
"""How many polls are longer than the delay of a continuation, at four a second."""
MANY: Final = 53

WRITER_ROUNDS: Final = 1200
"""Of 50 ms and more: longer than the scenario, and not for ever."""


def _stubborn(witness: Trace) -> Script:
    """An agent that does not end for being asked to, beside a process that writes into the
    workspace as long as it lives, tells where that is gone, and makes it anew."""
    gone = f'[ -e "$D/begun" ] || {{ mkdir -p "$D"; : > "$D/begun"; {witness.hook("gone")}; }}'
    writer = (
        f"trap '' TERM HUP; D=$PWD; N=0; : > begun; while [ $N -lt {WRITER_ROUNDS} ]; do "
        f'N=$((N + 1)); {gone}; : > "$D/still-writing"; sleep 0.05; done'
    )
    return agent_script(
        turn(run(f"( {writer} ) </dev/null >/dev/null 2>&1 &"), gate()),
        ignore_end=True,
        ignore_term=True,
    )


@scenario(
    "A run whose issue no longer qualifies is stopped; its files go when the issue ended",
    checks=(
        "reconcile.state.terminal",
        "reconcile.state.inactive",
        "reconcile.route.label_removed",
        "reconcile.route.not_dispatchable",
        "reconcile.issue.missing",
        "reconcile.issue.updated",
        "reconcile.stop.released",
        "reconcile.cleanup.deadline",
        "reconcile.cleanup.after_exit",
        "reconcile.cleanup.recorded_path",
        "claim.release.redispatch",
        "claim.issue.single_run",
        "run.end.process_stopped",
    ),
)
async def reconciliation(lab: Lab) -> None:
    done, stubborn, resting, unlabelled, foreign, deleted, moved, kept = (
        lab.tracker.put(f"ENG-{number}", labels=["ready"], assignee="bot") for number in range(1, 9)
    )
    issues = (done, stubborn, resting, unlabelled, foreign, deleted, moved, kept)
    lab.script(None, WORKS)
    witness = lab.files.trace("witness")
    lab.script(stubborn, _stubborn(witness))
    settings: dict[str, dict[str, JsonValue]] = {
        "tracker": {
            "required_labels": ["ready"],
            "provider": {"assignee": "me" if lab.dialect is Dialect.LINEAR else "bot"},
        },
    }
    lab.workflow(DEFAULT_PROMPT, **settings)
    await lab.start()
    sessions = {each.name: await lab.at_gate(each) for each in issues}

    began = time.monotonic()
    lab.tracker.set_state(done.name, "Done")
    with lab.judging("reconcile.state.terminal"):
        await lab.ended(sessions[done.name])
        await lab.until(lambda: lab.files.workspace(done) is None, "the workspace is removed")
    with lab.judging("reconcile.cleanup.deadline") as judge:
        await lab.until(lambda: lab.files.workspace(done) is None, "the workspace is removed")
        bound = poll_interval_ms(lab.manifest) / 1000 + 1.0 + CLEANUP_ROOM_S
        judge.within(time.monotonic() - began, bound, "the workspace is gone")

    # Each of the others meets its own fate.
    lab.tracker.set_state(stubborn.name, "Canceled")
    lab.tracker.set_state(resting.name, "Human Review")
    lab.tracker.set_labels(unlabelled.name)
    lab.tracker.put(foreign.name, assignee="ada", blocked_by=[kept.name])
    lab.tracker.remove(deleted.name)
    lab.tracker.move_out(moved.name)
    lab.tracker.put(kept.name, state="In Progress", title="Another title")
    stopped = {
        "reconcile.state.inactive": (resting,),
        "reconcile.route.label_removed": (unlabelled,),
        "reconcile.route.not_dispatchable": (foreign,),
        "reconcile.issue.missing": (deleted, moved),
    }
    for name, those in stopped.items():
        with lab.judging(name) as judge:
            for issue in those:
                await lab.ended(sessions[issue.name])
                await lab.polls(1)
                judge.holds(
                    lab.files.workspace(issue),
                    expected=f"the workspace of {issue.identifier} stays",
                    seen=f"there are {', '.join(lab.files.names())}",
                )
    with lab.judging("run.end.process_stopped"):
        await lab.ended(sessions[stubborn.name], within=BOUNDED_S)
    with lab.judging("reconcile.cleanup.after_exit") as judge:
        await lab.until(lambda: lab.files.workspace(stubborn) is None, "the workspace is removed")
        await lab.never(
            lambda: lab.files.workspace(stubborn), "nobody is left to write into it again"
        )
        seen = len(witness.lines())
        judge.equal(seen, 0, "how often a process of the run saw its workspace removed")
    with lab.judging("reconcile.issue.updated") as judge:
        await lab.reads_by_id(kept)
        judge.holds(
            sessions[kept.name].alive,
            expected="an agent goes on whose issue is active under another title and state",
            seen="it ended",
        )
    with lab.judging("reconcile.stop.released"):
        await lab.never(
            lambda: [each.identifier for each in issues if len(lab.sessions(each)) > 1],
            "none of them gets another agent",
            polls=SHORT_POLLS,
            seen=lambda: [each.identifier for each in issues if len(lab.sessions(each)) > 1],
        )
    lab.tracker.set_state(resting.name, "Todo")
    with lab.judging("claim.release.redispatch"):
        await lab.at_gate(resting, 2)

    await _root_moves(lab, kept, sessions[kept.name], settings)
    with lab.judging("claim.issue.single_run") as judge:
        for issue in issues:
            own = lab.sessions(issue)
            judge.holds(
                most_at_once(own, scale=lab.scale) <= 1,
                expected=f"one agent of {issue.identifier} at a time",
                seen=f"{len(own)} sessions that overlap",
            )


async def _root_moves(
    lab: Lab, issue: Handle, session: AgentSession, settings: dict[str, dict[str, JsonValue]]
) -> None:
    """The root changes during the run; where the workspace would be now, another directory is."""
    elsewhere = lab.files.root.with_name("elsewhere")
    decoy = elsewhere / session.name
    decoy.mkdir(parents=True, mode=0o700)
    await lab.reload(DEFAULT_PROMPT, **settings, workspace={"root": str(elsewhere)})
    lab.tracker.set_state(issue.name, "Done")
    with lab.judging("reconcile.cleanup.recorded_path") as judge:
        await lab.ended(session)
        await lab.until(
            lambda: not Path(session.cwd).exists(), "the workspace of the run is removed"
        )
        await lab.polls()
        judge.holds(
            decoy.exists(),
            expected="a directory of the same name below the new root stays",
            seen="it is gone",
        )


@scenario(
    "More than fifty running issues are all refreshed",
    checks=("reconcile.read.all_ids",),
    lane=Lane.ALONE,
)
async def many_running_issues(lab: Lab) -> None:
    issues = [lab.tracker.put(f"ENG-{number}") for number in range(1, MANY + 1)]
    lab.tracker.set_chaos(ChaosSetting(seed=lab.seed, page_size=50))
    # So many fake agents would take the machine; these only say that they were started. They keep
    # their output open: one that closed it would have failed.
    starts = lab.files.trace("starts")
    lab.workflow(
        agent={"max_concurrent_agents": 2 * MANY},
        codex={
            "command": f"{starts.hook('$PWD')}; exec cat 3>&1 >/dev/null",
            "read_timeout_ms": 120_000,
        },
    )
    await lab.start()
    await lab.until(
        lambda: len(starts.lines()) >= MANY,
        f"{MANY} agents are started",
        within=60,
        seen=lambda: f"{len(starts.lines())} were",
    )

    mark = lab.timeline.last
    with lab.judging("reconcile.read.all_ids") as judge:
        await lab.never(
            lambda: len(starts.lines()) > MANY, "no agent is stopped and started again", polls=2
        )
        reads = lab.tracker.reads("by_id", after=mark)
        judge.holds(reads, expected="reads of what runs", seen="none")
        named = {id_ for each in reads for id_ in texts(each.data["ids"])}
        # Whoever asks by numbers names no id, and has shown by now that none was missing.
        missing = [each.identifier for each in issues if each.id not in named] if named else []
        judge.equal(missing, [], "the running issues that were not asked for")

"""What a start does before anything else, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from conformance.agents.steps import WORKS
from conformance.lab.lab import Lab
from conformance.lab.timeline import Event
from conformance.scenario import scenario
from conformance.scenarios.lives import printed_since

LONG_INTERVAL_MS: Final = 60_000
"""So long that an opening tick that waited for it would not come in time."""
AT_ONCE_S: Final = 1.0
"""For the cleanup of one workspace with a hook; what waits for an interval waits for a minute."""
STRANGERS: Final = ("notes", "ENG-9099")
"""Directories that belong to no issue of the tracker."""


@scenario(
    "A start removes the workspaces of finished issues, no others, and dispatches at once",
    checks=(
        "startup.order.sequence",
        "startup.cleanup.terminal",
        "startup.cleanup.others_kept",
        "startup.cleanup.fetch_failed",
        "startup.cleanup.by_workspace",
        "cli.stop.workspaces_kept",
    ),
)
async def cleanup_at_start(lab: Lab) -> None:
    finished = lab.tracker.put("ENG-1")
    active = lab.tracker.put("ENG-2")
    resting = lab.tracker.put("ENG-3")
    deleted = lab.tracker.put("ENG-4")
    issues = (finished, active, resting, deleted)
    lab.script(None, WORKS)
    trace = lab.files.trace("before_remove")
    hooks = {
        "after_create": "echo of an earlier life > note.txt",
        "before_remove": trace.hook("removed $PWD"),
    }
    lab.workflow(hooks=hooks)
    await lab.start()
    for issue in issues:
        await lab.at_gate(issue)
    await lab.stop()
    with lab.judging("cli.stop.workspaces_kept") as judge:
        for issue in issues:
            note = lab.files.read(issue, "note.txt")
            judge.equal(note, "of an earlier life\n", f"a file in that of {issue.identifier}")

    lab.tracker.set_state(finished.name, "Done")
    lab.tracker.set_state(resting.name, "Backlog")
    lab.tracker.remove(deleted.name)
    for name in STRANGERS:
        lab.files.make_workspace(name, note="of a stranger")
    kept = [each for each in (active, resting, deleted) if lab.files.workspace(each)]
    lab.workflow("A new life", hooks=hooks, polling={"interval_ms": LONG_INTERVAL_MS})
    mark = lab.timeline.last
    await lab.start()
    with lab.judging("startup.order.sequence"):
        await lab.at_gate(active, 2)
    with lab.judging("startup.cleanup.terminal"):
        await lab.until(
            lambda: lab.files.workspace(finished) is None,
            "the workspace of a finished issue is removed",
            seen=lambda: f"there are {', '.join(lab.files.names())}",
        )
    cleanup, polls = _reads_at_start(lab, mark)
    with lab.judging("startup.order.sequence") as judge:
        judge.before(
            cleanup[0] if cleanup else None,
            polls[0] if polls else None,
            "what is finished is asked for before the candidates",
        )
        judge.within(polls[0].at - cleanup[0].at, AT_ONCE_S, "the opening tick after the cleanup")
        removed = lab.timeline.events("files", "trace", subject=trace.name, after=mark)
        starts = lab.timeline.events("agent", "start", after=mark)
        if removed:
            judge.before(
                removed[0],
                starts[0] if starts else None,
                "finished workspaces are removed before an agent starts",
            )
    with lab.judging("startup.cleanup.by_workspace") as judge:
        asked = lab.tracker.reads("terminal", after=mark)
        by_workspace = any(each.data["ids"] for each in asked)
        judge.info("asked for " + ("single issues" if by_workspace else "finished issues"))
    with lab.judging("startup.cleanup.others_kept") as judge:
        for issue in kept:
            note = lab.files.read(issue, "note.txt")
            judge.equal(note, "of an earlier life\n", f"a file in that of {issue.identifier}")
        for name in STRANGERS:
            judge.contains(lab.files.names(), name, "the workspace root")
    await lab.stop()

    lab.tracker.set_state(resting.name, "Done")
    if cleanup and cleanup[0].kind == "candidates":
        lab.tracker.fault("status", only="candidates", status=503)
    else:
        lab.tracker.fault("status", times=None, only="terminal", status=503)
    before, begun = lab.output(), len(lab.sessions(active))
    lab.workflow("In spite of it", hooks=hooks)
    with lab.judging("startup.cleanup.fetch_failed") as judge:
        await lab.start()
        last = await lab.at_gate(active, begun + 1, within=30)
        judge.equal(last.prompts()[0], "In spite of it", "the prompt")
        faults = lab.timeline.events("tracker", "fault")
        judge.holds(faults, expected="what is finished is asked for", seen="it was not")
        said = printed_since(lab, before).lower().splitlines()
        warned = [line for line in said if any(each in line for each in ("warn", "error", "fail"))]
        judge.holds(warned, expected="a warning is logged", seen="\n".join(said[-5:]))
    lab.tracker.clear_faults()


def _reads_at_start(lab: Lab, mark: int) -> tuple[Sequence[Event], Sequence[Event]]:
    """Those for the cleanup, and those of candidates. Whoever asks for issues in any state, and
    tells them apart by itself, asks the same twice: first for the cleanup."""
    cleanup = lab.tracker.reads("terminal", after=mark)
    polls = [
        each for each in lab.tracker.reads("candidates", after=mark) if each.data["is_opening"]
    ]
    if not cleanup and polls[1:] and not polls[0].data["states"]:
        return polls[:1], polls[1:]
    return cleanup, polls

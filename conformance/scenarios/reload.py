"""Edits of the workflow file while the service runs."""

from __future__ import annotations

import os
from typing import Final

from conformance.agents.steps import WORKS
from conformance.lab.boards import ACTIVE_STATES, TERMINAL_STATES
from conformance.lab.files import real
from conformance.lab.lab import Lab
from conformance.lab.settings import poll_interval_ms
from conformance.scenario import scenario

MARKER: Final = "--of-the-new-file"
"""An argument of the agent."""
RAISED: Final = 3
"""The higher limit: one more than run."""
SLOWER: Final = 3
"""By how much the poll interval is made longer."""
SPAN: Final = 4
"""Over so many intervals it is measured."""


@scenario(
    "An edit governs what starts after it, and ends nothing that runs",
    checks=(
        "reload.detect.change",
        "reload.apply.prompt",
        "reload.apply.runs",
        "reload.apply.concurrency",
        "reload.apply.states",
        "reload.apply.poll_interval",
        "reload.limit.no_kill",
        "reload.session.in_flight",
    ),
)
async def edits_of_the_workflow(lab: Lab) -> None:
    one, two, review = (
        lab.tracker.put("ENG-1"),
        lab.tracker.put("ENG-2"),
        lab.tracker.put("ENG-3", state="Review"),
    )
    lab.script(None, WORKS)
    lab.workflow("The old prompt")
    await lab.start()
    running = [await lab.at_gate(one), await lab.at_gate(two)]

    # Fewer than run, and none of them may end.
    await lab.reload("The new prompt", agent={"max_concurrent_agents": 1})
    waiting = lab.tracker.put("ENG-4", priority=1)
    excess = lab.tracker.put("ENG-7", priority=4)
    with lab.judging("reload.limit.no_kill"):
        await lab.never(
            lambda: [each for each in running if not each.alive], "a lower limit ends no agent"
        )
    with lab.judging("reload.apply.concurrency"):
        await lab.never(
            lambda: lab.sessions(waiting) and all(each.alive for each in running),
            "nothing is dispatched while more run than the lower limit allows",
        )
    with lab.judging("reload.session.in_flight") as judge:
        goes_on = all(each.alive for each in running)
        judge.chosen(
            "a session goes on" if goes_on else "it is restarted",
            "keep" if goes_on else "restart",
            lab.manifest.policies.reload_in_flight,
        )

    await lab.reload("The new prompt", agent={"max_concurrent_agents": RAISED})
    with lab.judging("reload.apply.concurrency"):
        await lab.at_gate(waiting)
        # Whoever ended one of those that ran has room for the last of them.
        await lab.never(
            lambda: lab.sessions(excess) and len(lab.running()) > RAISED,
            "with the higher limit one more is dispatched",
        )

    trace = lab.files.trace("before_run")
    new_root = real(lab.files.root.parent) / "other workspaces"
    await lab.reload(
        "The new prompt",
        hooks={"before_run": trace.hook("of the new file")},
        workspace={"root": str(new_root)},
        codex={"command": f"{lab.agents.command()} {MARKER}"},
    )
    begun = await lab.at_gate(lab.tracker.put("ENG-8", priority=1))
    with lab.judging("reload.detect.change") as judge:
        judge.holds(
            "new" in begun.prompts()[0] or MARKER in begun.argv or trace.lines(),
            expected="something of the file that replaced the old one has an effect",
            seen=f"the prompt {begun.prompts()[0]!r} and the arguments {begun.argv}",
        )
    with lab.judging("reload.apply.prompt") as judge:
        judge.equal(begun.prompts()[0], "The new prompt", "the prompt of a later run")
    with lab.judging("reload.apply.runs") as judge:
        judge.contains(trace.lines(), "of the new file", "what the new hook leaves")
        judge.equal(real(begun.cwd).parent, new_root, "the root of a later run")
        judge.contains(begun.argv, MARKER, "the command of a later run")

    # States: one more is active, one more is terminal, and a label is required.
    active, terminal = [*ACTIVE_STATES, "Review"], [*TERMINAL_STATES, "Shipped"]
    await lab.reload(tracker={"active_states": active, "terminal_states": terminal})
    with lab.judging("reload.apply.states"):
        await lab.at_gate(review)
        lab.tracker.set_state(one.name, "Shipped")
        await lab.until(lambda: not lab.running(one), "what is terminal by now loses its agent")
        await lab.until(
            lambda: lab.files.workspace(one) is None, "what is terminal by now loses its workspace"
        )
    lab.tracker.set_labels(two.name, "agent")
    await lab.reload(
        tracker={"active_states": active, "terminal_states": terminal, "required_labels": ["agent"]}
    )
    with lab.judging("reload.apply.states"):
        await lab.until(lambda: not lab.running(review), "an agent without the new label ends")
        await lab.until(lambda: lab.running(two), "the labelled issue has its agent")
    unlabelled = lab.tracker.put("ENG-5")
    with lab.judging("reload.apply.states"):
        await lab.never(lambda: lab.sessions(unlabelled), "without the label there is no agent")

    interval_s = SLOWER * poll_interval_ms(lab.manifest) / 1000
    await lab.reload(polling={"interval_ms": round(1000 * interval_s)})
    mark = lab.timeline.last
    with lab.judging("reload.apply.poll_interval") as judge:
        polls = await lab.until(
            lambda: lab.tracker.polls(after=mark)[SPAN + 1 :] and lab.tracker.polls(after=mark),
            "polls after the change",
            within=10 + (SPAN + 2) * interval_s,
        )
        # The one that was awaited when the file changed may come by the old interval.
        span = polls[SPAN + 1].at - polls[1].at
        # What a tick does ahead of its read of the candidates does not always take the same time.
        judge.at_least(span, (SPAN - 1) * interval_s, f"{SPAN} polls later")
        # Room for a busy machine: what matters is that it is this interval and no other.
        judge.within(span, SPAN * interval_s + 8.0, f"{SPAN} polls later")

    # Written in place, by an editor that keeps the file.
    text = lab.workflow_path.read_text(encoding="utf-8")
    edited = text.replace(" app-server", f" app-server {MARKER}") + "\nand more\n"
    lab.workflow_path.write_text(edited, encoding="utf-8")
    await lab.settle()
    later = lab.tracker.put("ENG-6")
    with lab.judging("reload.detect.change") as judge:
        session = await lab.at_gate(later)
        judge.holds(
            "and more" in session.prompts()[0] or MARKER in session.argv,
            expected="an edit in place has an effect",
            seen=f"the prompt {session.prompts()[0]!r} and the arguments {session.argv}",
        )


@scenario(
    "An edit behind a link is noticed, although nothing happens where the file seems to be",
    checks=("reload.detect.defensive", "reload.detect.change"),
)
async def edits_behind_a_link(lab: Lab) -> None:
    first = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    command = lab.agents.command()
    text = lab.workflow("The old prompt", codex={"command": f"{command} --of-the-old-file"})
    target = lab.target.places.ground / "kept elsewhere.md"
    target.write_text(text, encoding="utf-8")
    lab.workflow_path.unlink()
    lab.workflow_path.symlink_to(target)
    await lab.start()
    await lab.at_gate(first)

    # As long as before, and as old: only its content tells.
    status = target.stat()
    new = target.with_name("new.md")
    new.write_text(
        text.replace("The old", "The new").replace("-old-file", "-new-file"), encoding="utf-8"
    )
    os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
    new.replace(target)
    await lab.settle()
    later = lab.tracker.put("ENG-2")
    session = await lab.at_gate(later)
    for id_ in ("reload.detect.defensive", "reload.detect.change"):
        with lab.judging(id_) as judge:
            judge.holds(
                "new" in session.prompts()[0] or MARKER in session.argv,
                expected="the edit has an effect",
                seen=f"the prompt {session.prompts()[0]!r} and the arguments {session.argv}",
            )

"""What every tick does: it comes in time, looks at what runs, checks the settings, dispatches."""

from __future__ import annotations

import math
from statistics import median
from typing import Final

from conformance.agents.steps import WORKS
from conformance.fakes.json_values import texts
from conformance.lab.boards import Handle
from conformance.lab.lab import Lab
from conformance.lab.watch import Poll
from conformance.scenario import scenario

TICKS: Final = 5
INTERVAL_MS: Final = 800
"""Long enough to tell what belongs to one tick from what belongs to the next."""
SHORTEST_SHARE: Final = 0.8
"""Of the interval: ticks that come faster on the average come too early."""


@scenario(
    "Ticks come every interval, reconcile before they dispatch, and validate the settings",
    checks=(
        "tick.cadence.interval",
        "tick.order.reconcile",
        "tick.validate.each",
        "reconcile.read.failed",
    ),
)
async def ticks(lab: Lab) -> None:
    interval_ms = max(INTERVAL_MS, lab.manifest.limits.smallest_poll_interval_ms)
    interval_s = interval_ms / 1000
    polling = {"interval_ms": interval_ms}
    running = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    lab.workflow(polling=polling)
    await lab.start()
    await lab.at_gate(running)

    mark = lab.timeline.last
    polls = await lab.until(
        lambda: lab.tracker.polls(after=mark)[TICKS:] and lab.tracker.polls(after=mark),
        f"{TICKS} ticks",
        within=10 + 2 * TICKS * interval_s,
    )
    average = (polls[TICKS].at - polls[0].at) / TICKS
    with lab.judging("tick.cadence.interval") as judge:
        judge.holds(
            average >= SHORTEST_SHARE * interval_s,
            expected=f"a tick every {interval_s:g} s",
            seen=f"one every {average:.3f} s",
        )
        judge.within(average, interval_s + 1.0, "the next tick")
    with lab.judging("tick.order.reconcile") as judge:
        ages = [_age_of_refresh(lab, running, each) for each in polls[1 : TICKS + 1]]
        judge.holds(
            median(ages) < interval_s / 2,
            expected="the running issue is read shortly before the candidates",
            seen=f"it was read {median(ages):.3f} s before",
        )

    # Reads of what runs go on while the settings are invalid, and show that ticks do.
    lab.workflow(tracker={"kind": "nowhere"}, polling=polling)
    latency_ms = lab.manifest.limits.reload_latency_ms
    await lab.reads_by_id(running, math.ceil(latency_ms / interval_ms) + 1)
    late = lab.tracker.put("ENG-2")
    with lab.judging("tick.validate.each") as judge:
        await lab.reads_by_id(running, 2)
        judge.holds(
            not lab.sessions(late),
            expected="nothing is dispatched while the settings are invalid",
            seen=f"{late.identifier} ran",
        )
    lab.workflow(polling=polling)
    with lab.judging("tick.validate.each"):
        await lab.at_gate(late)
    await lab.at_gate(late)
    await _refresh_fails(lab, running)


async def _refresh_fails(lab: Lab, issue: Handle) -> None:
    """No read by id succeeds for some ticks, in two ways; then they do again."""
    before = len(lab.running())
    with lab.judging("reconcile.read.failed") as judge:
        for kind in ("status", "errors_without_data"):
            mark = lab.timeline.last
            lab.tracker.fault(kind, only="by_id", times=None)
            await lab.polls(3)
            # Whoever reads one issue at a time gives up at the first, which may be the other one.
            judge.holds(
                lab.tracker.reads("by_id", after=mark),
                expected="what runs is read although such reads fail",
                seen="nothing was",
            )
            lab.tracker.clear_faults()
        await lab.reads_by_id(issue, 1)
        judge.equal(len(lab.running()), before, "the agents that go on")
        judge.equal(len(lab.sessions()), before, "the agents that were started")


def _age_of_refresh(lab: Lab, issue: Handle, poll: Poll) -> float:
    """Seconds between the latest read of the issue by its id and this read of candidates."""
    reads = [
        each.at
        for each in lab.tracker.reads("by_id")
        if each.number < poll.event and issue.id in (texts(each.data["ids"]) or [issue.id])
    ]
    return poll.at - reads[-1] if reads else math.inf

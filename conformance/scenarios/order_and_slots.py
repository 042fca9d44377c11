"""Which issues are dispatched, in which order, and how many at once."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.agents.steps import WORKS
from conformance.lab.boards import Handle
from conformance.lab.judging import UnmetError
from conformance.lab.lab import Lab
from conformance.manifest.sections import Dialect
from conformance.scenario import scenario
from conformance.scenarios.moments import most_at_once


@scenario(
    "One slot is given to issues by priority, then by age, then by identifier as text",
    checks=(
        "order.priority.ranked",
        "order.priority.zero",
        "order.created.oldest",
        "order.identifier.lexicographic",
    ),
)
async def the_order_of_issues(lab: Lab) -> None:
    # It holds the only slot until all others are known.
    plug = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    lab.workflow(agent={"max_concurrent_agents": 1})
    await lab.start()
    await lab.at_gate(plug)

    issues = [
        lab.tracker.put("ENG-6", created_at="2024-03-01T00:00:00Z"),
        lab.tracker.put("ENG-7", created_at="2024-01-01T00:00:00Z"),
        lab.tracker.put("ENG-8", created_at="2024-02-01T00:00:00Z"),
        lab.tracker.put("ENG-9", created_at="2024-04-01T00:00:00Z"),
        lab.tracker.put("ENG-10", created_at="2024-04-01T00:00:00Z"),
    ]
    ranked: list[Handle] = []
    # How a priority stands on an issue of GitHub is for each adapter to say.
    if lab.dialect is Dialect.LINEAR:
        ranked = [
            lab.tracker.put("ENG-2", priority=4, created_at="2024-05-02T00:00:00Z"),
            lab.tracker.put("ENG-3", priority=3, created_at="2024-05-03T00:00:00Z"),
            lab.tracker.put("ENG-4", priority=2, created_at="2024-05-04T00:00:00Z"),
            lab.tracker.put("ENG-5", priority=1, created_at="2024-05-05T00:00:00Z"),
        ]
    await lab.polls()
    lab.finish(plug)
    order = await _order_of(lab, [*issues, *ranked])

    def places(*names: str) -> Sequence[int]:
        return [order.index(name) for name in names]

    seen = ", ".join(order)
    if lab.dialect is Dialect.LINEAR:
        with lab.judging("order.priority.ranked") as judge:
            judge.holds(
                places("ENG-5", "ENG-4", "ENG-3", "ENG-2")
                == sorted(places("ENG-5", "ENG-4", "ENG-3", "ENG-2")),
                expected="priorities 1, 2, 3, 4 in this order: ENG-5, ENG-4, ENG-3, ENG-2",
                seen=seen,
            )
        with lab.judging("order.priority.zero") as judge:
            judge.holds(
                order.index("ENG-7") > max(places("ENG-2", "ENG-5")),
                expected="ENG-7, older and without a priority, after those that have one",
                seen=seen,
            )
    else:
        reason = "how a priority stands on an issue of GitHub is for each adapter to say"
        lab.not_applicable("order.priority.ranked", reason)
        lab.not_applicable("order.priority.zero", reason)
    with lab.judging("order.created.oldest") as judge:
        judge.holds(
            places("ENG-7", "ENG-8", "ENG-6", "ENG-9")
            == sorted(places("ENG-7", "ENG-8", "ENG-6", "ENG-9")),
            expected="the oldest ahead: ENG-7, ENG-8, ENG-6, ENG-9",
            seen=seen,
        )
    with lab.judging("order.identifier.lexicographic") as judge:
        judge.holds(
            order.index("ENG-10") < order.index("ENG-9"),
            expected=f"{issues[4].identifier} ahead of {issues[3].identifier}, of the same age",
            seen=seen,
        )


async def _order_of(lab: Lab, issues: Sequence[Handle]) -> Sequence[str]:
    """Let each do its work in its turn; the names in the order in which they were dispatched."""
    order: list[str] = []
    waiting = list(issues)
    while waiting:
        found = await lab.until(
            lambda: [each for each in waiting if lab.sessions(each)],
            "the next issue is dispatched",
            seen=lambda: f"after {', '.join(order) or 'none'} no other is",
        )
        if len(found) > 1:
            names = " and ".join(each.name for each in found)
            raise UnmetError("one agent at a time", f"{names} run")
        issue = found[0]
        order.append(issue.name)
        waiting.remove(issue)
        await lab.at_gate(issue)
        lab.finish(issue)
    return order


@scenario(
    "Limits for all issues and for those of one state hold, by the state that an issue is in now",
    checks=(
        "slots.global.limit",
        "slots.state.limit",
        "slots.state.no_blocking",
        "slots.state.refreshed",
        "reconcile.issue.updated",
    ),
)
async def slots(lab: Lab) -> None:
    def doing(number: int) -> Handle:
        created = f"2024-01-{number:02}T00:00:00Z"
        return lab.tracker.put(f"ENG-{number}", state="In Progress", created_at=created)

    def planned(number: int) -> Handle:
        return lab.tracker.put(f"ENG-{number}", created_at=f"2024-01-{number:02}T00:00:00Z")

    first, second = doing(11), doing(12)
    third, fourth, fifth = planned(13), planned(14), planned(15)
    lab.script(None, WORKS)
    limits = {"max_concurrent_agents": 3, "max_concurrent_agents_by_state": {"in progress": 1}}
    lab.workflow(agent=limits)
    await lab.start()
    session = await lab.at_gate(first)

    with lab.judging("slots.state.no_blocking"):
        await lab.at_gate(third)
        await lab.at_gate(fourth)
    with lab.judging("slots.state.limit"):
        await lab.never(lambda: lab.sessions(second), "one issue at a time in In Progress")
    with lab.judging("slots.global.limit"):
        await lab.never(lambda: len(lab.running()) > 3, "three agents at once")

    # The oldest moves on: its state has room again for the second.
    lab.tracker.set_state(first.name, "Todo")
    await lab.reads_by_id(first)
    lab.finish(third)
    with lab.judging("slots.state.refreshed"):
        await lab.at_gate(second)
    with lab.judging("reconcile.issue.updated") as judge:
        judge.holds(
            session.alive and len(lab.sessions(first)) == 1,
            expected="its agent goes on while its issue moves from In Progress to Todo",
            seen=f"{len(lab.sessions(first))} sessions, {session.end_reason or 'no end'}",
        )

    # Another one moves the other way, and takes the room of its new state.
    lab.tracker.set_state(fourth.name, "In Progress")
    await lab.reads_by_id(fourth)
    sixth = doing(10)
    await lab.polls()
    lab.finish(second)
    with lab.judging("slots.state.no_blocking"):
        await lab.at_gate(fifth)
    with lab.judging("slots.state.refreshed"):
        await lab.never(
            lambda: lab.sessions(sixth), "a running issue that moved to In Progress fills it"
        )

    with lab.judging("slots.global.limit") as judge:
        judge.equal(most_at_once(lab.sessions(), scale=lab.scale), 3, "the most agents at once")

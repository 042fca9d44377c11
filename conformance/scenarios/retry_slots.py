"""Retries that are due while all slots are taken, and slots that free between two ticks."""

from __future__ import annotations

import time
from typing import Final

from conformance.agents.steps import WORKS, fail
from conformance.fakes.json_values import JsonObject, as_array, as_object
from conformance.lab.boards import Handle
from conformance.lab.judging import UnmetError
from conformance.lab.lab import Lab
from conformance.scenario import Lane, scenario
from conformance.scenarios.moments import last_sent_at

PROMPT: Final = "{% if attempt %}Attempt {{ attempt }}{% else %}A fresh start{% endif %}"
REASON: Final = "no available orchestrator slots"
CAP_MS: Final = 1_500
"""Of the backoff, so that another issue takes the slot long before the retry is due."""
MARGIN_S: Final = 1.0
SOON_S: Final = 5.0
"""For a read and the start of an agent; less than any backoff."""
POLLS: Final = 10
"""How many polls are longer than the backoff, at four a second."""
LONG_INTERVAL_MS: Final = 60_000
"""Between two polls: whatever happens in the scenario happens between them."""


@scenario(
    "A due retry that finds no slot stays queued, says why, and runs once there is one",
    checks=(
        "retry.slots.requeue",
        "retry.slots.reason",
        "retry.slots.attempt",
        "retry.entry.fields",
    ),
)
async def retries_wait_for_slots(lab: Lab) -> None:
    def doing(number: int) -> Handle:
        created = f"2024-01-{number:02}T00:00:00Z"
        return lab.tracker.put(f"ENG-{number}", state="In Progress", created_at=created)

    first, second = doing(1), doing(2)
    lab.script(None, WORKS)
    limits = {"max_concurrent_agents": 2, "max_concurrent_agents_by_state": {"in progress": 1}}
    lab.workflow(PROMPT, agent={**limits, "max_retry_backoff_ms": CAP_MS})
    await lab.start(port=lab.free_port() if lab.offers("http") else None)

    # No slot for its state, while one is free globally.
    (await lab.at_gate(first)).push(fail())
    await lab.at_gate(second)
    with lab.judging("retry.slots.requeue"):
        await lab.never(
            lambda: len(lab.sessions(first)) > 1,
            "a retry whose state is at its limit waits",
            polls=POLLS,
        )
    lab.finish(second)
    with lab.judging("retry.slots.requeue") as judge:
        later = await lab.at_gate(first, 2)
        judge.contains(later.prompts()[0], "Attempt ", "the prompt of the retry that waited")

    # No slot at all.
    third = lab.tracker.put("ENG-3")
    session = await lab.at_gate(third)
    fourth = lab.tracker.put("ENG-4")
    session.push(fail())
    await lab.at_gate(fourth)
    with lab.judging("retry.slots.requeue"):
        await lab.never(
            lambda: len(lab.sessions(third)) > 1,
            "a retry waits while all slots are taken",
            polls=POLLS,
        )
    await _judge_entry(lab, third)
    lab.finish(fourth)
    with lab.judging("retry.slots.requeue") as judge:
        later = await lab.at_gate(third, 2)
        judge.contains(later.prompts()[0], "Attempt ", "the prompt of the retry that waited")
    with lab.judging("retry.slots.attempt") as judge:
        judge.info(f"after waiting for a slot: {lab.sessions(third)[-1].prompts()}")


async def _judge_entry(lab: Lab, issue: Handle) -> None:
    """The entry of a retry that waits: by the HTTP interface, else by what is logged of it."""
    if lab.offers("http"):
        row = await _retrying_row(lab, issue)
        with lab.judging("retry.entry.fields") as judge:
            for member in ("attempt", "due_at", "issue_identifier", "error"):
                judge.holds(row.get(member), expected=f"the row has {member}", seen=row)
        with lab.judging("retry.slots.reason") as judge:
            judge.equal(row.get("error"), REASON, "the error of the retry that waits")
        return
    reason = "without the HTTP interface a queued retry shows in no place that is prescribed"
    lab.not_applicable("retry.entry.fields", reason)
    lines = [each for each in lab.log() if each.has(issue.identifier, "slot")]
    if not lines:
        lab.not_applicable("retry.slots.reason", reason)
        return
    with lab.judging("retry.slots.reason") as judge:
        judge.holds(
            [each for each in lines if REASON in each.text],
            expected=f"what is logged of the retry that waits says: {REASON}",
            seen=lines[-1].text,
        )


async def _retrying_row(lab: Lab, issue: Handle) -> JsonObject:
    async def ask() -> JsonObject:
        state = (await lab.api.state()).object()
        for each in as_array(state.get("retrying")):
            row = as_object(each)
            if row.get("issue_id") == issue.id or row.get("issue_identifier") == issue.identifier:
                return row
        raise UnmetError("a row of the retry", f"{state.get('retrying')}")

    try:
        return await lab.until_answered(ask, f"a row of the retry of {issue.identifier}")
    except UnmetError as unmet:
        return {"none": unmet.seen}


@scenario(
    "A slot that frees between two ticks is taken at once",
    checks=("refill.slot.freed",),
)
async def a_slot_that_frees(lab: Lab) -> None:
    first, second = (
        lab.tracker.put(f"ENG-{number}", created_at=f"2024-01-0{number}T00:00:00Z")
        for number in (1, 2)
    )
    lab.script(None, WORKS)
    lab.workflow(
        agent={"max_concurrent_agents": 1},
        polling={"interval_ms": LONG_INTERVAL_MS},
    )
    await lab.start()
    session = await lab.at_gate(first)
    mark = lab.timeline.last

    lab.finish(first)
    with lab.judging("refill.slot.freed") as judge:
        await lab.ended(session)
        await lab.session(second)
        by_id = lab.tracker.reads("by_id", after=mark)
        reads = by_id or lab.tracker.reads("candidates", after=mark)
        judge.holds(reads, expected="a fresh read before the dispatch", seen="no read at all")


@scenario(
    "A retry that waits for a slot is woken by the slot, not by its clock",
    checks=("retry.slots.wakes", "run.events.stale"),
    lane=Lane.REAL_TIME,
)
async def a_slot_wakes_a_retry(lab: Lab) -> None:
    first = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    # The first retry is due after 10 s, and would look again after 10 s more or 20 s.
    lab.workflow(agent={"max_concurrent_agents": 1, "max_retry_backoff_ms": LONG_INTERVAL_MS})
    await lab.start()
    session = await lab.at_gate(first)
    second = lab.tracker.put("ENG-2")
    session.push(fail())
    other = await lab.at_gate(second)
    due = last_sent_at(lab, session) + 10.0
    await lab.until(lambda: time.monotonic() > due + MARGIN_S, "the retry is due", within=15)

    lab.finish(second)
    await lab.ended(other)
    freed = time.monotonic()
    with lab.judging("retry.slots.wakes") as judge:
        later = await lab.session(first, 2, within=SOON_S)
        judge.measured(max(0.0, later.started_at - freed))

    # The clock that it did not wait for goes on somewhere, and must mean nothing by now.
    session = await lab.at_gate(first, 2)
    session.push(fail())
    later = await lab.session(first, 3, within=50)
    with lab.judging("run.events.stale") as judge:
        waited = later.started_at - last_sent_at(lab, session)
        judge.at_least(waited, 20.0, "the retry after two failures in a row")

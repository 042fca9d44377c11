"""Which records a read gives, and which it must not: scope, pages, ids, malformed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from conformance.agents.session import AgentSession
from conformance.agents.steps import WORKS
from conformance.fakes.chaos_setting import ChaosSetting
from conformance.fakes.json_values import JsonValue, as_array, as_object, texts
from conformance.fakes.recording import Request
from conformance.lab.boards import Handle
from conformance.lab.judging import UnmetError
from conformance.lab.lab import Lab
from conformance.manifest.sections import Dialect
from conformance.scenario import scenario

PAGE: Final = 1
"""Issues on a page, so that there are many pages of few agents."""
PROMPT: Final = "{{ issue.identifier }}/{{ issue.title }}/{{ issue.state }}"


@scenario(
    "Reads by states go through all pages, keep to their scope, and are not asked for nothing",
    checks=(
        "tracker.states.pages",
        "tracker.states.scope",
        "tracker.reads.empty",
        "issue.id.opaque",
        "tracker.writes.none",
    ),
)
async def pages_and_scope(lab: Lab) -> None:
    lab.script(None, WORKS)
    lab.workflow(agent={"max_concurrent_agents": 20}, tracker={"terminal_states": []})
    lab.tracker.set_chaos(ChaosSetting(seed=lab.seed, page_size=PAGE))
    outside = lab.tracker.put("ENG-1")
    lab.tracker.move_out(outside.name)
    resting = lab.tracker.put("ENG-2", state="Backlog")
    await lab.start()
    # Nothing runs and nothing waits: there is no id to ask for.
    await lab.polls()
    with lab.judging("tracker.reads.empty") as judge:
        empty = [each for each in lab.tracker.requests() if asks_for_nothing(each)]
        judge.equal([dict(each.variables) for each in empty], [], "the requests for nothing")
        asked = [each.text for each in lab.tracker.reads("by_id")]
        # What runs although it must not has an id, and is the breach of another requirement.
        judge.holds(
            not asked or lab.sessions(), expected="no reads by id while there is none", seen=asked
        )

    # A page that is just full, and then one more: what was the last page has another after it.
    full = [lab.tracker.put(f"ENG-{number}") for number in range(3, 3 + PAGE)]
    for issue in full:
        await lab.at_gate(issue)
    await lab.polls()
    more = [lab.tracker.put("ENG-10")]
    with lab.judging("tracker.states.pages"):
        await _all_run(lab, more)
        more += [lab.tracker.put(f"ENG-{number}") for number in range(11, 20)]
        await _all_run(lab, more)
    with lab.judging("tracker.states.scope"):
        unwanted = (outside, resting)
        await lab.never(
            lambda: [each.identifier for each in unwanted if lab.sessions(each)],
            "an issue of another scope or state gets no agent",
        )
    if lab.dialect is Dialect.LINEAR:
        with lab.judging("issue.id.opaque") as judge:
            reads = lab.tracker.reads("by_id")
            judge.holds(reads, expected="reads by id while issues run", seen="none")
            named = {id_ for each in reads for id_ in texts(each.data["ids"])}
            known = {each.id for each in (outside, resting, *full, *more)}
            judge.equal(sorted(named - known), [], "the ids that Linear never gave")
    else:
        lab.not_applicable("issue.id.opaque", "which id an issue of GitHub has is for the adapter")
    with lab.judging("tracker.writes.none") as judge:
        judge.equal(list(lab.tracker.reads("mutation")), [], "what was written to the tracker")


async def _all_run(lab: Lab, issues: Sequence[Handle]) -> None:
    await lab.until(
        lambda: all(lab.sessions(each) for each in issues),
        "the issues on all pages are dispatched",
        seen=lambda: [each.identifier for each in issues if not lab.sessions(each)],
    )


def asks_for_nothing(request: Request) -> bool:
    """Whether a filter or a list of ids in it is empty."""
    return any(_has_empty_list(asked.arguments) for asked in request.asked)


def _has_empty_list(value: JsonValue | Mapping[str, JsonValue]) -> bool:
    if isinstance(value, list):
        return not value or any(_has_empty_list(each) for each in as_array(value))
    return any(_has_empty_list(each) for each in as_object(value).values())


@scenario(
    "A malformed record hides no other, gets no agent, and is not taken for one that is gone",
    checks=(
        "issue.required.filled",
        "tracker.malformed.isolated",
        "tracker.malformed.logged",
        "tracker.ids.malformed",
    ),
)
async def malformed_records(lab: Lab) -> None:
    lab.script(None, WORKS)
    lab.workflow(PROMPT, tracker={"required_labels": ["agent"]})
    broken = lab.tracker.put("ENG-1", title="A", labels=["agent"])
    untitled = lab.tracker.put("ENG-2", title="", labels=["agent"])
    stateless = lab.tracker.put("ENG-3", title="C", labels=["agent"])
    lab.tracker.spoil(broken.name, title=None)
    lab.tracker.spoil(stateless.name, **_without_state(lab))
    running = lab.tracker.put("ENG-4", title="D", labels=["agent"])
    other = lab.tracker.put("ENG-5", title="E", labels=["agent"])
    await lab.start()
    spoilt = (broken, stateless)
    await lab.until(
        lambda: all(lab.tracker.spoilt(each.name) for each in spoilt), "a read of malformed records"
    )

    with lab.judging("tracker.malformed.isolated"):
        await lab.at_gate(running)
        await lab.at_gate(other)
    sessions = [await lab.session(running), await lab.session(other)]
    with lab.judging("issue.required.filled"):
        await lab.never(
            lambda: [each.identifier for each in (*spoilt, untitled) if lab.sessions(each)],
            "an issue that lacks its title or its state gets no agent",
            seen=lambda: [each.prompts() for each in lab.sessions()],
        )
    with lab.judging("tracker.malformed.logged"):
        await lab.until(
            lambda: any(each.has(broken.identifier) or each.has(broken.id) for each in lab.log()),
            f"the output says that the record of {broken.identifier} is malformed",
        )

    # The record of one that runs, too: nobody can say that its issue is gone.
    lab.tracker.spoil(running.name, title=None)
    with lab.judging("tracker.ids.malformed"):
        await lab.reads_by_id(running)
        await lab.never(
            lambda: [each.name for each in sessions if not each.alive],
            "a malformed record stops no agent",
        )
    lab.tracker.mend()
    with lab.judging("tracker.malformed.isolated"):
        await lab.at_gate(broken)


def _without_state(lab: Lab) -> dict[str, JsonValue]:
    """Members without which nobody can tell the state."""
    if lab.dialect is Dialect.LINEAR:
        return {"state": None}
    return {"state": None, "labels": None}


@scenario(
    "An issue that is deleted, moved away or answered by another is not visible; the others are",
    checks=(
        "tracker.ids.invisible",
        "tracker.ids.foreign",
        "tracker.error.application",
        "tracker.ids.snapshot",
    ),
)
async def records_by_id(lab: Lab) -> None:
    going_on, deleted, moved, reassigned, relabelled = issues = [
        lab.tracker.put(f"ENG-{number}", assignee="bot", labels=["agent"]) for number in range(1, 6)
    ]
    lab.script(None, WORKS)
    owner = "me" if lab.dialect is Dialect.LINEAR else "bot"
    lab.workflow(PROMPT, tracker={"required_labels": ["agent"], "provider": {"assignee": owner}})
    await lab.start()
    sessions = {issue.name: await lab.at_gate(issue) for issue in issues}

    # Without data nobody knows whether they are gone.
    for kind in ("errors_without_data", "errors_with_null"):
        mark = lab.timeline.last
        lab.tracker.fault(kind, only="by_id", times=None)
        await lab.until(
            lambda after=mark: len(lab.timeline.events("tracker", "fault", after=after)) > 1,
            "reads by id that the provider answers with an error",
        )
        lab.tracker.clear_faults()
        await lab.reads_by_id(going_on)
        with lab.judging("tracker.error.application") as judge:
            gone = [name for name, each in sessions.items() if not each.alive]
            judge.equal(gone, [], f"what was stopped after {kind} in an answer of 200")

    # Whoever stopped them has started others, on which the rest is judged.
    sessions = {issue.name: await _latest(lab, issue) for issue in issues}
    count = len(lab.sessions())
    lab.tracker.remove(deleted.name)
    lab.tracker.move_out(moved.name)
    with lab.judging("tracker.ids.invisible"):
        await lab.ended(sessions[deleted.name])
        await lab.ended(sessions[moved.name])
        await lab.never(
            lambda: not sessions[going_on.name].alive, "the read of the others is not failed"
        )
    lab.tracker.put(reassigned.name, assignee="ada", blocked_by=[going_on.name])
    lab.tracker.set_labels(relabelled.name, "other")
    with lab.judging("tracker.ids.snapshot"):
        await lab.ended(sessions[reassigned.name])
        await lab.ended(sessions[relabelled.name])
    with lab.judging("tracker.ids.foreign") as judge:
        await lab.polls()
        judge.equal(len(lab.sessions()), count, "the agents, none of another scope")
        judge.holds(not sessions[moved.name].alive, expected="an issue moved away is not visible")
        if lab.files.workspace(moved) is None:
            raise UnmetError(
                f"{moved.identifier} is not visible, and not over", "it was cleaned up"
            )


async def _latest(lab: Lab, issue: Handle) -> AgentSession:
    at_work = await lab.until(
        lambda: [each for each in lab.running(issue) if each.at_gate()],
        f"an agent of {issue.identifier} at work",
    )
    return at_work[-1]

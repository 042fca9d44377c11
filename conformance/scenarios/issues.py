"""What an adapter makes of a record: labels, times, optional members, blockers, its verdict."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from conformance.agents.steps import WORKS
from conformance.fakes.json_values import JsonValue
from conformance.lab.boards import Handle
from conformance.lab.judging import UnmetError
from conformance.lab.lab import Lab
from conformance.manifest.sections import Dialect
from conformance.scenario import scenario

SHOWS: Final = "Shows its reference"
PROMPT: Final = f"""\
{{% for label in issue.labels %}}[{{{{ label }}}}]{{% endfor %}}
{{% for each in issue.blocked_by %}}<{{{{ each.identifier }}}}>{{% endfor %}}
{{% if issue.priority %}}has a priority{{% else %}}no priority{{% endif %}}
{{% if issue.created_at %}}has a time{{% else %}}no time{{% endif %}}
{{% if issue.dispatchable %}}may be dispatched{{% else %}}must wait{{% endif %}}
{{% if issue.title == "{SHOWS}" %}}{{{{ issue.native_ref }}}}{{% endif %}}"""
INSTANTS: Final = (
    ("ENG-2", "2024-01-01T01:00:00-01:00"),
    ("ENG-3", "2024-01-01T12:00:00+09:00"),
    ("ENG-4", "2024-01-01T04:00:00Z"),
)
"""The oldest ahead; as texts they would stand in another order, and without their offsets too."""


@scenario(
    "Labels, optional members, blockers and the adapter's verdict have one form for all trackers",
    checks=(
        "issue.labels.normalised",
        "issue.labels.duplicates",
        "issue.optional.fallback",
        "issue.blockers.not_invented",
        "issue.dispatchable.derived",
        "issue.native_ref.safe",
    ),
)
async def normalised_issues(lab: Lab) -> None:
    is_linear = lab.dialect is Dialect.LINEAR
    labels = ["  Needs Review ", "BUG", "bug", " "] if is_linear else ["Needs Review", "BUG"]
    labelled = lab.tracker.put("ENG-1", labels=labels, assignee="bot")
    odd = lab.tracker.put("ENG-2", assignee="bot")
    halved = lab.tracker.put("ENG-3", assignee="bot")
    text = "Blocked by #5 and ENG-1; depends on ENG-2, which it waits for."
    # Under way already, where even a true blocker need not stop them.
    blocking = lab.tracker.put("ENG-4", description=text, state="In Progress", assignee="bot")
    beside = lab.tracker.put("ENG-8", state="In Progress", assignee="bot")
    lab.tracker.put("ENG-5", state="Backlog", blocked_by=[blocking.name], assignee="bot")
    lab.tracker.relate(blocking.name, beside.name)
    ended = lab.tracker.put("ENG-9", state="Done", assignee="bot")
    freed = lab.tracker.put("ENG-10", blocked_by=[ended.name], assignee="bot")
    foreign = lab.tracker.put("ENG-6", assignee="ada")
    showing = lab.tracker.put("ENG-7", title=SHOWS, assignee="bot")
    lab.tracker.spoil(odd.name, priority="soon", created_at="yesterday", updated_at=7)
    lab.tracker.spoil(halved.name, priority=2.5, created_at="2024-13-45T99:00:00Z")
    lab.script(None, WORKS)
    owner: dict[str, JsonValue] = {"assignee": "me" if is_linear else "bot"}
    lab.workflow(PROMPT, tracker={"provider": owner})
    await lab.start()

    with lab.judging("issue.optional.fallback") as judge:
        for issue in (odd, halved):
            prompt = await _prompt(lab, issue)
            judge.contains(prompt, "no priority", f"the prompt of {issue.name}")
            judge.contains(prompt, "no time", f"the prompt of {issue.name}")
    shown = await _prompt(lab, labelled)
    given = re.findall(r"\[(.*?)\]", shown)
    plain = {"needs review", "bug"}
    with lab.judging("issue.labels.normalised") as judge:
        judge.equal([each for each in given if each != each.strip().lower()], [], "the odd labels")
        judge.lacks(given, "", "the labels")
        # An adapter may show the labels that hold a state as well.
        judge.holds(plain <= set(given), expected=f"{plain} are among its labels", seen=given)
    with lab.judging("issue.labels.duplicates") as judge:
        judge.equal(len(given), len(set(given)), "the number of its labels")
    with lab.judging("issue.blockers.not_invented") as judge:
        for issue in (blocking, beside, labelled):
            found = re.findall(r"<(.*?)>", await _prompt(lab, issue))
            judge.equal(found, [], f"the blockers of {issue.name}, which has none")

    with lab.judging("issue.dispatchable.derived") as judge:
        judge.contains(shown, "may be dispatched", "the prompt of what was dispatched")
        if is_linear:
            prompt = await _prompt(lab, freed)
            judge.contains(prompt, "may be dispatched", "the prompt once a blocker is finished")
        await lab.never(lambda: lab.sessions(foreign), "what is assigned to another must wait")
        lab.tracker.put(foreign.name, assignee="bot")
        prompt = await _prompt(lab, foreign)
        judge.contains(prompt, "may be dispatched", "the prompt once it is assigned to us")
    with lab.judging("issue.native_ref.safe") as judge:
        try:
            judge.lacks(await _prompt(lab, showing), lab.secret, "a native reference")
        except UnmetError:
            if lab.sessions(showing) and lab.sessions(showing)[0].prompts():
                raise
            judge.info("a template cannot print a native reference here")


async def _prompt(lab: Lab, issue: Handle) -> str:
    session = await lab.at_gate(issue)
    return session.prompts()[0]


@scenario(
    "Times are compared as instants, whatever their offset",
    checks=("issue.time.parsed",),
)
async def times_are_instants(lab: Lab) -> None:
    plug = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    lab.workflow(agent={"max_concurrent_agents": 1})
    await lab.start()
    await lab.at_gate(plug)
    issues: list[Handle] = []
    for name, instant in INSTANTS:
        issues.append(lab.tracker.put(name))
        lab.tracker.spoil(name, created_at=instant)
    await lab.polls()
    lab.finish(plug)

    order: list[str] = []
    for _ in INSTANTS[1:]:
        issue = await _next_of(lab, [each for each in issues if each.name not in order])
        order.append(issue.name)
        await lab.at_gate(issue)
        lab.finish(issue)
    with lab.judging("issue.time.parsed") as judge:
        judge.equal(order, [name for name, _ in INSTANTS[:-1]], "what is dispatched ahead")


async def _next_of(lab: Lab, issues: Sequence[Handle]) -> Handle:
    found = await lab.until(
        lambda: [each for each in issues if lab.sessions(each)], "the next issue is dispatched"
    )
    return found[0]

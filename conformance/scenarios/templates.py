"""What a template sees, and what becomes of an attempt whose template cannot be rendered."""

from __future__ import annotations

import re
from typing import Final

from conformance.agents.steps import WORKS, agent_script, fail, gate, turn
from conformance.lab.lab import Lab
from conformance.manifest.sections import Dialect
from conformance.scenario import Lane, scenario
from conformance.scenarios.lives import printed_since

FIELDS: Final = """\
id=[{{ issue.id }}] identifier=[{{ issue.identifier }}] title=[{{ issue.title }}]
state=[{{ issue.state }}] description=[{{ issue.description }}] priority=[{{ issue.priority }}]
branch_name=[{{ issue.branch_name }}] url=[{{ issue.url }}] assignee_id=[{{ issue.assignee_id }}]
created_at=[{{ issue.created_at }}] updated_at=[{{ issue.updated_at }}]
labels={% for label in issue.labels %}[{{ label }}]{% endfor %}.
blockers={% for each in issue.blocked_by %}[{{ each.identifier }} {{ each.state }}]{% endfor %}.
{% if issue.native_ref %}a native reference{% else %}no native reference{% endif %}
{% if issue.dispatchable %}may be dispatched{% endif %}"""
NULLS: Final = """\
description: {% if issue.description %}some{% else %}none{% endif %}
priority: {% if issue.priority %}some{% else %}none{% endif %}
assignee: {% if issue.assignee_id %}some{% else %}none{% endif %}
labels={% for label in issue.labels %}[{{ label }}]{% endfor %}.
blockers={% for each in issue.blocked_by %}[{{ each.identifier }}]{% endfor %}.
description=[{{ issue.description }}] priority=[{{ issue.priority }}]"""
FAILING: Final = (
    ("template.variable.unknown", "{{ nonsense }}"),
    ("template.variable.unknown", "{{ issue.nonsense }}"),
    ("template.filter.unknown", "{{ issue.title | nonsense }}"),
    ("template.variable.untaken_branch", "{% if issue.title %}{{ nonsense }}{% endif %}"),
    ("template.variable.host_members", "{{ issue.items }}"),
    ("template.error.scope", "{% if issue.title %}no end of it"),
)
"""Templates that must fail, each with what they show."""
UNTAKEN: Final = "Untaken {% if attempt %}{{ nonsense }}{% endif %}"


@scenario(
    "A template sees every field of the issue, and nulls that it can test and print",
    checks=(
        "template.issue.fields",
        "template.issue.nullable",
        "template.issue.null_text",
    ),
)
async def the_fields_of_an_issue(lab: Lab) -> None:
    blocker = lab.tracker.put("ENG-1", state="Done")
    rich = lab.tracker.put(
        "ENG-2",
        title="Mend the bridge",
        # Under way, so that no rule about blockers keeps it from being dispatched.
        state="In Progress",
        description="It sways.",
        labels=["Urgent", "stone"],
        priority=2,
        assignee="ada",
        blocked_by=[blocker.name],
        created_at="2026-03-01T10:00:00Z",
    )
    poor = lab.tracker.put("ENG-3", description=None, priority=0, assignee=None, labels=[])
    lab.script(None, WORKS)
    lab.workflow(NULLS)
    await lab.start()
    with lab.judging("template.issue.nullable") as judge:
        plain = (await lab.at_gate(poor)).prompts()[0]
        for part in ("description: none", "priority: none", "assignee: none", "labels=."):
            judge.contains(plain, part, "the prompt")
        judge.contains(plain, "blockers=.", "the prompt")
    with lab.judging("template.issue.null_text") as judge:
        plain = (await lab.at_gate(poor)).prompts()[0]
        for part in ("description=[]", "priority=[]"):
            judge.contains(plain, part, "the prompt")
    await lab.stop()

    begun = len(lab.sessions(rich))
    lab.workflow(FIELDS)
    await lab.start()
    with lab.judging("template.issue.fields") as judge:
        full = (await lab.at_gate(rich, begun + 1)).prompts()[0]
        for part in (
            *("title=[Mend the bridge]", "state=[In Progress]", "description=[It sways.]"),
            *("[urgent]", "[stone]", "created_at=[2026-03-01", "may be dispatched"),
        ):
            judge.contains(full, part, "the prompt")
        for name in ("id", "identifier", "url", "updated_at"):
            judge.lacks(full, f"{name}=[]", "the prompt")
        if lab.dialect is Dialect.LINEAR:
            for part in (
                *(f"id=[{rich.id}]", f"identifier=[{rich.identifier}]", "priority=[2]"),
                f"blockers=[{blocker.identifier} Done]",
            ):
                judge.contains(full, part, "the prompt")
            for name in ("assignee_id", "branch_name"):
                judge.lacks(full, f"{name}=[]", "the prompt")


@scenario(
    "A template that cannot be rendered fails its attempt and nothing else",
    checks=(
        "template.variable.unknown",
        "template.variable.host_members",
        "template.variable.untaken_branch",
        "template.filter.unknown",
        "template.error.scope",
        "workflow.error.class_names",
    ),
)
async def templates_that_fail(lab: Lab) -> None:
    witness = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    lab.workflow("A good prompt")
    await lab.start()
    well = await lab.at_gate(witness)
    before = lab.output()

    failing = [(id_, template, f"ENG-{n}") for n, (id_, template) in enumerate(FAILING, 2)]
    last = failing[-1][2]
    for id_, template, name in failing:
        await lab.reload(f"Before {template} after")
        issue = lab.tracker.put(name)
        with lab.judging(id_):
            await lab.never(
                lambda each=issue: [one for one in lab.sessions(each) if one.turns],
                f"{template} starts no turn",
            )
        if name != last:
            lab.tracker.set_state(name, "Backlog")
    await lab.reload(UNTAKEN)
    lenient = lab.tracker.put("ENG-20")
    with lab.judging("template.variable.untaken_branch") as judge:
        await lab.polls(2)
        prompts = [each.strip() for one in lab.sessions(lenient) for each in one.prompts()]
        judge.equal(prompts, ["Untaken"] * len(prompts), "what an untaken branch lets pass")
        judge.info("an untaken branch passes" if prompts else "an untaken branch fails too")
    with lab.judging("template.error.scope") as judge:
        judge.equal(well.alive, True, "whether the agent of another issue goes on")
        judge.equal(len(lab.sessions(witness)), 1, "the sessions of the other issue")

    await lab.reload("Good again")
    with lab.judging("template.error.scope") as judge:
        tried = lab.tracker.handle(last)
        turned = await lab.until(
            lambda: [each for each in lab.sessions(tried) if each.turns],
            f"{tried.identifier} is tried again",
        )
        judge.equal(turned[0].prompts()[0], "Good again", "the prompt of a later attempt")
    with lab.judging("workflow.error.class_names") as judge:
        said = printed_since(lab, before)
        for name in ("template_parse_error", "template_render_error"):
            judge.contains(said, name, "the output")


@scenario(
    "In a retry and in a continuation the attempt is a number",
    checks=("template.attempt.fresh", "template.attempt.later"),
    lane=Lane.REAL_TIME,
)
async def the_number_of_an_attempt(lab: Lab) -> None:
    failing = lab.tracker.put("ENG-1")
    continuing = lab.tracker.put("ENG-2")
    lab.script(failing, agent_script(turn(fail())), agent_script(turn(fail())), WORKS)
    lab.script(continuing, agent_script(turn()), agent_script(turn(gate())))
    lab.workflow(
        "<{{ attempt }}>{% if attempt %} later{% else %} fresh{% endif %}", agent={"max_turns": 1}
    )
    await lab.start()
    third = await lab.at_gate(failing, 3)
    continued = await lab.at_gate(continuing, 2)
    first, second = (lab.sessions(failing)[n].prompts()[0] for n in (0, 1))
    with lab.judging("template.attempt.fresh") as judge:
        for prompt in (first, lab.sessions(continuing)[0].prompts()[0]):
            judge.holds(prompt.endswith(" fresh"), expected="attempt is null", seen=prompt)
    with lab.judging("template.attempt.later") as judge:
        for prompt in (second, third.prompts()[0], continued.prompts()[0]):
            is_number = re.fullmatch(r"<[1-9]\d*> later", prompt)
            judge.holds(is_number, expected="attempt is an integer, which is true", seen=prompt)

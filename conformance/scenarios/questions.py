"""What becomes of a question that only a person can answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from conformance.agents.session import AgentSession
from conformance.agents.steps import agent_script, ask, ask_user, elicit, exit_with, gate, turn
from conformance.fakes.json_values import JsonObject, JsonValue, as_array, as_object
from conformance.lab.boards import Handle
from conformance.lab.judging import Judge, UnmetError
from conformance.lab.lab import Lab
from conformance.scenario import scenario

INPUT: Final = "item/tool/requestUserInput"
ELICITATION: Final = "mcpServer/elicitation/request"
QUESTION: Final = "Which harbour shall the ferry call at?"
OPTIONS: Final = ("Rotterdam", "Antwerp")
ASKED: Final[JsonObject] = {
    "id": "harbour",
    "header": "Harbour",
    "question": QUESTION,
    "isOther": False,
    "isSecret": False,
    "options": [{"label": each, "description": "a harbour"} for each in OPTIONS],
}
PARKED_POLLS: Final = 6
"""Longer than the backoff that the lab sets, and than the delay of a continuation."""
_NAMES_INPUT: Final = re.compile(
    r"input|question|elicit|needs? (an? )?(person|operator|human)|blocked", re.IGNORECASE
)

_NO_REPORT: Final = re.compile(f"{re.escape(QUESTION)}|[a-z/]*requestUserInput|{ELICITATION}")
"""What an agent said and how its requests are called says nothing of how a run was classified."""


@scenario(
    "No answer is invented to a question for a person; where issues are parked, they wait for one",
    checks=(
        "policy.request.bounded",
        "policy.request.single_answer",
        "policy.input.not_invented",
        "policy.input.classified",
        "policy.blocked.parked",
        "policy.blocked.visible",
        "policy.blocked.released",
    ),
)
async def questions_for_people(lab: Lab) -> None:
    asks, elicits, moves, relabelled, leaves = issues = [
        lab.tracker.put(f"ENG-{number}", title=f"Build pier {number}") for number in range(1, 6)
    ]
    question = ask_user([ASKED])
    asking = agent_script(turn(question, gate()))
    lab.script(None, asking)
    lab.script(elicits, agent_script(turn(elicit(QUESTION), gate())))
    # What the process does after its question is no news.
    unanswered = ask(INPUT, _parameters(), wait=False)
    lab.script(leaves, agent_script(turn(unanswered, exit_with(1))))
    lab.workflow()
    await lab.start(port=lab.free_port() if lab.offers("http") else None)
    sessions = {issue.name: await lab.session(issue) for issue in issues}

    with lab.judging("policy.request.bounded"):
        for session in sessions.values():
            await lab.until(
                lambda each=session: _answers(each) or not each.alive,
                "a question is answered, or its run is ended",
            )
    await lab.polls()
    with lab.judging("policy.input.not_invented") as judge:
        for session in lab.sessions():
            _no_invention(judge, session)
    with lab.judging("policy.request.single_answer") as judge:
        wrong = [each.text for session in lab.sessions() for each in session.violations]
        judge.equal(wrong, [], "what the agents find wrong with the answers")

    ended = [each for each in issues if not sessions[each.name].alive and each is not leaves]
    if ended:
        with lab.judging("policy.input.classified"):
            for issue in (*ended, leaves):
                await _is_classified(lab, issue)
    else:
        lab.not_applicable("policy.input.classified", "its runs do not end by questions")
    if not (lab.offers("parking") and lab.manifest.policies.input in ("block", "any")):
        for name in ("parked", "visible", "released"):
            reason = "the manifest does not declare that issues are parked"
            lab.not_applicable(f"policy.blocked.{name}", reason)
        return
    await _parked(lab, (asks, elicits, moves, relabelled, leaves))
    await _released(lab, text=asks, state=moves, labels=relabelled)


def _parameters() -> JsonObject:
    return {
        "itemId": "call_question",
        "isBlocking": True,
        "autoResolutionMs": None,
        "questions": [ASKED],
    }


def _answers(session: AgentSession) -> Sequence[JsonObject]:
    return [each for method in (INPUT, ELICITATION) for each in session.answers(method)]


def _no_invention(judge: Judge, session: AgentSession) -> None:
    """Nobody chose a harbour, and nobody filled in a form. A text that says so is no choice."""
    for each in _answers(session):
        result = as_object(each.get("result"))
        told = list(_texts(result))
        chosen = [text for text in told if text in OPTIONS]
        judge.equal(chosen, [], "what was chosen in the name of a person")
        judge.holds(
            result.get("action") != "accept"
            or each.get("method") != "mcpServer/elicitation/request",
            expected="a form that nobody saw is not filled in",
            seen=dict(result),
        )
        judge.info(f"a question is answered by {dict(result) or dict(each)}")


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for each in (*as_object(value).values(), *as_array(value)):
        yield from _texts(each)


async def _is_classified(lab: Lab, issue: Handle) -> None:
    def said() -> bool:
        lines = [each for each in lab.log() if each.has(issue.identifier) or each.has(issue.id)]
        return any(_NAMES_INPUT.search(_NO_REPORT.sub("", each.text)) for each in lines)

    await lab.until(
        said,
        f"the run of {issue.identifier} is reported as one that needs input",
        seen=lambda: [each.text for each in lab.log() if each.has(issue.identifier)][-3:],
    )


async def _parked(lab: Lab, issues: Sequence[Handle]) -> None:
    with lab.judging("policy.blocked.parked") as judge:
        await lab.never(
            lambda: [each.identifier for each in issues if len(lab.sessions(each)) > 1],
            "a parked issue gets neither a session nor a retry",
            polls=PARKED_POLLS,
        )
        judge.equal(lab.running(), [], "the agents that still run")
    with lab.judging("policy.blocked.visible"):
        shown = lab.output()
        if lab.offers("http"):
            shown += (await lab.api.state()).text
        for issue in issues:
            if issue.identifier not in shown:
                raise UnmetError(f"{issue.identifier} is shown as parked", "it is not named")
        if QUESTION not in shown:
            raise UnmetError("the operator sees the question", "it is shown nowhere")


async def _released(lab: Lab, *, text: Handle, state: Handle, labels: Handle) -> None:
    lab.tracker.put(text.name, description="Call at Antwerp.")
    lab.tracker.set_state(state.name, "In Progress")
    lab.tracker.set_labels(labels.name, "answered")
    with lab.judging("policy.blocked.released"):
        for issue, what in ((text, "text"), (state, "state"), (labels, "labels")):
            await lab.until(
                lambda each=issue: len(lab.sessions(each)) > 1,
                f"a change of its {what} ends the parking of {issue.identifier}",
            )

"""Mutants of the answers to what an agent asks for, and of what becomes of a question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as changed
from typing import Any

import anyio

from symphony.agents import policy
from symphony.agents.answers import Answering
from symphony.agents.policy import Answer, Decision, Posture, Refusal
from symphony.agents.rpc import METHOD_NOT_FOUND, REQUEST_REFUSED, ServerRequest
from symphony.agents.session import AgentSession
from symphony.domain.issue import Issue
from symphony.domain.json import JsonObject
from symphony.domain.run import NeedsPerson
from symphony.scheduler import parking, reconcile
from symphony.scheduler.commands import Announce, Command
from symphony.scheduler.moment import Moment
from symphony.scheduler.state import Running, SchedulerState
from tests.mutants.patching import private, replace
from tests.mutants.registry import mutant

PERMISSIONS = "item/permissions/requestApproval"
ELICITATION = "mcpServer/elicitation/request"
TOOL_CALL = "item/tool/call"
TOGETHER_S = 0.1


def _deciding(method: str, decision: Decision) -> None:
    """Decide one kind of request in another way."""
    original = policy.decide

    def decide(asked: str, params: JsonObject, posture: Posture) -> Decision:
        return decision if asked == method else original(asked, params, posture)

    replace(policy, "decide", decide)


def _unanswered(is_left: Callable[[ServerRequest, Answer | Refusal], bool]) -> None:
    original = private(Answering, "_send")

    async def send(self: Answering, request: ServerRequest, answer: Answer | Refusal) -> None:
        if not is_left(request, answer):
            await original(self, request, answer)

    replace(Answering, "_send", send)


@mutant(
    "unknown_request_is_left",
    kills=("policy.request.unknown", "policy.request.bounded"),
    about="A request that nobody knows is never answered.",
)
def _() -> None:
    def is_unknown(request: ServerRequest, answer: Answer | Refusal) -> bool:
        del request
        return isinstance(answer, Refusal) and answer.code == METHOD_NOT_FOUND

    _unanswered(is_unknown)


@mutant(
    "permission_request_is_left",
    kills=("policy.request.bounded",),
    about="A request for wider permissions is never answered.",
)
def _() -> None:
    _unanswered(lambda request, _: request.method == PERMISSIONS)


@mutant(
    "approvals_are_answered_twice",
    kills=("policy.request.single_answer",),
    about="The answer to an approval is sent twice.",
)
def _() -> None:
    original = private(Answering, "_send")

    async def send(self: Answering, request: ServerRequest, answer: Answer | Refusal) -> None:
        channel = private(self, "_channel")
        first = channel.send

        async def twice(line: bytes) -> None:
            await first(line)
            await first(line)

        if request.method.endswith("requestApproval"):
            channel.send = twice
        try:
            await original(self, request, answer)
        finally:
            channel.send = first

    replace(Answering, "_send", send)


@mutant(
    "answers_are_swapped",
    kills=("policy.request.concurrent",),
    about="Where two requests are open, each gets the answer of the other.",
)
def _() -> None:
    original = private(Answering, "_send")

    async def send(self: Answering, request: ServerRequest, answer: Answer | Refusal) -> None:
        # So that requests that come together are open together.
        await anyio.sleep(TOGETHER_S)
        swapped: dict[Any, Any] = self.__dict__.setdefault("swapped", {})
        others = private(private(self, "_channel").connection, "_open") - {request.id}
        target = request.id
        if request.id in swapped:
            target = swapped.pop(request.id)
        elif free := others - swapped.keys() - set(swapped.values()):
            target = min(free)
            swapped[target] = request.id
        await original(self, changed(request, id=target), answer)

    replace(Answering, "_send", send)


@mutant(
    "approvals_are_granted",
    kills=("policy.approval.declared",),
    about="Commands and file changes are approved although the policy declines them.",
)
def _() -> None:
    original = policy.decide

    def decide(asked: str, params: JsonObject, posture: Posture) -> Decision:
        return original(asked, params, changed(posture, auto_approve=True))

    replace(policy, "decide", decide)


@mutant(
    "elicitation_is_accepted",
    kills=("policy.input.not_invented",),
    about="A form that a person should fill in is sent back as accepted.",
)
def _() -> None:
    accepted: JsonObject = {"action": "accept", "content": {}, "_meta": None}
    _deciding(ELICITATION, Answer(result=accepted))


@mutant(
    "unknown_tool_is_an_error",
    kills=("policy.tool.unsupported",),
    about="A call of a tool that does not exist gets a protocol error instead of a result.",
)
def _() -> None:
    original = policy.decide

    def decide(asked: str, params: JsonObject, posture: Posture) -> Decision:
        decision = original(asked, params, posture)
        if asked == TOOL_CALL and isinstance(decision, Answer):
            return Refusal(code=REQUEST_REFUSED, message="there is no such tool")
        return decision

    replace(policy, "decide", decide)


@mutant(
    "exit_outweighs_the_question",
    kills=("policy.input.classified",),
    about="An agent that exits after its question has failed, and is tried again.",
)
def _() -> None:
    original = private(AgentSession, "_run_turn")

    async def run_turn(self: AgentSession, prompt: str, number: int) -> object:
        result = await original(self, prompt, number)
        if isinstance(result, NeedsPerson):
            private(self, "_channel").raise_failure()
        return result

    replace(AgentSession, "_run_turn", run_turn)


@mutant(
    "question_is_not_shown",
    kills=("policy.blocked.visible",),
    about="That an issue is parked is told without the question.",
)
def _() -> None:
    original = parking.park

    def park(
        state: SchedulerState, entry: Running, outcome: NeedsPerson, now: Moment
    ) -> list[Command]:
        commands = original(state, entry, changed(outcome, question=""), now)
        return [
            changed(each, fields={k: v for k, v in each.fields.items() if k != "question"})
            if isinstance(each, Announce)
            else each
            for each in commands
        ]

    replace(parking, "park", park)


@mutant(
    "parked_for_good",
    kills=("policy.blocked.released",),
    about="No change of its issue ends the parking.",
)
def _() -> None:
    def content(issue: Issue) -> str:
        return issue.id

    replace(reconcile, "content", content)

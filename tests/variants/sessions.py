"""Variants of agent sessions: what is said when, what is answered, and how they are ended."""

from __future__ import annotations

from typing import Any

from symphony.agents import limits, messages, policy
from symphony.agents.answers import Answering
from symphony.agents.channel import Channel
from symphony.agents.errors import AgentError, Category
from symphony.agents.rpc import ServerRequest
from symphony.agents.silence import SilenceClock
from symphony.domain.issue import Issue
from symphony.domain.json import JsonObject
from symphony.domain.problems import ProblemError
from symphony.domain.run import Failed, NeedsPerson, RunOutcome
from symphony.runtime import sessions
from symphony.runtime.sessions import SessionRunner
from symphony.workflow.template import PromptTemplate
from tests.mutants.patching import private, replace, replace_in
from tests.variants.registry import Variant, declared, variant

GIVEN_AT_THREAD_START = ("cwd", "approvalPolicy")
PARKING = '"github_blockers", "parking"]'
"""The end of the line of capabilities."""
CAPABILITIES = f'capabilities = ["http", "linear_graphql", "github_api", {PARKING}'


@variant(
    "prompt_is_rendered_late",
    permitted_by=("run.prompt.order",),
    plays=("run.prompt", "template", "hook.after_run"),
    about="The prompt is rendered when the thread has been started already.",
)
def _() -> None:
    render = PromptTemplate.render
    session: Any = private(sessions, "_Session")
    first: Any = private(session, "_first_prompt")
    run = SessionRunner.run

    def nothing_yet(self: PromptTemplate, issue: Issue, attempt: int | None) -> str:
        del self, issue, attempt
        return ""

    def first_prompt(self: Any, opened: Any, prompt: str) -> str:
        del prompt
        workflow, request = private(self, "_workflow"), private(self, "_request")
        rendered = render(workflow.template, request.issue, request.attempt)
        text: str = first(self, opened, rendered)
        return text

    async def run_or_fail(self: SessionRunner, *arguments: Any) -> RunOutcome:
        try:
            return await run(self, *arguments)
        except ProblemError as error:
            return Failed(category=error.code, message=str(error))

    replace(PromptTemplate, "render", nothing_yet)
    replace(session, "_first_prompt", first_prompt)
    replace(SessionRunner, "run", run_or_fail)


@variant(
    "questions_fail_the_run",
    permitted_by=("policy.input.not_invented", "policy.blocked.parked"),
    plays=("policy", "operator"),
    declares={
        'input = "block"': 'input = "fail"',
        CAPABILITIES: CAPABILITIES.replace(', "parking"', ""),
    },
    about="A question to a person fails the run, which is tried again; no issue is parked.",
)
def _() -> None:
    run = SessionRunner.run

    async def run_or_fail(self: SessionRunner, *arguments: Any) -> RunOutcome:
        outcome = await run(self, *arguments)
        if isinstance(outcome, NeedsPerson):
            return Failed(category="turn_input_required", message=outcome.question)
        return outcome

    replace(SessionRunner, "run", run_or_fail)


@variant(
    "unknown_requests_fail_the_run",
    permitted_by=("policy.request.unknown",),
    plays=("policy",),
    declares={'unknown_request = "error"': 'unknown_request = "fail"'},
    about="A request that nobody knows ends the run.",
)
def _() -> None:
    original: Any = private(Answering, "_carry_out")

    async def carry_out(self: Answering, request: ServerRequest) -> None:
        if request.method not in policy.KNOWN_REQUESTS:
            channel: Channel = private(self, "_channel")
            text = f"the agent asked for {request.method}, which is not known here"
            channel.fail(AgentError(Category.RESPONSE_ERROR, text))
            return
        await original(self, request)

    replace(Answering, "_carry_out", carry_out)


declared(
    Variant(
        name="approvals_are_granted",
        permitted_by=("policy.approval.declared",),
        plays=("policy",),
        declares={
            'approvals = "decline"': 'approvals = "accept"',
            "": "[front_matter.codex]\nauto_approve = true\n",
        },
        about="What the agent asks approval for is granted, by a setting of the daemon.",
    )
)


@variant(
    "turns_repeat_nothing",
    permitted_by=("session.start.cwd", "policy.startup.supplied"),
    plays=("session", "policy", "turn.continuation"),
    about="The directory and the approval policy are given at the start of the thread only.",
)
def _() -> None:
    original = messages.turn_start_params

    def params(*arguments: Any) -> JsonObject:
        given = original(*arguments)
        return {name: each for name, each in given.items() if name not in GIVEN_AT_THREAD_START}

    replace(messages, "turn_start_params", params)


@variant(
    "agents_are_killed_at_once",
    permitted_by=("run.end.process_stopped",),
    plays=("run.end", "cli.stop", "reconcile"),
    about="An agent gets no time to leave by itself.",
)
def _() -> None:
    original: Any = limits.SessionLimits

    def hurried(**options: Any) -> limits.SessionLimits:
        made: limits.SessionLimits = original(**{"stop_grace_ms": 1, **options})
        return made

    replace(limits, "SessionLimits", hurried)
    replace_in(sessions, "STOP_GRACE_MS", 1)


@variant(
    "diagnostics_are_life",
    permitted_by=("turn.timeout.stderr",),
    plays=("turn.timeout", "session.stderr", "stall"),
    about="Output on standard error restarts the clock of a turn.",
)
def _() -> None:
    original: Any = Channel.__init__

    def make(self: Channel, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        self.__dict__["_silence"] = _Both(self.output_silence)

    replace(Channel, "__init__", make)


class _Both(SilenceClock):
    """The clock of both outputs, which restarts that of the turn, too."""

    def __init__(self, other: SilenceClock) -> None:
        super().__init__()
        self._other = other

    def restart(self) -> None:
        super().restart()
        self._other.restart()

"""Tools that let an agent change its tracker without a credential of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from conformance.agents.session import AgentSession
from conformance.agents.steps import WORKS, call_tool, call_tools
from conformance.catalogue import Profile
from conformance.fakes.faults import FaultKind
from conformance.fakes.json_values import JsonObject, as_array, as_object, as_text
from conformance.lab.boards import Handle
from conformance.lab.judging import UnmetError
from conformance.lab.lab import Lab
from conformance.scenario import scenario

CHECKS: Final = (
    "tool.advertise.form",
    "tool.advertise.selected_only",
    "tool.session.bound",
    "tool.execute.host_side",
    "tool.result.structured",
    "tool.result.failure",
    "tool.result.no_secret",
    "tool.result.bounded",
    "policy.request.concurrent",
)
CALL: Final = "item/tool/call"
TEXT: Final = "Laid the keel."
TITLES: Final = ("Mend the bridge", "Paint the door")
HUGE: Final = 11_000_000
"""A protocol line may have 10 MB."""
OTHER_TOOLS: Final = ("linear_graphql", "github_api", "issue_update", "jira_rest")


class Calls:
    """The tool of one dialect: calls that change, that read, and that are wrong."""

    def __init__(self, lab: Lab, tool: str, issue: Handle) -> None:
        self.lab = lab
        self.tool = tool
        self.issue = issue

    def change(self, text: str) -> JsonObject:
        """A comment on the issue."""
        if self.tool == "github_api":
            path = f"/repos/{self.lab.wiring.repository}/issues/{self.issue.id}/comments"
            return {"method": "POST", "path": path, "body": {"body": text}}
        mutation = (
            "mutation($issue: String!, $text: String!)"
            " { commentCreate(input: {issueId: $issue, body: $text}) { success } }"
        )
        return {"query": mutation, "variables": {"issue": self.issue.id, "text": text}}

    def read(self, issue: Handle) -> JsonObject:
        """An issue with its title."""
        if self.tool == "github_api":
            return {
                "method": "GET",
                "path": f"/repos/{self.lab.wiring.repository}/issues/{issue.id}",
            }
        query = "query($issue: String!) { issue(id: $issue) { title } }"
        return {"query": query, "variables": {"issue": issue.id}}

    def refused(self) -> JsonObject:
        """What the tracker itself refuses."""
        if self.tool == "github_api":
            return {"method": "GET", "path": f"/repos/{self.lab.wiring.repository}/issues/999999"}
        return {"query": "query { nothing_of_the_kind }"}

    def invalid(self) -> Sequence[JsonObject]:
        """Arguments with which nothing can be asked."""
        if self.tool == "github_api":
            path = f"/repos/{self.lab.wiring.repository}/issues"
            return ({}, {"method": "GET", "path": 7}, {"method": "BREW", "path": path})
        return ({}, {"query": ""}, {"query": ["{ viewer { id } }"]})

    async def answer(self, session: AgentSession, arguments: JsonObject) -> Mapping[str, object]:
        """Have the agent call the tool; the result."""
        before = len(session.answers(CALL))
        session.push(call_tool(self.tool, arguments))
        expected = "a call of the tool is answered"
        await self.lab.until(
            lambda: session.answers(CALL)[before:] or not session.alive, expected, within=20
        )
        answers = session.answers(CALL)[before:]
        if not answers:
            raise UnmetError(expected, "the session ended")
        return as_object(answers[0].get("result"))


async def _tools(lab: Lab, tool: str) -> tuple[Calls, AgentSession]:
    """Everything but the scope, which each adapter has in its own way."""
    issue = lab.tracker.put("ENG-1", title=TITLES[0])
    other = lab.tracker.put("ENG-2", title=TITLES[1], state="Backlog")
    lab.script(None, WORKS)
    lab.workflow()
    await lab.start()
    session = await lab.at_gate(issue)
    calls = Calls(lab, tool, issue)
    _advertised(lab, session, tool)
    await _executed(lab, session, calls)
    await _together(lab, session, calls, other)
    await _failures(lab, session, calls)
    # One that a failure ended has been followed by another.
    session = (await lab.until(lambda: _at_work(lab, issue), "an agent that can call the tool"))[0]
    await _spoilt_answers(lab, session, calls)
    session = (await lab.until(lambda: _at_work(lab, issue), "an agent that can call the tool"))[0]
    await _bound(lab, session, calls)
    return calls, session


def _advertised(lab: Lab, session: AgentSession, tool: str) -> None:
    offered = [as_object(each) for each in as_array(session.thread_starts[0].get("dynamicTools"))]
    names = [as_text(each.get("name")) for each in offered]
    with lab.judging("tool.advertise.form") as judge:
        judge.contains(names, tool, "the tools of the thread")
        judge.equal([each.get("type") for each in offered], ["function"] * len(offered), "types")
        schemas = [as_object(each.get("inputSchema")).get("type") for each in offered]
        judge.equal(schemas, ["object"] * len(offered), "the types of the input schemas")
    with lab.judging("tool.advertise.selected_only") as judge:
        others = [each for each in OTHER_TOOLS if each != tool and each in names]
        judge.equal(others, [], "the tools of other adapters")


async def _executed(lab: Lab, session: AgentSession, calls: Calls) -> None:
    with lab.judging("tool.execute.host_side") as judge:
        mark = lab.timeline.last
        await calls.answer(session, calls.change(TEXT))
        judge.contains(lab.tracker.comments(calls.issue.name), TEXT, "the comments of the issue")
        numbers = [each.data["number"] for each in lab.tracker.reads("mutation", after=mark)]
        sent = [each for each in lab.tracker.requests() if each.number in numbers]
        keys = [each.headers.get("authorization", "").split()[-1] for each in sent]
        judge.equal(keys, [lab.secret], "the credentials that came with the change")
        judge.lacks(list(session.environment.values()), lab.secret, "the agent's environment")
    with lab.judging("tool.result.structured") as judge:
        result = await calls.answer(session, calls.change("Structured."))
        judge.equal(result.get("success"), True, "whether the call succeeded")
        items = [as_object(each) for each in as_array(result.get("contentItems"))]
        judge.holds(items, expected="a result with a content", seen=dict(result))
        kinds = [each.get("type") for each in items]
        judge.equal(kinds, ["inputText"] * len(items), "the types of its items")
        _failed(await calls.answer(session, calls.refused()), "what the tracker refuses")
        _failed(await _meeting(lab, session, calls, "status"), "what is answered 500")


def _at_work(lab: Lab, issue: Handle) -> Sequence[AgentSession]:
    return [each for each in lab.running(issue) if each.at_gate()]


async def _together(lab: Lab, session: AgentSession, calls: Calls, other: Handle) -> None:
    """Calls that are open at the same time, each of which asks for something else."""
    with lab.judging("policy.request.concurrent") as judge:
        before = len(session.answers(CALL))
        session.push(
            call_tools(
                (calls.tool, calls.read(calls.issue)),
                (calls.tool, calls.invalid()[0]),
                (calls.tool, calls.read(other)),
            )
        )
        await lab.until(lambda: len(session.answers(CALL)) > before + 2, "three answers")
        answers = sorted(
            session.answers(CALL)[before:], key=lambda each: str(each.get("id")).zfill(9)
        )
        told = [[title for title in TITLES if title in str(dict(each))] for each in answers]
        wanted = [[TITLES[0]], [], [TITLES[1]]]
        judge.equal(told, wanted, "the titles in the answers, in the order of the requests' ids")


async def _failures(lab: Lab, session: AgentSession, calls: Calls) -> None:
    with lab.judging("tool.result.failure") as judge:
        for arguments in calls.invalid():
            _failed(await calls.answer(session, arguments), f"a call with {dict(arguments)}")
        _failed(await _meeting(lab, session, calls, "reset"), "a call that loses its connection")
        judge.holds(session.at_gate(), expected="the session goes on", seen="it does not")
        wrong = [each.text for each in session.violations]
        judge.equal(wrong, [], "what the agent finds wrong with the results")


async def _meeting(
    lab: Lab, session: AgentSession, calls: Calls, kind: FaultKind, *, size: int = 0
) -> Mapping[str, object]:
    """The result of a change that meets this fault."""
    lab.tracker.fault(kind, only="mutation", times=None, size=size)
    try:
        return await calls.answer(session, calls.change(f"Met {kind}."))
    finally:
        lab.tracker.clear_faults()


def _failed(result: Mapping[str, object], what: str) -> None:
    if result.get("success") is not False:
        raise UnmetError(f"{what} gives a result whose `success` is false", str(dict(result))[:300])


async def _spoilt_answers(lab: Lab, session: AgentSession, calls: Calls) -> None:
    with lab.judging("tool.result.no_secret") as judge:
        result = await _meeting(lab, session, calls, "echo_secret")
        judge.lacks(str(dict(result)), lab.secret, "the result of an error that repeats it")
        told = "\n".join(str(dict(each)) for each in session.messages())
        judge.holds(lab.secret not in told, expected="no message holds it", seen="one does")
    with lab.judging("tool.result.bounded") as judge:
        result = await _meeting(lab, session, calls, "huge_body", size=HUGE)
        judge.holds(
            len(str(dict(result))) < HUGE,
            expected=f"of a body of {HUGE} bytes a part is handed on",
            seen=f"a result of {len(str(dict(result)))} characters",
        )


async def _bound(lab: Lab, session: AgentSession, calls: Calls) -> None:
    """Under a new credential, a session that began with the old one goes on with that."""
    fresh = lab.tracker.further_secret()
    name = "api_key" if calls.tool == "linear_graphql" else "token"
    await lab.reload(tracker={"provider": {name: fresh}})
    polled = [each for each in lab.tracker.requests() if fresh in each.headers["authorization"]]
    mark = lab.timeline.last
    with lab.judging("tool.session.bound") as judge:
        judge.holds(
            polled, expected="the tracker is read with the new credential", seen="it is not"
        )
        judge.holds(session.alive, expected="a session survives a reload", seen="it ended")
        result = await calls.answer(session, calls.change("Still bound."))
        judge.equal(result.get("success"), True, "whether a call after the reload succeeds")
        numbers = [each.data["number"] for each in lab.tracker.reads("mutation", after=mark)]
        sent = [each for each in lab.tracker.requests() if each.number in numbers]
        keys = [each.headers.get("authorization", "").split()[-1] for each in sent]
        judge.equal(keys, [lab.secret], "the credential of a call of an older session")


@scenario(
    "linear_graphql is executed by the service, with its credential, and says how it went",
    checks=CHECKS,
    profile=Profile.TOOLS,
    needs=("linear_graphql",),
    dialects=("linear",),
)
async def linear_graphql(lab: Lab) -> None:
    await _tools(lab, "linear_graphql")


@scenario(
    "github_api is executed by the service, within its repository, and says how it went",
    checks=(*CHECKS, "tool.scope.confined"),
    profile=Profile.TOOLS,
    needs=("github_api",),
    dialects=("github",),
)
async def github_api(lab: Lab) -> None:
    calls, session = await _tools(lab, "github_api")
    here = f"/repos/{lab.wiring.repository}"
    outside = ("/repos/acme/elsewhere/issues", f"{here}/../elsewhere/issues", "/user")
    further = (f"{here}/%2e%2e/elsewhere/issues", f"{here}/issues/../../elsewhere/issues")
    with lab.judging("tool.scope.confined") as judge:
        for path in (*outside, *further):
            known = len(lab.tracker.requests())
            result = await calls.answer(session, {"method": "GET", "path": path})
            _failed(result, f"a call of {path}, outside of the repository,")
            sent = [each.path for each in lab.tracker.requests()[known:]]
            reached = [each for each in sent if "elsewhere" in each or each.startswith("/user")]
            judge.equal(reached, [], "what was asked for outside of the repository")

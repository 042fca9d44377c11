"""Issues of Linear become finished work: the daemon, the real Codex, and queries that are run."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from conformance.fakes.faults import Fault
from conformance.fakes.linear.server import LinearFake
from symphony.domain.json import JsonValue, as_array, as_text
from tests.integration.running_daemon import RunningDaemon
from tests.support.kept_secrets import LaboratoryWithSecrets, Lookout, with_secrets
from tests.support.linear import KEY, PROJECT, READ_ONLY_KEY, linear_fake, put_issue
from tests.support.model_server import (
    Call,
    IssueScript,
    ModelRequest,
    ModelServer,
    Reply,
    Say,
    Script,
    Step,
    shell,
)
from tests.support.tool_calls import at, tool_answers

pytestmark = pytest.mark.agent

ISSUE = "ENG-1"
LOOK_UP = Call(
    "linear_graphql",
    {
        "query": "query($id: String!) { issue(id: $id) { id state { name } "
        "team { states(first: 50) { nodes { id name } } } } }",
        "variables": {"id": ISSUE},
    },
)
MOVE = """mutation($id: String!, $state: String!) {
  issueUpdate(id: $id, input: {stateId: $state}) { success issue { state { name } } }
}"""


@pytest.fixture
def linear() -> Iterator[LinearFake]:
    """A Linear with one issue in Todo."""
    with linear_fake() as fake:
        put_issue(fake, ISSUE, title="Say hello", description="In German too.")
        yield fake


def hold_secrets(daemon: RunningDaemon, **secrets: str) -> LaboratoryWithSecrets:
    """Start the daemon with these variables later on."""
    laboratory = with_secrets(daemon.laboratory, secrets)
    daemon.laboratory = laboratory
    return laboratory


def tracker_of(fake: LinearFake, **provider: JsonValue) -> dict[str, JsonValue]:
    """The section of the workflow file."""
    return {
        "kind": "linear",
        "provider": {"endpoint": fake.url, "project_slug": PROJECT, **provider},
    }


def set_state(identity: str, issue: str = ISSUE) -> Call:
    """The mutation, with the id of any state."""
    return Call("linear_graphql", {"query": MOVE, "variables": {"id": issue, "state": identity}})


def move_to(name: str) -> Script:
    """The mutation with the state's id, as `LOOK_UP` told it to the model."""

    def step(request: ModelRequest) -> Reply:
        for text in request.tool_results:
            with suppress(ValueError):
                nodes = at(json.loads(text), "data", "issue", "team", "states", "nodes")
                for node in as_array(nodes) or ():
                    if at(node, "name") == name:
                        return set_state(as_text(at(node, "id")) or "")
        raise AssertionError(f"no result of a tool names the state {name}")

    return step


def state_of(fake: LinearFake, issue: str = ISSUE) -> str:
    """Where the issue stands in Linear."""
    return fake.world.state_of(fake.world.existing(issue))


def wait_until_done(daemon: RunningDaemon, fake: LinearFake) -> None:
    """Wait for the issue, and for the end of what the daemon had for it."""
    daemon.wait_for(lambda: state_of(fake) == "Done", f"{ISSUE} is Done")
    daemon.wait_for(lambda: not daemon.workspace(ISSUE).exists(), "its workspace is removed")
    daemon.wait_for(lambda: daemon.agents() == [], "its agent is gone")


@pytest.mark.proves(
    "tool.advertise.form",
    "tool.advertise.selected_only",
    "tool.execute.host_side",
    "turn.continuation.recheck",
    "turn.continuation.thread",
    "reconcile.state.terminal",
    "tracker.writes.none",
)
def test_an_issue_goes_from_todo_over_in_progress_to_done_in_two_turns(
    daemon: RunningDaemon, linear: LinearFake
) -> None:
    hold_secrets(daemon, LINEAR_API_KEY=KEY)
    steps = [LOOK_UP, move_to("In Progress"), Say("Half."), move_to("Done"), Say("All of it.")]
    with ModelServer(IssueScript({ISSUE: steps})) as model:
        daemon.write_workflow(model.base_url, tracker=tracker_of(linear))
        daemon.start()
        wait_until_done(daemon, linear)

    changes = [request for request in linear.requests.all() if request.is_mutation]
    assert [change.root_fields for change in changes] == [("issueUpdate",), ("issueUpdate",)]
    assert {change.query for change in changes} == {MOVE}
    assert len({request.thread for request in model.requests}) == 1
    first, second = model.requests[0], model.requests[3]
    assert first.user_texts[-1].startswith(f"You work on {ISSUE}: Say hello\nIn German too.")
    assert second.user_texts[-1] != first.user_texts[-1]
    assert len(daemon.log(event="dispatched")) == 1
    assert "linear_graphql" in first.tools
    assert "issue_update" not in first.tools


@pytest.mark.proves(
    "tracker.writes.none",
    "security.agent_env.absent",
    "security.agent_env.removed",
    "security.secret.variable",
    "security.secret.logs",
    "tool.execute.host_side",
)
def test_a_daemon_that_may_only_read_gets_an_issue_done_with_the_key_of_the_tool(
    daemon: RunningDaemon, linear: LinearFake
) -> None:
    laboratory = hold_secrets(daemon, READING_KEY=READ_ONLY_KEY, WRITING_KEY=KEY)
    lookout = Lookout(laboratory)
    look_around = shell("env; cat /proc/self/environ /proc/$PPID/environ")
    script = IssueScript({ISSUE: [look_around, LOOK_UP, move_to("Done"), Say("Done.")]})
    with ModelServer(lookout.watching(script)) as model:
        keys = {"api_key": "$READING_KEY", "tool_api_key": "$WRITING_KEY"}
        daemon.write_workflow(model.base_url, tracker=tracker_of(linear, **keys))
        daemon.start("--logs-root", str(laboratory.root / "logs"))
        wait_until_done(daemon, linear)
        daemon.end()

    requests = linear.requests.all()
    own = [each for each in requests if each.headers["authorization"] == READ_ONLY_KEY]
    of_the_tool = [each for each in requests if each.headers["authorization"] == KEY]
    assert len(own) + len(of_the_tool) == len(requests)
    assert not any(request.is_mutation for request in own)
    assert [each.root_fields for each in of_the_tool] == [("issue",), ("issueUpdate",)]
    assert any("app-server" in command for command in lookout.commands_seen)
    assert "PATH=" in model.requests[1].tool_results[0]
    assert lookout.leaks(model.requests) == []


@pytest.mark.proves(
    "tool.result.structured",
    "tool.result.failure",
    "tool.result.no_secret",
    "security.secret.logs",
    "security.agent_env.login_profile",
)
def test_what_linear_refuses_is_told_to_the_model_which_then_does_better(
    daemon: RunningDaemon, linear: LinearFake
) -> None:
    laboratory = hold_secrets(daemon, LINEAR_API_KEY=KEY)
    laboratory.export_in_login_profile()
    lookout = Lookout(laboratory)
    logs = laboratory.root / "logs"
    rights = linear.keys[KEY]
    linear.keys[KEY] = replace(rights, write=False)
    linear.faults.add(Fault(kind="echo_secret", only="viewer"))

    def errs_when_the_key_may(_: ModelRequest) -> Reply:
        assert state_of(linear) == "Todo"
        linear.keys[KEY] = rights
        return set_state("no-such-state")

    steps: list[Step] = [
        LOOK_UP,
        move_to("Done"),
        errs_when_the_key_may,
        Call("linear_graphql", {"query": "{ viewer { salary } }"}),
        Call("linear_graphql", {"query": "{ viewer { name } }"}),
        move_to("Done"),
        Say("Done."),
    ]
    with ModelServer(lookout.watching(IssueScript({ISSUE: steps}))) as model:
        # The read after the turn ends the run, so that the model sees the last result too.
        daemon.write_workflow(
            model.base_url, tracker=tracker_of(linear), polling={"interval_ms": 60_000}
        )
        daemon.start("--logs-root", str(logs))
        wait_until_done(daemon, linear)
        daemon.end()

    answers = tool_answers(logs)
    assert [answer.success for answer in answers] == [True, *[False] * 4, True]
    _, forbidden, unknown, invalid, repeated, moved = answers
    assert "`write` required" in forbidden.text
    assert at(unknown.content, "errors", 0, "message") == "Entity not found: WorkflowState"
    assert "salary" in invalid.text
    assert "[redacted]" in repeated.text
    assert at(moved.content, "data", "issueUpdate", "issue", "state", "name") == "Done"
    assert list(model.requests[-1].tool_results) == [answer.text for answer in answers]
    assert len({request.thread for request in model.requests}) == 1
    assert lookout.leaks(model.requests) == []


@pytest.mark.proves("tool.session.bound")
def test_another_key_of_the_tool_is_for_the_sessions_after_it(
    daemon: RunningDaemon, linear: LinearFake
) -> None:
    later = f"{KEY}_later"
    linear.keys[later] = linear.keys[KEY]
    hold_secrets(daemon, LINEAR_API_KEY=READ_ONLY_KEY, FIRST_KEY=KEY, SECOND_KEY=later)

    def write_workflow(key: str) -> None:
        tracker = tracker_of(linear, tool_api_key=key)
        daemon.write_workflow(model.base_url, tracker=tracker, agent={"max_turns": 1})

    def goes_on_after_a_reload(request: ModelRequest) -> Reply:
        write_workflow("$SECOND_KEY")
        # The second where the file was read in the middle of its writing.
        events = ("workflow_reloaded", "workflow_recovered")
        daemon.wait_for(lambda: any(daemon.log(event=each) for each in events), "a reload")
        return move_to("In Progress")(request)

    # After its only turn the issue goes on in a second session.
    steps: list[Step] = [LOOK_UP, goes_on_after_a_reload, Say("Half.")]
    steps += [LOOK_UP, move_to("Done"), Say("All of it.")]
    with ModelServer(IssueScript({ISSUE: steps})) as model:
        write_workflow("$FIRST_KEY")
        daemon.start()
        wait_until_done(daemon, linear)

    changes = [request for request in linear.requests.all() if request.is_mutation]
    assert [change.headers["authorization"] for change in changes] == [KEY, later]
    assert len({request.thread for request in model.requests}) == 2


@pytest.mark.proves("cli.exit.signal", "cli.stop.agents_ended")
def test_a_tool_call_that_linear_never_answers_holds_up_no_other_issue_and_no_stop(
    daemon: RunningDaemon, linear: LinearFake
) -> None:
    other = "ENG-2"
    put_issue(linear, other)
    hold_secrets(daemon, LINEAR_API_KEY=KEY)
    done = next(state for state in linear.world.states.values() if state.name == "Done")
    linear.faults.add(Fault(kind="silence", only="viewer", times=None))

    def moves_while_the_other_waits(_: ModelRequest) -> Reply:
        linear.requests.wait(lambda request: "viewer" in request.root_fields)
        return set_state(done.id, other)

    steps: dict[str, list[Step]] = {
        ISSUE: [Call("linear_graphql", {"query": "{ viewer { name } }"})],
        other: [moves_while_the_other_waits, Say("Done.")],
    }
    with ModelServer(IssueScript(steps)) as model:
        daemon.write_workflow(model.base_url, tracker=tracker_of(linear))
        daemon.start()
        daemon.wait_for(lambda: state_of(linear, other) == "Done", f"{other} is Done")
        daemon.wait_for(lambda: not daemon.workspace(other).exists(), "its workspace is removed")
        assert daemon.agents()
        assert not daemon.log(event="tool_executed", issue_identifier=ISSUE)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait_for_exit() == 0

    assert daemon.processes() == []
    assert daemon.workspace(ISSUE).exists()

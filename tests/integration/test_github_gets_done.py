"""Issues of GitHub become finished work: the daemon, the real Codex, and a server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest

from conformance.fakes.faults import Fault
from conformance.fakes.github.entities import Issue, Token
from conformance.fakes.github.server import GitHubFake
from conformance.fakes.recording import Request
from symphony.domain.json import JsonObject, JsonValue, as_array, as_text
from tests.integration.running_daemon import RunningDaemon
from tests.support.github_worlds import REPOSITORY, hub_with_repository
from tests.support.kept_secrets import LaboratoryWithSecrets, Lookout, with_secrets
from tests.support.model_server import (
    Call,
    IssueScript,
    ModelRequest,
    ModelServer,
    Reply,
    Say,
    Script,
    shell,
)
from tests.support.tool_calls import at, tool_answers

pytestmark = pytest.mark.agent

READING = "github_pat_that-may-only-read-0123"
WRITING = "github_pat_that-may-write-4567"
NUMBER = 7
NAME = f"GH-{NUMBER}"
PATH = f"/repos/{REPOSITORY}/issues/{NUMBER}"
CLOSE = Call("github_api", {"method": "PATCH", "path": PATH, "body": {"state": "closed"}})
READ = Call("github_api", {"path": PATH})
BOARD = {"active_states": ["Todo", "In Progress"], "terminal_states": ["Done", "closed"]}


@pytest.fixture
def github() -> Iterator[GitHubFake]:
    """A GitHub with one issue, a token that reads and one that writes."""
    hub = hub_with_repository()
    tokens = {READING: Token(can_write=False), WRITING: Token()}
    with GitHubFake(hub, tokens=tokens) as fake:
        yield fake


def put_issue(fake: GitHubFake, *labels: str) -> Issue:
    """The issue, with these labels."""
    repository = fake.hub.repository(REPOSITORY)
    assert repository is not None
    return fake.hub.put_issue(repository, NUMBER, title="Say hello", body="Now.", labels=labels)


def two_tokens(daemon: RunningDaemon) -> LaboratoryWithSecrets:
    """Start the daemon with one token to read and one for the tools later on."""
    secrets = {"GITHUB_TOKEN": READING, "WRITING_TOKEN": WRITING}
    laboratory = with_secrets(daemon.laboratory, secrets)
    daemon.laboratory = laboratory
    return laboratory


def provider_of(fake: GitHubFake, **more: JsonValue) -> dict[str, JsonValue]:
    """The provider's section of the workflow file."""
    return {"repo": REPOSITORY, "api_url": fake.url, "tool_token": "$WRITING_TOKEN", **more}


def label_as(state: str) -> Script:
    """Put the state's label in place of the one that the model last read."""

    def step(request: ModelRequest) -> Reply:
        read: JsonValue = json.loads(request.tool_results[0])
        names = [as_text(at(each, "name")) for each in as_array(at(read, "body", "labels")) or ()]
        kept: list[JsonValue] = [name for name in names if not (name or "").startswith("status:")]
        labels: list[JsonValue] = [*kept, f"status:{state}"]
        arguments: JsonObject = {
            "method": "PUT",
            "path": f"{PATH}/labels",
            "body": {"labels": labels},
        }
        return Call("github_api", arguments)

    return step


def sent_with(fake: GitHubFake, token: str) -> Sequence[Request]:
    """The requests with this credential."""
    header = f"bearer {token}".lower()
    requests = fake.requests.all()
    return [each for each in requests if each.headers["authorization"].lower() == header]


def changes(fake: GitHubFake) -> Sequence[tuple[str, str]]:
    """Method and path of everything that changed something; all of it came with the tools' token,
    and the daemon's own token changed nothing."""
    assert len(sent_with(fake, READING)) + len(sent_with(fake, WRITING)) == len(fake.requests)
    assert not any(request.is_mutation for request in sent_with(fake, READING))
    return [(each.method, each.path) for each in sent_with(fake, WRITING) if each.is_mutation]


def wait_until_clean(daemon: RunningDaemon) -> None:
    """Wait for the end of what the daemon had for the issue."""
    daemon.wait_for(lambda: daemon.log(event="workspace_removed"), "the workspace is removed")
    daemon.wait_for(lambda: daemon.agents() == [], "the agent is gone")
    assert not daemon.workspace(NAME).exists()


@pytest.mark.proves(
    "tool.advertise.form",
    "tool.advertise.selected_only",
    "tool.execute.host_side",
    "tracker.writes.none",
    "reconcile.state.terminal",
    "security.agent_env.absent",
    "security.agent_env.removed",
    "security.secret.variable",
    "security.secret.logs",
)
def test_an_open_issue_is_closed_with_the_token_of_the_tool_which_no_agent_sees(
    daemon: RunningDaemon, github: GitHubFake
) -> None:
    issue = put_issue(github)
    laboratory = two_tokens(daemon)
    lookout = Lookout(laboratory)
    look_around = shell("env; cat /proc/self/environ /proc/$PPID/environ")
    script = IssueScript({NAME: [look_around, CLOSE, Say("Closed.")]})
    with ModelServer(lookout.watching(script)) as model:
        tracker = {"kind": "github", "provider": provider_of(github)}
        daemon.write_workflow(model.base_url, tracker=tracker)
        daemon.start("--logs-root", str(laboratory.root / "logs"))
        daemon.wait_for(lambda: not issue.is_open, "the issue is closed")
        wait_until_clean(daemon)
        daemon.end()

    assert changes(github) == [("PATCH", PATH)]
    first, second = model.requests[:2]
    assert first.user_texts[-1].startswith(f"You work on {NAME}: Say hello\nNow.")
    assert "github_api" in first.tools
    assert {"issue_update", "github_project_status"}.isdisjoint(first.tools)
    assert any("app-server" in command for command in lookout.commands_seen)
    assert "PATH=" in second.tool_results[0]
    assert lookout.leaks(model.requests) == []


@pytest.mark.proves(
    "turn.continuation.recheck",
    "turn.continuation.thread",
    "reconcile.state.terminal",
    "tracker.writes.none",
)
def test_an_issue_goes_from_label_to_label_until_it_is_done_in_two_turns(
    daemon: RunningDaemon, github: GitHubFake
) -> None:
    issue = put_issue(github, "status:Todo", "bug")
    two_tokens(daemon)
    steps = [READ, label_as("In Progress"), Say("Half."), label_as("Done"), Say("All of it.")]
    with ModelServer(IssueScript({NAME: steps})) as model:
        provider = provider_of(github, state_source="label")
        daemon.write_workflow(
            model.base_url, tracker={"kind": "github", "provider": provider, **BOARD}
        )
        daemon.start()
        daemon.wait_for(lambda: "status:Done" in issue.labels, "the issue is Done")
        wait_until_clean(daemon)

    assert issue.labels == ["bug", "status:Done"]
    assert issue.is_open
    assert changes(github) == [("PUT", f"{PATH}/labels")] * 2
    assert len({request.thread for request in model.requests}) == 1
    assert model.requests[3].user_texts[-1] != model.requests[0].user_texts[-1]
    assert len(daemon.log(event="dispatched")) == 1


@pytest.mark.proves("tool.advertise.form", "tool.execute.context", "tracker.writes.none")
def test_an_issue_is_moved_to_another_column_of_its_board(
    daemon: RunningDaemon, github: GitHubFake
) -> None:
    put_issue(github)
    board = github.hub.add_project(REPOSITORY.split("/")[0])
    item = github.hub.place(board, (REPOSITORY, NUMBER), status="Todo")
    two_tokens(daemon)
    move = Call("github_project_status", {"status": "done"})
    with ModelServer(IssueScript({NAME: [move, Say("Done.")]})) as model:
        provider = provider_of(github, state_source="project", project_number=board.number)
        daemon.write_workflow(
            model.base_url, tracker={"kind": "github", "provider": provider, **BOARD}
        )
        daemon.start()
        daemon.wait_for(lambda: item.values["status"] == "Done", "the issue is in the last column")
        wait_until_clean(daemon)

    assert changes(github) == [("POST", "/graphql")]
    assert {"github_api", "github_project_status"} <= set(model.requests[0].tools)


@pytest.mark.proves(
    "tool.result.structured",
    "tool.result.failure",
    "tool.result.no_secret",
    "tool.scope.confined",
    "security.secret.logs",
    "security.agent_env.login_profile",
)
def test_what_github_refuses_is_told_to_the_model_which_then_does_better(
    daemon: RunningDaemon, github: GitHubFake
) -> None:
    issue = put_issue(github)
    laboratory = two_tokens(daemon)
    laboratory.export_in_login_profile()
    lookout = Lookout(laboratory)
    logs = laboratory.root / "logs"
    # GitHub would show it, so that it is the tool that keeps to the repository of the settings.
    github.hub.add_repository("acme/secrets")
    github.tokens[WRITING] = Token(can_write=False)
    github.faults.add(Fault(kind="echo_secret", only="labels"))

    def closes_once_the_token_may(request: ModelRequest) -> Reply:
        assert issue.is_open, request.tool_results
        github.tokens[WRITING] = Token()
        return CLOSE

    steps = [
        CLOSE,
        Call("github_api", {"path": f"/repos/{REPOSITORY}/labels"}),
        Call("github_api", {"path": f"/repos/{REPOSITORY}/../secrets"}),
        closes_once_the_token_may,
        Say("Closed."),
    ]
    with ModelServer(lookout.watching(IssueScript({NAME: steps}))) as model:
        # The read after the turn ends the run, so that the model sees the last result too.
        tracker = {"kind": "github", "provider": provider_of(github)}
        daemon.write_workflow(model.base_url, tracker=tracker, polling={"interval_ms": 60_000})
        daemon.start("--logs-root", str(logs))
        daemon.wait_for(lambda: not issue.is_open, "the issue is closed")
        wait_until_clean(daemon)
        daemon.end()

    answers = tool_answers(logs)
    assert [answer.success for answer in answers] == [False, False, False, True]
    refused, repeated, confined, closed = (answer.content for answer in answers)
    said = "Resource not accessible by personal access token"
    assert at(refused, "error", "status") == 403
    assert at(refused, "error", "body", "message") == said
    assert at(repeated, "error", "status") == 401
    assert "Bad credentials" in (as_text(at(repeated, "error", "body", "message")) or "")
    assert at(confined, "error", "code") == "out_of_scope"
    assert at(closed, "body", "state") == "closed"
    assert list(model.requests[-1].tool_results) == [answer.text for answer in answers]
    assert not any("secrets" in request.path for request in github.requests.all())
    assert lookout.leaks(model.requests) == []

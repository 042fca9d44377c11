"""What GitHub refuses is told with the setting of the credential and the right that it lacks."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from conformance.fakes.faults import Fault
from conformance.fakes.github.entities import Repository, Token
from conformance.fakes.github.server import GitHubFake
from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue
from symphony.domain.json import JsonValue, as_object, as_text
from symphony.domain.tools import ToolContext
from symphony.trackers.errors import TrackerError
from symphony.trackers.github.access import Access
from symphony.trackers.github.tracker import GitHubTracker
from tests.support.github_worlds import TOKEN, Open

pytestmark = pytest.mark.anyio

TOOL_TOKEN = "ghp_for-the-tools"
ISSUE = Issue(
    id=IssueId("1"),
    identifier=IssueIdentifier("GH-1"),
    title="T",
    state="open",
    dispatchable=True,
)


async def refusal(tracker: GitHubTracker, name: str, **arguments: JsonValue) -> str:
    """The message of a call that fails."""
    result = await tracker.execute_tool(name, arguments, ToolContext(issue=ISSUE))
    assert not result.success
    told = as_object((as_object(result.content) or {}).get("error")) or {}
    message = as_text(told.get("message"))
    assert message is not None
    assert TOOL_TOKEN not in message
    return message


@pytest.mark.proves("tracker.error.categories", "tool.result.failure")
@pytest.mark.parametrize(
    ("token", "said"),
    [
        (Token(can_write=False), "the right to write projects"),
        (Token(can_read_projects=False), "the right to read issues, and projects"),
        (Token(repositories=frozenset()), "there is no repository acme/widgets, or the token"),
        (None, "GitHub does not accept the token (401"),
    ],
)
async def test_what_is_refused_to_the_tools_names_their_token_and_what_it_lacks(
    fake: GitHubFake, open_tracker: Open, repository: Repository, token: Token | None, said: str
) -> None:
    fake.tokens = {TOKEN: Token()} | ({} if token is None else {TOOL_TOKEN: token})
    project = fake.hub.add_project("acme")
    fake.hub.place(project, (repository.key, fake.hub.put_issue(repository).number), status="Todo")
    tracker = open_tracker(
        ("Todo",),
        ("Done",),
        state_source="project",
        project_number=project.number,
        tool_token=TOOL_TOKEN,
    )
    message = await refusal(tracker, "github_project_status", status="Done")
    assert message.startswith("tracker.provider.tool_token: ")
    assert said in message
    assert "tracker.provider.token" not in message


async def test_a_board_that_the_tools_do_not_see_is_a_matter_of_their_token(
    fake: GitHubFake, open_tracker: Open, repository: Repository
) -> None:
    fake.tokens = {TOKEN: Token(), TOOL_TOKEN: Token()}
    project = fake.hub.add_project("acme")
    fake.hub.place(project, (repository.key, fake.hub.put_issue(repository).number), status="Todo")
    provider: Mapping[str, JsonValue] = {
        "state_source": "project",
        "project_number": 77,
        "tool_token": TOOL_TOKEN,
    }
    tracker = open_tracker(("Todo",), ("Done",), **provider)
    message = await refusal(tracker, "github_project_status", status="Done")
    assert message.startswith("tracker.provider.tool_token: there is no project 77")
    with pytest.raises(TrackerError, match=r"tracker\.provider\.project_number: "):
        await tracker.fetch_issues_by_ids([IssueId("1")])


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "does not accept the token in"), (403, "may not do that")],
)
async def test_a_call_that_github_refuses_names_the_token(
    fake: GitHubFake, open_tracker: Open, status: int, said: str
) -> None:
    fake.faults.add(Fault(kind="status", status=status, times=2))
    fake.tokens[TOOL_TOKEN] = Token()
    for provider, key in (({}, "token"), ({"tool_token": TOOL_TOKEN}, "tool_token")):
        message = await refusal(open_tracker(**provider), "github_api", path="/repos/acme/widgets")
        assert message.startswith(f"GitHub refused it with {status}: ")
        assert f"in tracker.provider.{key}" in message.replace(",", " ").split(" may ")[0]
        assert said in message


@pytest.mark.parametrize(
    ("rights", "can_write", "said"),
    [
        (("pull",), False, "; whoever is behind it may not change that (pull)"),
        (
            ("triage", "pull"),
            True,
            "may close and label its issues, but push nothing (triage, pull)",
        ),
        (("push", "triage", "pull"), True, ", and whoever is behind it may change that (push, "),
        (None, None, "GitHub does not say what it may do"),
    ],
)
def test_the_role_triage_may_close_and_label_issues(
    rights: tuple[str, ...] | None, can_write: bool | None, said: str
) -> None:
    access = Access(key="tracker.provider.token", rights=rights, scopes=None)
    assert access.can_write is can_write
    assert said in access.sentence()

"""What the GitHub tracker reads where states are the columns of a project board."""

from __future__ import annotations

import logging

import pytest

from conformance.fakes.faults import Fault
from conformance.fakes.github.chaos import Chaos
from conformance.fakes.github.entities import Project, Repository, Token
from conformance.fakes.github.hub import Hub
from conformance.fakes.github.server import GitHubFake
from symphony.domain.ids import IssueId
from symphony.domain.issue import BlockerRef, Issue
from symphony.trackers.errors import TrackerError
from symphony.trackers.github.tracker import GitHubTracker
from tests.support.github_worlds import Open, github_fake, github_settings

pytestmark = pytest.mark.anyio

STATES = ("Todo", "In Progress")


@pytest.fixture
def project(fake: GitHubFake) -> Project:
    return fake.hub.add_project("acme")


@pytest.fixture
def board(open_tracker: Open, project: Project) -> GitHubTracker:
    number = project.number
    return open_tracker(STATES, ("Done",), state_source="project", project_number=number)


def put(hub: Hub, repository: Repository, project: Project, status: str | None) -> int:
    number = hub.put_issue(repository).number
    hub.place(project, (repository.key, number), status=status)
    return number


async def listed(tracker: GitHubTracker, *states: str) -> dict[str, Issue]:
    issues = await tracker.fetch_issues_by_states(states or STATES)
    return {issue.id: issue for issue in issues}


async def one(tracker: GitHubTracker, number: int) -> Issue:
    (issue,) = await tracker.fetch_issues_by_ids([IssueId(str(number))])
    return issue


async def test_the_scope_is_what_stands_on_the_board_and_belongs_to_the_repository(
    fake: GitHubFake, board: GitHubTracker, repository: Repository, project: Project
) -> None:
    elsewhere = fake.hub.add_repository("acme/elsewhere")
    put(fake.hub, elsewhere, project, "Todo")
    todo = put(fake.hub, repository, project, "Todo")
    done = put(fake.hub, repository, project, "Done")
    nowhere = put(fake.hub, repository, project, None)
    off_board = fake.hub.put_issue(repository).number
    archived = put(fake.hub, repository, project, "Todo")
    fake.hub.place(project, (repository.key, archived)).is_archived = True
    other_board = fake.hub.add_project("acme")
    fake.hub.place(other_board, (repository.key, off_board), status="Todo")
    pull = fake.hub.add_pull_request(repository).number
    fake.hub.place(project, (repository.key, pull), status="Todo")
    fake.hub.place(project, None, status="Todo")
    assert list(await listed(board)) == [str(todo)]
    assert list(await listed(board, "done")) == [str(done)]
    everything = [todo, done, nowhere, off_board, archived, pull]
    found = await board.fetch_issues_by_ids([IssueId(str(each)) for each in everything])
    assert [(each.id, each.state) for each in found] == [(str(todo), "Todo"), (str(done), "Done")]


async def test_a_closed_issue_has_left_the_active_states(
    fake: GitHubFake, board: GitHubTracker, repository: Repository, project: Project
) -> None:
    number = put(fake.hub, repository, project, "In Progress")
    fake.hub.set_open(repository.issues[number], False)
    assert await listed(board) == {}
    assert (await one(board, number)).state == "closed"


@pytest.mark.parametrize(
    ("kind", "value", "priority"),
    [
        ("NUMBER", 3.0, 3),
        ("NUMBER", 2.5, None),
        ("SINGLE_SELECT", "High", 2),
        ("SINGLE_SELECT", "P0", 1),
        ("SINGLE_SELECT", "P2", 2),
        ("SINGLE_SELECT", "Whenever", None),
        ("TEXT", "urgent", 1),
    ],
)
async def test_priority_comes_from_a_field_of_the_board(
    fake: GitHubFake,
    board: GitHubTracker,
    repository: Repository,
    project: Project,
    kind: str,
    value: str | float,
    priority: int | None,
) -> None:
    fake.hub.add_field(project, "Priority", kind)
    number = put(fake.hub, repository, project, "Todo")
    fake.hub.place(project, (repository.key, number), priority=value)
    assert (await listed(board))[str(number)].priority == priority
    assert (await one(board, number)).priority == priority


async def test_a_blocker_has_the_state_of_its_column(
    fake: GitHubFake, board: GitHubTracker, repository: Repository, project: Project
) -> None:
    blocker = put(fake.hub, repository, project, "In Progress")
    number = put(fake.hub, repository, project, "Todo")
    fake.hub.put_issue(repository, number, blocked_by=[(repository.key, blocker)])
    found = await one(board, number)
    assert found.blocked_by == (BlockerRef(id="1", identifier="GH-1", state="In Progress"),)
    assert not found.dispatchable
    assert (await listed(board))[str(number)] == found
    fake.hub.place(project, (repository.key, blocker), status="Done")
    assert (await one(board, number)).dispatchable


@pytest.mark.parametrize("by_ids", [False, True])
async def test_a_board_without_the_field_is_an_error_that_names_the_key(
    fake: GitHubFake, open_tracker: Open, project: Project, by_ids: bool
) -> None:
    number = project.number
    fake.hub.add_field(project, "Stage", "TEXT")
    for field in ("Column", "Stage"):
        tracker = open_tracker(
            STATES,
            ("Done",),
            state_source="project",
            project_number=number,
            project_field=field,
        )
        error = await failure(tracker, by_ids=by_ids)
        assert error.category == "invalid_tracker_config"
        assert error.message.startswith("tracker.provider.project_field")
        assert field in error.message


@pytest.mark.parametrize("by_ids", [False, True])
async def test_a_board_or_an_owner_that_does_not_exist_is_named(
    open_tracker: Open, project: Project, by_ids: bool
) -> None:
    del project
    for provider in ({"project_number": 77}, {"project_number": 1, "project_owner": "nobody"}):
        tracker = open_tracker(STATES, ("Done",), state_source="project", **provider)
        error = await failure(tracker, by_ids=by_ids)
        assert error.message.startswith("tracker.provider.project_number")


@pytest.mark.parametrize("by_ids", [False, True])
async def test_a_token_that_may_not_read_projects_is_an_error_of_the_token(by_ids: bool) -> None:
    with github_fake(token=Token(can_read_projects=False)) as fake:
        fake.hub.add_project("acme")
        settings = github_settings(fake, STATES, state_source="project", project_number=1)
        tracker = GitHubTracker(settings)
        error = await failure(tracker, by_ids=by_ids)
        assert error.message.startswith("tracker.provider.token")
        assert "projects" in error.message
        await tracker.aclose()


@pytest.mark.proves("tracker.pages.integrity")
@pytest.mark.parametrize("kind", ["cursor_loop", "cursor_missing"])
async def test_a_cursor_that_repeats_or_is_missing_fails_the_read(
    fake: GitHubFake, board: GitHubTracker, repository: Repository, project: Project, kind: str
) -> None:
    put(fake.hub, repository, project, "Todo")
    loop = Fault(kind="cursor_loop", times=None)
    fake.faults.add(loop if kind == "cursor_loop" else Fault(kind="cursor_missing", times=None))
    assert (await failure(board)).category == "tracker_pagination"


async def test_a_state_that_is_no_option_is_told(
    fake: GitHubFake, open_tracker: Open, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    del fake
    tracker = open_tracker(
        ("Todo", "Doing"), ("Done",), state_source="project", project_number=project.number
    )
    with caplog.at_level(logging.WARNING, logger="symphony.trackers"):
        await listed(tracker, "Todo", "Doing")
    assert [each.message for each in caplog.records] == ["tracker_state_unknown"]


async def test_the_board_of_a_user_is_read_like_that_of_an_organisation(
    fake: GitHubFake, open_tracker: Open, repository: Repository
) -> None:
    fake.hub.owners["ada"] = "User"
    project = fake.hub.add_project("ada")
    number = put(fake.hub, repository, project, "Todo")
    tracker = open_tracker(
        STATES, ("Done",), state_source="project", project_number=1, project_owner="ada"
    )
    assert list(await listed(tracker)) == [str(number)]


async def test_a_part_of_the_labels_is_not_taken_for_all() -> None:
    with github_fake(chaos=Chaos(nested_page_size=1)) as fake:
        repository = fake.hub.repositories["acme/widgets"]
        fake.hub.put_issue(repository, labels=["a", "b"])
        tracker = GitHubTracker(github_settings(fake))
        assert "more labels than can be read" in (await failure(tracker, by_ids=True)).message
        await tracker.aclose()


async def failure(tracker: GitHubTracker, *, by_ids: bool = False) -> TrackerError:
    try:
        if by_ids:
            await tracker.fetch_issues_by_ids([IssueId("1")])
        else:
            await tracker.fetch_issues_by_states(STATES)
    except TrackerError as error:
        return error
    raise AssertionError("the read did not fail")

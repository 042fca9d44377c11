"""What the GitHub tracker reads where states are open and closed, or labels."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import cast

import pytest

from conformance.fakes.faults import Fault
from conformance.fakes.github.chaos import Chaos, legal
from conformance.fakes.github.entities import Repository, Token
from conformance.fakes.github.server import GitHubFake
from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import BlockerRef, Issue
from symphony.domain.json import JsonObject
from symphony.trackers.errors import TrackerError
from symphony.trackers.github.tracker import GitHubTracker
from tests.support.github_worlds import TOKEN, Open, github_fake, github_settings

pytestmark = pytest.mark.anyio

STATES = ("Todo", "In Progress")


async def listed(tracker: GitHubTracker, *states: str) -> dict[str, Issue]:
    issues = await tracker.fetch_issues_by_states(states or ["open"])
    return {issue.id: issue for issue in issues}


async def one(tracker: GitHubTracker, number: int) -> Issue:
    (issue,) = await tracker.fetch_issues_by_ids([IssueId(str(number))])
    return issue


async def test_an_issue_has_every_field_that_github_tells(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    issue = fake.hub.put_issue(
        repository,
        title="Say hello",
        body="In German too.\n",
        labels=["Bug", "priority:2", "priority: high", "priority:x"],
        assignees=["ada", "bob"],
    )
    fake.hub.put_issue(repository, parent=(repository.key, 1))
    done = fake.hub.put_issue(repository, parent=(repository.key, 1))
    fake.hub.set_open(done, False)
    fake.hub.add_pull_request(repository, closes=[(repository.key, 1)], head="hello", is_draft=True)
    found = (await listed(tracker))["1"]
    assert found == replace(await one(tracker, 1), created_at=found.created_at)
    assert found.identifier == "GH-1"
    assert (found.title, found.description, found.state) == ("Say hello", "In German too.", "open")
    assert found.labels == ("bug", "priority:2", "priority: high", "priority:x")
    assert (found.priority, found.assignee_id, found.branch_name) == (2, "ada", None)
    assert found.url == "https://github.example/acme/widgets/issues/1"
    assert found.created_at == issue.created_at
    assert found.native_ref == {
        "number": 1,
        "node_id": issue.node_id,
        "repository": "acme/widgets",
        "parent": None,
        "sub_issues": {"total": 2, "completed": 1},
        "pull_requests": [
            {
                "number": 4,
                "repository": "acme/widgets",
                "state": "open",
                "is_draft": True,
                "url": "https://github.example/acme/widgets/pull/4",
                "branch": "hello",
            }
        ],
    }
    assert (await one(tracker, 2)).native_ref == {
        **cast(JsonObject, (await listed(tracker))["2"].native_ref)
    }


async def test_pull_requests_are_no_issues(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    fake.hub.add_pull_request(repository)
    assert await listed(tracker) == {}
    assert list(await tracker.fetch_issues_by_ids([IssueId("1")])) == []


async def test_open_and_closed_are_asked_for_as_they_are_wanted(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    fake.hub.put_issue(repository)
    fake.hub.put_issue(repository, is_open=False)
    assert list(await listed(tracker, "Open")) == ["1"]
    assert list(await listed(tracker, "CLOSED ")) == ["2"]
    assert list(await listed(tracker, "open", "closed")) == ["1", "2"]
    sent = len(fake.requests)
    assert await listed(tracker, "Todo") == {}
    assert len(fake.requests) == sent


@pytest.mark.proves("tracker.states.pages")
async def test_every_page_is_read_and_an_idle_poll_costs_nothing() -> None:
    with github_fake(chaos=legal(3)) as fake:
        place = next(iter(fake.hub.repositories.values()))
        for _ in range(7):
            fake.hub.put_issue(place)
        tracker = GitHubTracker(github_settings(fake))
        first = await listed(tracker)
        assert len(first) == 7
        core, graphql = fake.spent("core"), fake.spent("graphql")
        assert (core, graphql) == (4, 1)
        assert await listed(tracker) == first
        assert (fake.spent("core"), fake.spent("graphql")) == (core, graphql)
        fake.hub.put_issue(place, 7, title="Changed")
        assert (await listed(tracker))["7"].title == "Changed"
        assert fake.spent("core") == core + 1, "only the page that changed"
        assert tracker.traffic.free == 4 + 3
        await tracker.aclose()


async def test_requests_are_as_github_wants_them(fake: GitHubFake, tracker: GitHubTracker) -> None:
    await listed(tracker)
    await tracker.fetch_issues_by_ids([IssueId("1")])
    for request in fake.requests.all():
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["accept"] == "application/vnd.github+json"
        assert request.headers["x-github-api-version"] == "2022-11-28"
        assert request.headers["user-agent"]
        assert not request.is_mutation


@pytest.mark.proves("tracker.ids.invisible", "tracker.ids.foreign")
async def test_what_was_deleted_transferred_or_never_was_is_left_out(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    elsewhere = fake.hub.add_repository("acme/elsewhere")
    for _ in range(4):
        fake.hub.put_issue(repository)
    fake.hub.delete_issue(repository, 1)
    fake.hub.transfer_issue(repository, 2, elsewhere)
    ids = [IssueId(each) for each in ("1", "2", "3", "99", "0", "03", "-1", "x", "²", "9" * 30)]
    assert [issue.id for issue in await tracker.fetch_issues_by_ids(ids)] == ["3"]
    assert list(await listed(tracker)) == ["3", "4"]


@pytest.mark.proves("tracker.reads.empty")
async def test_ids_that_no_issue_can_have_cost_no_request(
    fake: GitHubFake, tracker: GitHubTracker
) -> None:
    assert list(await tracker.fetch_issues_by_ids([IssueId("ABC-1"), IssueId("")])) == []
    assert len(fake.requests) == 0


async def test_fifty_issues_by_id_are_one_request(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    ids = [IssueId(str(fake.hub.put_issue(repository).number)) for _ in range(101)]
    await listed(tracker)
    before = len(fake.requests)
    assert len(await tracker.fetch_issues_by_ids(ids)) == 101
    assert len(fake.requests) - before == 3


async def test_a_repeated_read_by_ids_of_what_has_no_blockers_is_one_request(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    fake.hub.put_issue(repository)
    await one(tracker, 1)
    assert [each.root_fields for each in fake.requests.all()] == [("repository",), ("blocked_by",)]
    await one(tracker, 1)
    assert [each.root_fields for each in fake.requests.all(2)] == [("repository",)]


async def test_an_app_that_has_no_user_reads_like_a_person() -> None:
    for token in (Token(login=None), Token(login="ada")):
        with github_fake(token=token) as fake:
            place = next(iter(fake.hub.repositories.values()))
            fake.hub.put_issue(place)
            tracker = GitHubTracker(github_settings(fake))
            assert list(await listed(tracker)) == ["1"]
            assert (await one(tracker, 1)).id == "1"
            await tracker.aclose()


async def test_an_enterprise_server_is_asked_at_its_own_addresses(fake: GitHubFake) -> None:
    place = next(iter(fake.hub.repositories.values()))
    fake.hub.put_issue(place)
    tracker = GitHubTracker(github_settings(fake, api_url=f"{fake.url}/api/v3"))
    assert list(await listed(tracker)) == ["1"]
    await one(tracker, 1)
    assert {each.path.partition("?")[0].partition("/repos")[0] for each in fake.requests.all()} == {
        "/api/v3",
        "/api/graphql",
    }
    await tracker.aclose()


async def test_a_server_that_knows_less_is_asked_for_less() -> None:
    missing = [
        ("Issue", "subIssuesSummary"),
        ("Issue", "parent"),
        ("Issue", "closedByPullRequestsReferences"),
    ]
    with github_fake(unknown_fields=missing) as fake:
        fake.hub.put_issue(next(iter(fake.hub.repositories.values())))
        tracker = GitHubTracker(github_settings(fake))
        for _ in range(2):
            issue = await one(tracker, 1)
            assert issue.native_ref is not None
            assert issue.native_ref["pull_requests"] is None
            assert issue.native_ref["sub_issues"] is None
        assert len([each for each in fake.requests.all() if each.path == "/graphql"]) == 3
        await tracker.aclose()


async def test_pull_requests_that_cannot_be_had_do_not_fail_a_read(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    fake.hub.put_issue(repository)
    fake.faults.add(Fault(kind="errors_without_data", only="nodes", times=None))
    assert list(await listed(tracker)) == ["1"]


@pytest.mark.proves("issue.dispatchable.derived")
async def test_only_issues_of_the_assignee_are_dispatched(
    fake: GitHubFake, open_tracker: Open, repository: Repository
) -> None:
    fake.hub.put_issue(repository, assignees=["bob", "Ada"])
    fake.hub.put_issue(repository, assignees=["bob"])
    fake.hub.put_issue(repository)
    found = await listed(open_tracker(assignee="@ada"))
    assert [issue.dispatchable for issue in found.values()] == [True, False, False]
    assert [issue.assignee_id for issue in found.values()] == ["Ada", "bob", None]


async def test_a_parent_waits_for_its_sub_issues_only_if_it_is_told_to(
    fake: GitHubFake, open_tracker: Open, repository: Repository
) -> None:
    fake.hub.put_issue(repository)
    child = fake.hub.put_issue(repository, parent=(repository.key, 1))
    tracker = open_tracker(wait_for_sub_issues=True)
    assert not (await listed(tracker))["1"].dispatchable
    assert (await listed(open_tracker()))["1"].dispatchable
    fake.hub.set_open(child, False)
    assert (await one(tracker, 1)).dispatchable


# Blockers.


async def test_blockers_elsewhere_block_and_are_named_by_their_repository(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    elsewhere = fake.hub.add_repository("acme/elsewhere")
    far = fake.hub.put_issue(elsewhere)
    near = fake.hub.put_issue(repository)
    blockers = [(elsewhere.key, 1), (repository.key, 1)]
    fake.hub.put_issue(repository, blocked_by=blockers)
    found = (await listed(tracker))["2"]
    assert found.blocked_by == (
        BlockerRef(identifier="acme/elsewhere#1", state="open"),
        BlockerRef(id="1", identifier="GH-1", state="open"),
    )
    assert not found.dispatchable
    fake.hub.set_open(near, False)
    assert not (await one(tracker, 2)).dispatchable
    fake.hub.set_open(far, False)
    after = await one(tracker, 2)
    assert after.dispatchable
    assert [each.state for each in after.blocked_by] == ["closed", "closed"]


async def test_unchanged_blockers_cost_nothing(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    fake.hub.put_issue(repository)
    fake.hub.put_issue(repository, blocked_by=[(repository.key, 1)])
    first = await listed(tracker)
    spent = fake.spent()
    assert await listed(tracker) == first
    assert fake.spent() == spent


async def test_blockers_are_asked_for_only_where_work_may_begin(
    fake: GitHubFake, open_tracker: Open, repository: Repository
) -> None:
    fake.hub.put_issue(repository)
    for state in ("Todo", "Backlog", "Done"):
        fake.hub.put_issue(repository, labels=[f"status:{state}"], blocked_by=[(repository.key, 1)])
    tracker = open_tracker(STATES, ("Done",), state_source="label")
    ids = [IssueId(each) for each in ("2", "3", "4")]
    found = {each.state: each for each in await tracker.fetch_issues_by_ids(ids)}
    assert {state: len(each.blocked_by) for state, each in found.items()} == {
        "Todo": 1,
        "Backlog": 0,
        "Done": 0,
    }
    assert not found["Todo"].dispatchable
    asked = [each.path for each in fake.requests.all() if each.root_fields == ("blocked_by",)]
    assert [path.partition("/issues/")[2].partition("/")[0] for path in asked] == ["2"]


async def test_a_failed_read_of_blockers_fails_the_read(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    fake.hub.put_issue(repository)
    fake.hub.put_issue(repository, blocked_by=[(repository.key, 1)])
    fake.faults.add(Fault(kind="status", status=500, only="blocked_by"))
    with pytest.raises(TrackerError):
        await listed(tracker)


@pytest.mark.proves("issue.blockers.not_invented")
async def test_a_server_without_dependencies_has_no_blockers(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    fake.hub.put_issue(repository)
    fake.faults.add(Fault(kind="status", status=404, only="blocked_by", times=None))
    issue = await one(tracker, 1)
    assert (issue.blocked_by, issue.dispatchable) == ((), True)


# States in labels.


async def test_labels_are_found_whatever_their_case_and_show_no_state_themselves(
    fake: GitHubFake, open_tracker: Open, repository: Repository
) -> None:
    fake.hub.put_issue(repository, labels=["STATUS: todo", "ui"])
    fake.hub.put_issue(repository, labels=["status:In, Progress"])
    fake.hub.put_issue(repository, labels=["status:Backlog"])
    fake.hub.put_issue(repository, labels=["ui"])
    tracker = open_tracker(("ToDo", "in, progress"), ("Done",), state_source="label")
    found = await listed(tracker, "ToDo", "in, progress")
    assert {each: (issue.state, issue.labels) for each, issue in found.items()} == {
        "1": ("todo", ("ui",)),
        "2": ("In, Progress", ()),
    }
    assert list(await tracker.fetch_issues_by_ids([IssueId("4")])) == []
    assert (await one(tracker, 3)).state == "Backlog"


async def test_a_closed_issue_is_closed_whatever_its_label_says(
    fake: GitHubFake, open_tracker: Open, repository: Repository
) -> None:
    tracker = open_tracker(STATES, ("Done", "closed"), state_source="label")
    for label in ("status:Todo", "status:Done"):
        fake.hub.put_issue(repository, labels=[label], is_open=False)
    fake.hub.put_issue(repository, labels=["status:Todo", "status:Done"], is_open=False)
    fake.hub.put_issue(repository, labels=["status:Done"])
    assert await listed(tracker, *STATES) == {}
    ended = await listed(tracker, "Done", "closed")
    assert [issue.state for issue in ended.values()] == ["Done", "closed", "Done", "Done"]
    assert sorted(await listed(tracker, "Done")) == ["2", "3", "4"]
    assert (await one(tracker, 1)).state == "closed"


async def test_an_issue_in_two_states_keeps_no_other_from_a_read_by_identifiers(
    fake: GitHubFake, open_tracker: Open, repository: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    fake.hub.put_issue(repository, labels=["status:Todo", "status:In Progress"])
    fake.hub.put_issue(repository, labels=["status:Done"], is_open=False)
    tracker = open_tracker(STATES, ("Done",), state_source="label")
    names = [IssueIdentifier(each) for each in ("GH-1", "GH-2", "GH-3", "2")]
    with caplog.at_level(logging.WARNING, logger="symphony.trackers"):
        found = await tracker.fetch_issues_by_identifiers(names)
    assert [(each.id, each.state) for each in found] == [("2", "Done")]
    assert [each.message for each in caplog.records] == ["tracker_record_skipped"]
    assert [each.root_fields for each in fake.requests.all()] == [("repository",)]


@pytest.mark.proves(
    "tracker.malformed.isolated", "tracker.malformed.logged", "tracker.ids.malformed"
)
async def test_an_issue_in_two_states_is_an_error_with_a_remedy(
    fake: GitHubFake,
    open_tracker: Open,
    repository: Repository,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fake.hub.put_issue(repository, labels=["status:Todo", "status:In Progress"])
    fake.hub.put_issue(repository, labels=["status:Todo"])
    tracker = open_tracker(STATES, ("Done",), state_source="label")
    with caplog.at_level(logging.WARNING, logger="symphony.trackers"):
        assert list(await listed(tracker, *STATES)) == ["2"]
    (told,) = [each for each in caplog.records if each.message == "tracker_record_skipped"]
    fields = cast("dict[str, str]", vars(told)["fields"])
    assert (fields["record"], fields["reason"]) == ("GH-1", "two_states")
    assert "remove all of these labels but one" in fields["detail"]
    with pytest.raises(TrackerError, match="two states at once") as caught:
        await one(tracker, 1)
    assert caught.value.category == "tracker_response"


async def test_a_state_that_no_label_has_is_told_once(
    fake: GitHubFake,
    open_tracker: Open,
    repository: Repository,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fake.hub.put_issue(repository, labels=["status:Todo"])
    tracker = open_tracker(STATES, ("Done",), state_source="label")
    with caplog.at_level(logging.WARNING, logger="symphony.trackers"):
        for _ in range(2):
            await listed(tracker, *STATES)
    assert [each.message for each in caplog.records] == ["tracker_state_unknown"]
    assert "status:in progress" in str(vars(caplog.records[0])["fields"])


async def test_an_idle_poll_by_labels_costs_nothing(
    fake: GitHubFake, open_tracker: Open, repository: Repository
) -> None:
    fake.hub.put_issue(repository, labels=["status:Todo"])
    fake.hub.put_issue(repository, labels=["status:In Progress"])
    tracker = open_tracker(STATES, ("Done",), state_source="label")
    first = await listed(tracker, *STATES)
    spent = (fake.spent("core"), fake.spent("graphql"))
    assert await listed(tracker, *STATES) == first
    assert (fake.spent("core"), fake.spent("graphql")) == spent


@pytest.mark.proves("tracker.writes.none")
async def test_reads_change_nothing(
    fake: GitHubFake, tracker: GitHubTracker, repository: Repository
) -> None:
    fake.hub.put_issue(repository)
    await listed(tracker, "open", "closed")
    await one(tracker, 1)
    assert not any(each.is_mutation for each in fake.requests.all())


@pytest.mark.proves("tracker.pages.integrity")
async def test_an_issue_that_opens_a_new_page_is_seen_although_the_page_before_is_unchanged() -> (
    None
):
    # Oldest first, in pages of two: what is new opens a page of its own.
    with github_fake(chaos=Chaos(page_size=2)) as fake:
        place = next(iter(fake.hub.repositories.values()))
        for _ in range(2):
            fake.hub.put_issue(place)
        tracker = GitHubTracker(github_settings(fake))
        assert len(await listed(tracker)) == 2
        fake.hub.put_issue(place)
        assert len(await listed(tracker)) == 3
        await tracker.aclose()

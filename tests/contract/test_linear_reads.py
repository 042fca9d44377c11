"""The Linear tracker against a fake Linear: scope, people, blockers, pages, and what they cost."""

from __future__ import annotations

import logging
from collections.abc import Generator

import anyio
import anyio.to_thread
import pytest

from conformance.fakes.faults import Fault
from conformance.fakes.linear.chaos import Chaos
from conformance.fakes.linear.server import LinearFake
from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue
from symphony.domain.json import JsonValue
from symphony.trackers.errors import TrackerError
from symphony.trackers.linear.bounds import DEFAULT_BOUNDS, Bounds
from symphony.trackers.linear.tracker import LinearTracker
from tests.support.linear import (
    ACTIVE,
    PROJECT,
    READ_ONLY_KEY,
    linear_fake,
    linear_tracker,
    put_issue,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def fake() -> Generator[LinearFake]:
    with linear_fake() as running:
        yield running


async def candidates(tracker: LinearTracker) -> list[str]:
    return sorted(each.identifier for each in await tracker.fetch_issues_by_states(ACTIVE))


@pytest.mark.proves("tracker.states.scope", "tracker.ids.foreign", "tracker.ids.invisible")
async def test_only_issues_of_the_project_are_seen_by_state_and_by_id(fake: LinearFake) -> None:
    (team,) = fake.world.teams.values()
    fake.world.add_project("other", "Other", team)
    mine, other = put_issue(fake, "ENG-1"), put_issue(fake, "ENG-2", project="other")
    nowhere = put_issue(fake, "ENG-3", project=None)
    async with linear_tracker(fake) as tracker:
        assert await candidates(tracker) == ["ENG-1"]
        ids = [IssueId(each.id) for each in (mine, other, nowhere)]
        assert [each.id for each in await tracker.fetch_issues_by_ids(ids)] == [mine.id]
        put_issue(fake, "ENG-1", project="other")
        assert list(await tracker.fetch_issues_by_ids(ids)) == []


@pytest.mark.parametrize("key", ["ENG", "eng"])
async def test_a_team_can_be_the_scope(fake: LinearFake, key: str) -> None:
    put_issue(fake, "ENG-1", project=None)
    fake.world.put_issue(fake.world.add_team("OPS"), "OPS-1", state="Todo")
    async with linear_tracker(fake, project_slug=None, team_key=key) as tracker:
        assert await candidates(tracker) == ["ENG-1"]


async def test_project_and_team_together_mean_both(fake: LinearFake) -> None:
    operations = fake.world.add_team("OPS")
    put_issue(fake, "ENG-1")
    put_issue(fake, "ENG-2", project=None)
    fake.world.put_issue(operations, "OPS-1", state="Todo", project=PROJECT)
    async with linear_tracker(fake, team_key="OPS") as tracker:
        assert await candidates(tracker) == ["OPS-1"]


async def test_the_project_may_be_written_as_linear_shows_it(fake: LinearFake) -> None:
    put_issue(fake, "ENG-1")
    async with linear_tracker(fake, project_slug=f"engine-{PROJECT}") as tracker:
        assert await candidates(tracker) == ["ENG-1"]


@pytest.mark.proves("state.provider.filter", "state.compare.normalised", "issue.state.spelling")
async def test_an_issue_is_found_whatever_the_case_of_its_state(fake: LinearFake) -> None:
    put_issue(fake, "ENG-1", state="In Progress")
    put_issue(fake, "ENG-2", state="Human Review")
    async with linear_tracker(fake) as tracker:
        (issue,) = await tracker.fetch_issues_by_states([" in PROGRESS "])
        assert issue.state == "In Progress"


@pytest.mark.proves("tracker.ids.invisible")
@pytest.mark.parametrize("trashed", [True, False])
async def test_what_is_archived_or_in_the_bin_is_not_visible(
    fake: LinearFake, trashed: bool
) -> None:
    gone, stays = put_issue(fake, "ENG-1"), put_issue(fake, "ENG-2")
    fake.world.archive(gone, trashed=trashed)
    async with linear_tracker(fake) as tracker:
        assert await candidates(tracker) == ["ENG-2"]
        found = await tracker.fetch_issues_by_ids([IssueId(gone.id), IssueId(stays.id)])
        assert [each.identifier for each in found] == ["ENG-2"]


@pytest.mark.parametrize("name", ["me", "ada@example.com", "ADA", "Ada Example"])
async def test_only_issues_of_the_assignee_are_dispatchable_and_all_are_listed(
    fake: LinearFake, name: str
) -> None:
    for number, who in enumerate(("ada", "grace", None), start=1):
        put_issue(fake, f"ENG-{number}", assignee=who)
    async with linear_tracker(fake, assignee=name) as tracker:
        issues = await tracker.fetch_issues_by_states(ACTIVE)
        assert {each.identifier: each.dispatchable for each in issues} == {
            "ENG-1": True,
            "ENG-2": False,
            "ENG-3": False,
        }
        (again,) = await tracker.fetch_issues_by_ids([issues[0].id])
        assert again == issues[0]
    assert len(fake.requests) == 2, "who is meant costs no request of its own"


async def test_the_assignee_may_be_an_id(fake: LinearFake) -> None:
    grace = next(each for each in fake.world.users.values() if each.display_name == "grace")
    put_issue(fake, "ENG-1", assignee="grace")
    async with linear_tracker(fake, assignee=grace.id) as tracker:
        (issue,) = await tracker.fetch_issues_by_states(ACTIVE)
        assert (issue.dispatchable, issue.assignee_id) == (True, grace.id)


@pytest.mark.parametrize(
    ("provider", "key", "says"),
    [
        ({"project_slug": "nowhere"}, "tracker.provider.project_slug", "nowhere"),
        ({"team_key": "OPS"}, "tracker.provider.team_key", "OPS"),
        ({"assignee": "nobody"}, "tracker.provider.assignee", "no active user"),
        ({"assignee": "twin"}, "tracker.provider.assignee", "more than one"),
    ],
)
async def test_what_linear_does_not_know_is_an_error_that_names_the_key(
    fake: LinearFake, provider: dict[str, JsonValue], key: str, says: str
) -> None:
    for address in ("one@example.com", "two@example.com"):
        fake.world.add_user("Twin", email=address)
    async with linear_tracker(fake, DEFAULT_BOUNDS, **provider) as tracker:
        with pytest.raises(TrackerError) as caught:
            await tracker.fetch_issues_by_states(ACTIVE)
    assert caught.value.category == "invalid_tracker_config"
    assert caught.value.message.startswith(f"{key}: ")
    assert says in caught.value.message


async def test_a_project_that_is_gone_has_no_issues_when_asked_by_id(fake: LinearFake) -> None:
    issue = put_issue(fake, "ENG-1")
    async with linear_tracker(fake, project_slug="nowhere") as tracker:
        assert list(await tracker.fetch_issues_by_ids([IssueId(issue.id)])) == []


@pytest.mark.proves("tracker.states.pages", "reconcile.read.all_ids")
async def test_every_page_and_every_id_is_read_with_few_requests(fake: LinearFake) -> None:
    issues = [put_issue(fake) for _ in range(120)]
    async with linear_tracker(fake) as tracker:
        assert len(await tracker.fetch_issues_by_states(ACTIVE)) == 120
        assert len(fake.requests) == 3
        ids = [IssueId(each.id) for each in issues]
        assert {each.id for each in await tracker.fetch_issues_by_ids(ids)} == set(ids)
        assert len(fake.requests) == 6
        assert tracker.requests_sent == 6


async def test_more_labels_and_blockers_than_come_with_an_issue_are_fetched(
    fake: LinearFake,
) -> None:
    labels = [f"label-{number:02}" for number in range(70)]
    blockers = [put_issue(fake, f"B-{number}", state="Done").identifier for number in range(9)]
    put_issue(fake, "B-10", state="In Progress")
    put_issue(fake, "ENG-1", labels=labels, blocked_by=[*blockers, "B-10"])
    async with linear_tracker(fake) as tracker:
        found = await tracker.fetch_issues_by_states(ACTIVE)
    (issue,) = (each for each in found if each.identifier == "ENG-1")
    assert list(issue.labels) == labels
    assert len(issue.blocked_by) == 10
    assert not issue.dispatchable, "the open blocker may be on any page"


@pytest.mark.proves("tracker.reads.atomic")
@pytest.mark.parametrize("field", ["issues", "issue"])
async def test_a_failure_on_a_later_page_fails_the_read(fake: LinearFake, field: str) -> None:
    for number in range(60):
        put_issue(fake, labels=[f"label-{each}" for each in range(12 if number == 0 else 1)])
    skip = 1 if field == "issues" else 0
    fake.faults.add(Fault(kind="status", status=500, only=field, skip=skip))
    async with linear_tracker(fake) as tracker:
        with pytest.raises(TrackerError, match="HTTP 500"):
            await tracker.fetch_issues_by_states(ACTIVE)
        assert len(await tracker.fetch_issues_by_states(ACTIVE)) == 60


@pytest.mark.proves("tracker.pages.integrity")
@pytest.mark.parametrize("kind", ["cursor_loop", "cursor_missing"])
async def test_a_cursor_that_repeats_or_is_missing_fails_the_read_at_once(
    fake: LinearFake, kind: str
) -> None:
    put_issue(fake, "ENG-1")
    fault = Fault(kind="cursor_loop" if kind == "cursor_loop" else "cursor_missing", times=None)
    fake.faults.add(fault)
    async with linear_tracker(fake) as tracker:
        for read in (
            tracker.fetch_issues_by_states(ACTIVE),
            tracker.fetch_issues_by_ids([IssueId("any")]),
        ):
            with pytest.raises(TrackerError) as caught:
                await read
            assert caught.value.category == "tracker_pagination"
    assert len(fake.requests) <= 6


@pytest.mark.proves("tracker.pages.integrity")
async def test_more_pages_than_a_board_can_have_are_an_error_and_no_part_of_an_answer() -> None:
    with linear_fake(Chaos(page_size=1)) as fake:
        for _ in range(5):
            put_issue(fake)
        async with linear_tracker(fake, Bounds(pages=5)) as enough:
            assert len(await enough.fetch_issues_by_states(ACTIVE)) == 5
        async with linear_tracker(fake, Bounds(pages=4)) as too_few:
            with pytest.raises(TrackerError, match="more than 4 pages") as caught:
                await too_few.fetch_issues_by_states(ACTIVE)
    assert caught.value.category == "tracker_pagination"


async def test_an_issue_that_moves_between_pages_comes_once_with_its_later_content() -> None:
    found: list[Issue] = []
    with linear_fake(Chaos(page_size=1)) as fake:
        for number in (1, 2, 3):
            put_issue(fake, f"ENG-{number}")
        fake.faults.add(Fault(kind="slow_body", delay_s=0.002, only="issues", skip=1))
        async with linear_tracker(fake) as tracker, anyio.create_task_group() as group:

            async def read() -> None:
                found.extend(await tracker.fetch_issues_by_states(ACTIVE))

            group.start_soon(read)
            await anyio.to_thread.run_sync(
                lambda: fake.requests.wait(lambda each: each.status is not None, count=2)
            )
            put_issue(fake, "ENG-3", title="Later", created_at="2020-01-01T00:00:00+00:00")
    assert [each.identifier for each in found] == ["ENG-3", "ENG-2", "ENG-1"]
    assert found[0].title == "Later"
    assert len(fake.requests) == 4


@pytest.mark.proves("tracker.malformed.isolated", "tracker.malformed.logged")
@pytest.mark.parametrize("field", ["title", "identifier", "state", "inverseRelations"])
async def test_a_record_against_the_schema_is_left_out_logged_and_fails_a_read_by_id(
    fake: LinearFake, field: str, caplog: pytest.LogCaptureFixture
) -> None:
    issue = put_issue(fake, "ENG-1")
    fake.faults.add(Fault(kind="null_field", field=field, times=None))
    async with linear_tracker(fake) as tracker:
        with caplog.at_level(logging.WARNING, logger="symphony.trackers"):
            assert list(await tracker.fetch_issues_by_states(ACTIVE)) == []
        with pytest.raises(TrackerError) as caught:
            await tracker.fetch_issues_by_ids([IssueId(issue.id)])
    assert [each.message for each in caplog.records] == ["tracker_record_skipped"]
    assert caught.value.category == "tracker_response"


async def test_what_is_wrong_in_other_states_is_not_told_as_mended(
    fake: LinearFake, caplog: pytest.LogCaptureFixture
) -> None:
    put_issue(fake, "ENG-1", state="Done", title=" ")
    async with linear_tracker(fake) as tracker:
        with caplog.at_level(logging.INFO, logger="symphony.trackers"):
            await tracker.fetch_issues_by_states(["Done"])
            await tracker.fetch_issues_by_states(ACTIVE)
    assert [each.message for each in caplog.records] == ["tracker_record_skipped"]


@pytest.mark.proves("startup.cleanup.by_workspace")
async def test_a_read_by_identifiers_sees_what_is_archived_and_not_what_is_in_the_bin(
    fake: LinearFake,
) -> None:
    archived, trashed = put_issue(fake, "ENG-1", state="Done"), put_issue(fake, "ENG-2")
    fake.world.archive(archived, trashed=False)
    fake.world.archive(trashed, trashed=True)
    put_issue(fake, "ENG-3", project=None)
    put_issue(fake, "ENG-4")
    names = [IssueIdentifier(f"ENG-{number}") for number in range(1, 6)]
    async with linear_tracker(fake) as tracker:
        found = await tracker.fetch_issues_by_identifiers(names)
    assert sorted(each.identifier for each in found) == ["ENG-1", "ENG-4"]
    assert len(fake.requests) == 1


async def test_names_of_other_teams_and_forms_are_not_asked_about(fake: LinearFake) -> None:
    names = ["OPS-1", "ENG-0", "ENG-1x", "notes", "ENG-01", ""]
    async with linear_tracker(fake, project_slug=None, team_key="ENG") as tracker:
        wanted = [IssueIdentifier(name) for name in names]
        assert list(await tracker.fetch_issues_by_identifiers(wanted)) == []
    assert len(fake.requests) == 0


async def test_the_same_number_in_two_teams_is_two_issues(fake: LinearFake) -> None:
    operations = fake.world.add_team("OPS")
    put_issue(fake, "ENG-1")
    fake.world.put_issue(operations, "OPS-1", state="Todo", project=PROJECT)
    put_issue(fake, "ENG-2")
    async with linear_tracker(fake) as tracker:
        wanted = [IssueIdentifier("OPS-1"), IssueIdentifier("ENG-2")]
        found = await tracker.fetch_issues_by_identifiers(wanted)
    assert sorted(each.identifier for each in found) == ["ENG-2", "OPS-1"]


async def test_whose_the_keys_are_can_be_told_and_a_bad_one_is_named(fake: LinearFake) -> None:
    async with linear_tracker(fake) as tracker:
        (own,) = await tracker.rights()
    assert own.startswith("tracker.provider.api_key belongs to Ada Example; ")
    async with linear_tracker(fake, tool_api_key=READ_ONLY_KEY) as tracker:
        own, tools = await tracker.rights()
    assert tools.startswith("tracker.provider.tool_api_key belongs to Ada Example; ")
    assert READ_ONLY_KEY not in tools
    async with linear_tracker(fake, tool_api_key="lin_api_revoked") as tracker:
        with pytest.raises(TrackerError, match=r"tracker\.provider\.tool_api_key"):
            await tracker.rights()


async def test_blank_states_ask_for_nothing(fake: LinearFake) -> None:
    async with linear_tracker(fake) as tracker:
        assert list(await tracker.fetch_issues_by_states([" ", ""])) == []
    assert len(fake.requests) == 0

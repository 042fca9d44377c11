"""What every tracker promises about its two reads."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta

import anyio
import pytest

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import Issue
from symphony.trackers.errors import TrackerError
from tests.support.tracker_worlds import ACTIVE, TERMINAL, TrackerWorld, Wanted, with_state

pytestmark = pytest.mark.anyio

MORE_THAN_ANY_BATCH = 120


async def one(world: TrackerWorld, issue_id: IssueId) -> Issue:
    """The current snapshot of an issue that is there."""
    (issue,) = await world.tracker.fetch_issues_by_ids([issue_id])
    return issue


@pytest.mark.proves("tracker.states.scope")
async def test_a_read_by_states_gives_the_issues_of_these_states_and_no_others(
    world: TrackerWorld,
) -> None:
    todo = world.put(Wanted(key="one", state="Todo"))
    world.put(Wanted(key="two", state="Done"))
    world.put(Wanted(key="three", state="Backlog of ideas"))
    issues = await world.tracker.fetch_issues_by_states(ACTIVE)
    assert [issue.id for issue in issues] == [todo]


async def test_states_are_compared_without_case_and_surrounding_space(world: TrackerWorld) -> None:
    issue_id = world.put(Wanted(key="one", state="In Progress"))
    issues = await world.tracker.fetch_issues_by_states([" in PROGRESS "])
    assert [issue.id for issue in issues] == [issue_id]


@pytest.mark.proves("issue.state.spelling")
async def test_a_state_keeps_the_spelling_of_the_provider(world: TrackerWorld) -> None:
    issue_id = world.put(Wanted(key="one", state="In Progress"))
    assert (await one(world, issue_id)).state == "In Progress"


@pytest.mark.proves("tracker.reads.empty")
async def test_asking_for_nothing_gives_nothing_and_costs_no_request(world: TrackerWorld) -> None:
    world.put(Wanted(key="one"))
    assert list(await world.tracker.fetch_issues_by_states([])) == []
    assert list(await world.tracker.fetch_issues_by_ids([])) == []
    assert list(await world.tracker.fetch_issues_by_identifiers([])) == []
    assert world.requests == 0


@pytest.mark.proves("tracker.states.pages")
async def test_reads_are_complete_however_many_issues_there_are(world: TrackerWorld) -> None:
    ids = {world.put(Wanted(key=f"issue-{number}")) for number in range(MORE_THAN_ANY_BATCH)}
    by_states = await world.tracker.fetch_issues_by_states(ACTIVE)
    by_ids = await world.tracker.fetch_issues_by_ids(ids)
    assert sorted(issue.id for issue in by_states) == sorted(ids)
    assert sorted(issue.id for issue in by_ids) == sorted(ids)


@pytest.mark.proves("tracker.ids.snapshot")
async def test_an_id_that_is_asked_for_twice_comes_once(world: TrackerWorld) -> None:
    issue_id = world.put(Wanted(key="one"))
    other = world.put(Wanted(key="two"))
    issues = await world.tracker.fetch_issues_by_ids([issue_id, other, issue_id])
    assert sorted(issue.id for issue in issues) == sorted([issue_id, other])


@pytest.mark.proves("tracker.ids.snapshot")
async def test_a_read_by_ids_shows_every_change_of_a_record(world: TrackerWorld) -> None:
    wanted = Wanted(key="one", labels=["backend"], priority=2)
    issue_id = world.put(wanted)
    await one(world, issue_id)
    world.put(Wanted(key="one", title="Another", state="Done", labels=["ui"], description="New."))
    issue = await one(world, issue_id)
    assert (issue.title, issue.state, issue.labels) == ("Another", "Done", ("ui",))
    assert (issue.description, issue.priority) == ("New.", None)


@pytest.mark.proves("tracker.ids.invisible", "tracker.ids.foreign")
async def test_what_is_gone_is_left_out_and_nothing_comes_in_its_place(world: TrackerWorld) -> None:
    gone = world.put(Wanted(key="gone"))
    stays = world.put(Wanted(key="stays"))
    world.remove(gone)
    issues = await world.tracker.fetch_issues_by_ids([gone, stays, IssueId("never-was")])
    assert [issue.id for issue in issues] == [stays]


async def identifier(world: TrackerWorld, issue_id: IssueId) -> IssueIdentifier:
    """What people call the issue."""
    return (await one(world, issue_id)).identifier


@pytest.mark.parametrize("state", [*ACTIVE, *TERMINAL, "Backlog of ideas"])
async def test_a_read_by_identifiers_gives_the_same_issue_as_one_by_ids_in_any_state(
    world: TrackerWorld, state: str
) -> None:
    issue = await one(world, world.put(Wanted(key="ENG-1", state=state, labels=["ui"])))
    world.put(Wanted(key="ENG-2", state=state))
    names = [issue.identifier, issue.identifier]
    assert list(await world.tracker.fetch_issues_by_identifiers(names)) == [issue]


async def test_a_read_by_identifiers_leaves_out_what_is_gone_or_no_identifier(
    world: TrackerWorld,
) -> None:
    gone, stays = world.put(Wanted(key="ENG-1")), world.put(Wanted(key="ENG-2"))
    names = [await identifier(world, gone), await identifier(world, stays)]
    world.remove(gone)
    strange = ["", "..", "node_modules", "Ä-1", "ENG-0", "ENG-01", "GH-", f"GH-{10**30}", "eng-2"]
    for each in strange:
        names.append(IssueIdentifier(each))
    issues = await world.tracker.fetch_issues_by_identifiers(names)
    assert [issue.id for issue in issues] == [stays]


async def test_a_read_by_identifiers_is_complete_however_many_there_are(
    world: TrackerWorld,
) -> None:
    keys = [f"ENG-{number}" for number in range(1, MORE_THAN_ANY_BATCH)]
    ids = [world.put(Wanted(key=key)) for key in keys]
    names = {issue.identifier for issue in await world.tracker.fetch_issues_by_ids(ids)}
    issues = await world.tracker.fetch_issues_by_identifiers(names)
    assert sorted(issue.id for issue in issues) == sorted(ids)


async def test_a_malformed_record_among_identifiers_is_left_out_and_logged(
    world: TrackerWorld, caplog: pytest.LogCaptureFixture
) -> None:
    broken, whole = world.put(Wanted(key="ENG-1")), world.put(Wanted(key="ENG-2"))
    names = [await identifier(world, broken), await identifier(world, whole)]
    world.break_record(broken)
    with caplog.at_level(logging.WARNING, logger="symphony.trackers"):
        issues = await world.tracker.fetch_issues_by_identifiers(names)
    assert [issue.id for issue in issues] == [whole]
    assert [record.message for record in caplog.records] == ["tracker_record_skipped"]


@pytest.mark.proves("tracker.reads.atomic")
async def test_an_unreachable_provider_fails_a_read_by_identifiers(world: TrackerWorld) -> None:
    name = await identifier(world, world.put(Wanted(key="ENG-1")))
    with world.unreachable(), pytest.raises(TrackerError) as caught:
        await world.tracker.fetch_issues_by_identifiers([name])
    assert caught.value.category == "tracker_request"


@pytest.mark.proves("tracker.malformed.isolated", "tracker.malformed.logged")
async def test_a_malformed_record_hides_nothing_but_itself_and_is_logged(
    world: TrackerWorld, caplog: pytest.LogCaptureFixture
) -> None:
    broken = world.put(Wanted(key="broken"))
    whole = world.put(Wanted(key="whole"))
    world.break_record(broken)
    with caplog.at_level(logging.WARNING, logger="symphony.trackers"):
        first = await world.tracker.fetch_issues_by_states(ACTIVE)
        second = await world.tracker.fetch_issues_by_states(ACTIVE)
    assert [issue.id for issue in first] == [issue.id for issue in second] == [whole]
    told = [record for record in caplog.records if record.message == "tracker_record_skipped"]
    assert len(told) == 1, "once for each distinct failure, not at every poll"
    assert "broken" in str(vars(told[0])["fields"])


@pytest.mark.proves("tracker.ids.malformed")
async def test_a_malformed_record_that_was_asked_for_fails_the_read(world: TrackerWorld) -> None:
    broken = world.put(Wanted(key="broken"))
    whole = world.put(Wanted(key="whole"))
    world.break_record(broken)
    with pytest.raises(TrackerError) as caught:
        await world.tracker.fetch_issues_by_ids([whole, broken])
    assert caught.value.category == "tracker_response"


async def test_a_malformed_record_that_nobody_asked_for_does_no_harm(world: TrackerWorld) -> None:
    broken = world.put(Wanted(key="broken"))
    whole = world.put(Wanted(key="whole"))
    world.break_record(broken)
    assert (await one(world, whole)).id == whole


async def test_a_mended_record_is_read_again(world: TrackerWorld) -> None:
    issue_id = world.put(Wanted(key="one"))
    world.break_record(issue_id)
    assert list(await world.tracker.fetch_issues_by_states(ACTIVE)) == []
    world.put(Wanted(key="one", title="Mended"))
    assert (await one(world, issue_id)).title == "Mended"


@pytest.mark.proves("tracker.reads.atomic", "tracker.error.categories")
async def test_an_unreachable_provider_fails_both_reads_with_a_category_and_a_sentence(
    world: TrackerWorld,
) -> None:
    issue_id = world.put(Wanted(key="one"))
    with world.unreachable():
        for _ in range(2):
            with pytest.raises(TrackerError) as by_states:
                await world.tracker.fetch_issues_by_states(ACTIVE)
            with pytest.raises(TrackerError) as by_ids:
                await world.tracker.fetch_issues_by_ids([issue_id])
            assert by_states.value.category == by_ids.value.category == "tracker_request"
            assert by_states.value.message
            assert by_ids.value.message
    assert (await one(world, issue_id)).id == issue_id


@pytest.mark.proves("issue.required.filled", "issue.native_ref.safe")
async def test_required_fields_are_filled_and_the_native_ref_is_json(world: TrackerWorld) -> None:
    issue = await one(world, world.put(Wanted(key="one", title="  Spaced  ")))
    assert "" not in (issue.id, issue.identifier, issue.state)
    assert issue.title.strip() == "Spaced"
    assert isinstance(issue.dispatchable, bool)
    if issue.native_ref is not None:
        assert json.loads(json.dumps(issue.native_ref)) == issue.native_ref


@pytest.mark.proves("issue.labels.normalised", "issue.labels.duplicates")
async def test_labels_are_trimmed_lower_case_and_unique(world: TrackerWorld) -> None:
    issue = await one(world, world.put(Wanted(key="one", labels=[" Back-End", "UI", "ui ", " "])))
    assert issue.labels == ("back-end", "ui")


@pytest.mark.parametrize("priority", [1, 4, None])
async def test_a_priority_is_the_integer_that_the_board_says(
    world: TrackerWorld, priority: int | None
) -> None:
    issue = await one(world, world.put(Wanted(key="one", priority=priority)))
    assert issue.priority == priority


@pytest.mark.proves("issue.time.parsed")
async def test_times_are_instants_whatever_their_offset(world: TrackerWorld) -> None:
    early = await one(world, world.put(Wanted(key="a", created_at="2026-03-01T10:00:00+02:00")))
    late = await one(world, world.put(Wanted(key="b", created_at="2026-03-01T08:30:00Z")))
    assert early.created_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert early.created_at is not None
    assert late.created_at is not None
    assert late.created_at - early.created_at == timedelta(minutes=30)


@pytest.mark.proves("issue.dispatchable.derived", "tracker.states.scope")
async def test_an_unstarted_issue_waits_for_its_blocker_and_is_still_listed(
    world: TrackerWorld,
) -> None:
    blocker = Wanted(key="blocker", state="In Progress")
    blocker_id = world.put(blocker)
    issue_id = world.put(Wanted(key="one", state="Todo", blocked_by=["blocker"]))
    listed = {issue.id: issue for issue in await world.tracker.fetch_issues_by_states(ACTIVE)}
    assert listed[issue_id].dispatchable is False
    assert [each.id for each in listed[issue_id].blocked_by] == [blocker_id]
    assert [each.state for each in listed[issue_id].blocked_by] == ["In Progress"]
    world.put(with_state(blocker, TERMINAL[0]))
    assert (await one(world, issue_id)).dispatchable is True


@pytest.mark.proves("issue.dispatchable.derived")
async def test_an_issue_in_progress_does_not_wait_for_a_blocker(world: TrackerWorld) -> None:
    world.put(Wanted(key="blocker", state="Todo"))
    issue_id = world.put(Wanted(key="one", state="In Progress", blocked_by=["blocker"]))
    assert (await one(world, issue_id)).dispatchable is True


@pytest.mark.proves("issue.blockers.not_invented")
async def test_an_issue_without_blockers_has_none(world: TrackerWorld) -> None:
    world.put(Wanted(key="other", description="Blocks everything."))
    issue = await one(world, world.put(Wanted(key="one", description="blocked by other")))
    assert issue.blocked_by == ()
    assert issue.dispatchable is True


async def test_reads_may_run_at_the_same_time(world: TrackerWorld) -> None:
    ids = [world.put(Wanted(key=f"issue-{number}")) for number in range(8)]
    seen: list[IssueId] = []

    async def read(issue_id: IssueId) -> None:
        seen.append((await one(world, issue_id)).id)

    async with anyio.create_task_group() as group:
        for issue_id in ids:
            group.start_soon(read, issue_id)
            group.start_soon(world.tracker.fetch_issues_by_states, ACTIVE)
    assert sorted(seen) == sorted(ids)


async def test_a_read_that_is_cancelled_leaves_the_tracker_usable(world: TrackerWorld) -> None:
    issue_id = world.put(Wanted(key="one"))
    with anyio.CancelScope() as scope:
        scope.cancel()
        await world.tracker.fetch_issues_by_states(ACTIVE)
    assert scope.cancelled_caught
    assert (await one(world, issue_id)).id == issue_id


async def test_closing_twice_is_harmless(world: TrackerWorld) -> None:
    await world.tracker.aclose()
    await world.tracker.aclose()


async def test_every_named_secret_is_a_non_empty_text(world: TrackerWorld) -> None:
    assert "" not in world.tracker.secret_environment_names()
    assert "" not in world.tracker.secret_values()

"""The files tracker, where it is more than the contract that all trackers share."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from symphony.domain.ids import IssueId
from symphony.domain.issue import Issue
from symphony.domain.json import JsonObject
from symphony.domain.settings import TrackerSettings
from symphony.trackers.errors import TrackerError
from symphony.trackers.files.folder import Bounds
from symphony.trackers.files.settings import read_settings
from symphony.trackers.files.tracker import FilesTracker

pytestmark = pytest.mark.anyio


def tracker(directory: Path, provider: JsonObject | None = None) -> FilesTracker:
    settings = TrackerSettings(
        kind="files",
        provider={"path": str(directory), **(provider or {})},
        active_states=("To Do", "In Progress"),
        terminal_states=("Done",),
    )
    return FilesTracker(read_settings(settings, {}, "/"), bounds=Bounds(settle_seconds=0.05))


def write(directory: Path, name: str, front_matter: str) -> None:
    (directory / name).write_text(f"---\n{front_matter}\n---\nText\n", encoding="utf-8")


async def read(found: FilesTracker, *ids: str) -> list[Issue]:
    return list(await found.fetch_issues_by_ids([IssueId(each) for each in ids]))


@pytest.mark.proves("issue.dispatchable.derived")
async def test_only_issues_of_the_wanted_assignee_are_dispatchable(tmp_path: Path) -> None:
    write(tmp_path, "mine.md", "title: A\nstate: To Do\nassignee: [grace, '@Codex']")
    write(tmp_path, "yours.md", "title: A\nstate: To Do\nassignee: ada")
    write(tmp_path, "free.md", "title: A\nstate: To Do")
    found = {
        issue.id: issue
        for issue in await tracker(tmp_path, {"assignee": "codex"}).fetch_issues_by_states(
            ["to do"]
        )
    }
    assert {key: issue.dispatchable for key, issue in found.items()} == {
        "mine": True,
        "yours": False,
        "free": False,
    }
    assert found[IssueId("mine")].assignee_id == "grace"


@pytest.mark.proves("issue.native_ref.kept", "issue.native_ref.safe")
async def test_the_native_ref_names_the_file(tmp_path: Path) -> None:
    write(tmp_path, "task-7 - Title.md", "id: TASK-7\ntitle: A\nstate: To Do")
    (issue,) = await read(tracker(tmp_path), "task-7")
    assert issue.native_ref == {"path": "task-7 - Title.md"}


async def test_blockers_are_found_by_identifier_id_or_stem_without_case(tmp_path: Path) -> None:
    write(tmp_path, "task-1 - First.md", "id: TASK-1\ntitle: A\nstatus: Done")
    for number, named in enumerate(["TASK-1", "task-1", "task-1 - first"]):
        write(tmp_path, f"w-{number}.md", f"title: A\nstate: To Do\ndependencies: [{named}]")
    for issue in await read(tracker(tmp_path), "w-0", "w-1", "w-2"):
        assert [each.state for each in issue.blocked_by] == ["Done"]
        assert issue.dispatchable


async def test_an_unknown_blocker_holds_back_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "one.md", "title: A\nid: ABC-1\nstate: To Do\nblocked_by: [gone, {x: 1}]")
    found = tracker(tmp_path)
    with caplog.at_level(logging.WARNING, logger="symphony.trackers"):
        (issue,) = await read(found, "one")
        await read(found, "one")
    assert not issue.dispatchable
    assert [(each.id, each.identifier) for each in issue.blocked_by] == [
        (None, "gone"),
        (None, None),
    ]
    fields = [vars(record)["fields"] for record in caplog.records]
    assert len(fields) == 2
    assert {each["issue_identifier"] for each in fields} == {"ABC-1"}


async def test_a_readme_and_unrelated_files_are_no_issues_and_no_trouble(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "README.md").write_text("How we work here\n", encoding="utf-8")
    (tmp_path / "notes.md").write_text("Some notes\n", encoding="utf-8")
    found = tracker(tmp_path)
    with caplog.at_level(logging.WARNING, logger="symphony.trackers"):
        for _ in range(3):
            assert list(await found.fetch_issues_by_states(["To Do"])) == []
    (record,) = caplog.records
    assert vars(record)["fields"]["record"] == "notes.md"
    assert vars(record)["fields"]["reason"] == "no_front_matter"


@pytest.mark.proves("tracker.ids.malformed")
@pytest.mark.parametrize("asked", ["task-7", "task-7 - Title"])
async def test_a_broken_file_is_not_taken_for_a_missing_issue(tmp_path: Path, asked: str) -> None:
    (tmp_path / "task-7 - Title.md").write_text("---\nid: [\n---\n", encoding="utf-8")
    with pytest.raises(TrackerError) as caught:
        await read(tracker(tmp_path), asked)
    assert caught.value.category == "tracker_response"


async def test_an_issue_outside_the_directory_is_not_reached_by_its_path(tmp_path: Path) -> None:
    inside = tmp_path / "issues"
    inside.mkdir()
    write(tmp_path, "outside.md", "title: A\nstate: To Do")
    assert await read(tracker(inside), "../outside", str(tmp_path / "outside")) == []

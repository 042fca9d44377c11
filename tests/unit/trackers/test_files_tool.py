"""The tool of the files tracker, where it is more than the contract that all trackers share."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from symphony.domain.ids import IssueId
from symphony.domain.json import JsonObject, as_object
from symphony.domain.settings import TrackerSettings
from symphony.domain.tools import ToolResult
from symphony.trackers.files.folder import Bounds, Folder
from symphony.trackers.files.settings import read_settings
from symphony.trackers.files.tools import Updater
from symphony.trackers.issue_update import IssueUpdate, read_arguments

TEXT = "---\ntitle: A\nstatus: Todo # by hand\nlabels:\n  - a\n---\n\nText\n"


class Tool:
    """The tool over one directory with the file `one.md`."""

    def __init__(self, directory: Path, bounds: Bounds) -> None:
        self.file = directory / "one.md"
        self.file.write_text(TEXT, encoding="utf-8")
        settings = TrackerSettings(
            kind="files",
            provider={"path": str(directory)},
            active_states=("Todo", "In Progress"),
            terminal_states=("Done",),
        )
        self._updater = Updater(
            folder=Folder(str(directory), bounds),
            settings=read_settings(settings, {}, "/"),
            now=lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        )

    def call(
        self, arguments: JsonObject, may_write: Callable[[], bool] = lambda: True
    ) -> ToolResult:
        update: IssueUpdate = read_arguments("issue_update", arguments)
        return self._updater.update(IssueId("one"), update, may_write)


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    return Tool(tmp_path, Bounds(settle_seconds=0.05))


def code_of(result: ToolResult) -> str:
    content = as_object(result.content)
    assert content is not None
    assert not result.success
    error = as_object(content["error"])
    assert error is not None
    return str(error["code"])


def test_the_file_changes_in_the_asked_places_only(tool: Tool) -> None:
    tool.file.chmod(0o664)
    assert tool.call({"state": "done", "comment": "It works."}).success
    assert tool.file.read_text(encoding="utf-8") == (
        "---\ntitle: A\nstatus: Done # by hand\nlabels:\n  - a\n---\n\nText\n\n"
        "## Comments\n\n### 2026-01-02 03:04:05 UTC\n\n> It works.\n"
    )
    assert stat.S_IMODE(tool.file.stat().st_mode) == 0o664
    assert os.listdir(tool.file.parent) == ["one.md"]


def test_what_a_program_without_the_lock_writes_meanwhile_is_kept(tool: Tool) -> None:
    def write_in_between() -> bool:
        text = tool.file.read_text(encoding="utf-8")
        if "by a person" not in text:
            tool.file.write_text(text + "More text by a person.\n", encoding="utf-8")
        return True

    assert tool.call({"state": "Done"}, write_in_between).success
    text = tool.file.read_text(encoding="utf-8")
    assert "status: Done" in text
    assert text.endswith("More text by a person.\n")


def test_somebody_who_never_stops_writing_is_a_failure_that_says_so(tool: Tool) -> None:
    def write_always() -> bool:
        with tool.file.open("a", encoding="utf-8") as file:
            file.write("again\n")
        return True

    assert code_of(tool.call({"state": "Done"}, write_always)) == "busy"
    assert "status: Todo" in tool.file.read_text(encoding="utf-8")


def test_nothing_is_written_for_a_session_that_is_over(tool: Tool) -> None:
    assert code_of(tool.call({"state": "Done"}, lambda: False)) == "abandoned"
    assert tool.file.read_text(encoding="utf-8") == TEXT


def test_an_issue_does_not_grow_beyond_what_is_read(tmp_path: Path) -> None:
    tool = Tool(tmp_path, Bounds(settle_seconds=0, file_bytes=200))
    assert code_of(tool.call({"comment": "x" * 150})) == "issue_too_large"
    assert tool.file.read_text(encoding="utf-8") == TEXT


def test_a_file_that_broke_meanwhile_is_left_as_it_is(tool: Tool) -> None:
    tool.file.write_text("---\ntitle: [\n---\n", encoding="utf-8")
    assert code_of(tool.call({"state": "Done"})) == "tracker_response"
    assert tool.file.read_text(encoding="utf-8") == "---\ntitle: [\n---\n"


def test_front_matter_that_cannot_be_edited_in_place_is_left_as_it_is(tool: Tool) -> None:
    text = "---\n{title: A, state: Todo}\n---\n"
    tool.file.write_text(text, encoding="utf-8")
    assert code_of(tool.call({"labels": ["a"]})) == "front_matter_not_editable"
    assert tool.file.read_text(encoding="utf-8") == text


def test_a_directory_that_is_gone_is_a_failure(tool: Tool) -> None:
    tool.file.unlink()
    tool.file.parent.rmdir()
    assert code_of(tool.call({"state": "Done"})) == "not_written"

"""The page about the files tracker says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import yaml

from symphony.domain.issue import BlockerRef
from symphony.domain.json import as_object
from symphony.domain.settings import TrackerSettings
from symphony.trackers.blockers import USUAL_UNSTARTED_STATES
from symphony.trackers.errors import TrackerErrorCategory
from symphony.trackers.files.board import Board
from symphony.trackers.files.folder import Bounds, Folder
from symphony.trackers.files.profile import ACTIVE_STATES, PROFILE, TERMINAL_STATES
from symphony.trackers.files.settings import read_settings

PAGE = (Path(__file__).resolve().parents[3] / "docs/trackers/files.md").read_text(encoding="utf-8")


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_is_an_issue_as_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "hello-in-german.md").write_text(examples("markdown")[0], encoding="utf-8")
    settings = TrackerSettings(
        kind="files",
        provider={"path": str(tmp_path)},
        active_states=ACTIVE_STATES,
        terminal_states=TERMINAL_STATES,
    )
    scan = Folder(str(tmp_path), Bounds(settle_seconds=0)).scan()
    (issue,) = Board(scan, read_settings(settings, {}, "/")).by_states(["Todo"])
    assert (issue.id, issue.priority, issue.labels) == ("hello-in-german", 2, ("backend", "i18n"))
    assert issue.blocked_by == (BlockerRef(identifier="hello-in-english"),)
    assert not issue.dispatchable


def test_the_configurations_are_accepted(tmp_path: Path) -> None:
    for name in ("issues", "backlog/tasks"):
        (tmp_path / name).mkdir(parents=True)
    for example in examples("yaml"):
        tracker = as_object(yaml.safe_load(example)["tracker"])
        assert tracker is not None
        provider = as_object(tracker["provider"])
        assert provider is not None
        assert tracker["kind"] == PROFILE.kind
        settings = TrackerSettings(
            kind="files", provider=provider, active_states=(), terminal_states=()
        )
        read_settings(settings, {}, str(tmp_path))


def test_every_default_state_bound_and_category_is_on_the_page() -> None:
    bounds = Bounds()
    for name in (*ACTIVE_STATES, *TERMINAL_STATES):
        assert f"`{name}`" in PAGE
    for name in USUAL_UNSTARTED_STATES:
        assert f"`{name}`" in PAGE.lower()
    for category in set(get_args(TrackerErrorCategory)) - {"unsupported_tracker_kind"}:
        assert f"`{category}`" in PAGE
    assert f"{bounds.files:,} files" in PAGE
    assert bounds.file_bytes == 1024 * 1024
    assert f"ends after {bounds.scan_seconds + 2 * bounds.settle_seconds:g} s" in PAGE

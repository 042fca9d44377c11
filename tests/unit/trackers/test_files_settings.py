"""The provider settings of the files tracker."""

from __future__ import annotations

from pathlib import Path

import pytest

from symphony.domain.json import JsonObject
from symphony.domain.problems import Problem, ProblemError
from symphony.domain.settings import TrackerSettings
from symphony.trackers.files.settings import FilesSettings, read_settings


def settings(base: Path, provider: JsonObject, **environment: str) -> FilesSettings:
    tracker = TrackerSettings(
        kind="files",
        provider=provider,
        active_states=("Todo", "In Progress"),
        terminal_states=("Done",),
    )
    return read_settings(tracker, environment, str(base))


def problem(base: Path, provider: JsonObject, **environment: str) -> Problem:
    with pytest.raises(ProblemError) as caught:
        settings(base, provider, **environment)
    assert caught.value.code == "invalid_tracker_config"
    return caught.value.problems[0]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for name in ("issues", "board", "home/board"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("provider", "directory"),
    [
        ({}, "issues"),
        ({"path": None}, "issues"),
        ({"path": ""}, "issues"),
        ({"path": "board"}, "board"),
        ({"path": "./board/../issues/"}, "issues"),
        ({"path": "~/board"}, "home/board"),
        ({"path": "$BOARD"}, "board"),
        ({"path": "$UNSET"}, "issues"),
        ({"path": "board", "unknown": {"key": 1}}, "board"),
    ],
)
def test_the_path_counts_from_the_workflow_file(
    base: Path, provider: JsonObject, directory: str
) -> None:
    found = settings(base, provider, HOME=str(base / "home"), BOARD=str(base / "board"))
    assert found.directory == str(base / directory)


@pytest.mark.proves("config.provider.rejected")
def test_a_missing_directory_says_how_to_create_it(base: Path) -> None:
    missing = problem(base, {"path": "my issues"})
    assert missing.key == "tracker.provider.path"
    assert f"mkdir -p '{base / 'my issues'}'" in missing.remedy


@pytest.mark.proves("config.provider.rejected")
def test_a_file_is_not_a_directory(base: Path) -> None:
    (base / "file").write_text("")
    assert problem(base, {"path": "file"}).key == "tracker.provider.path"


@pytest.mark.proves("config.provider.rejected")
@pytest.mark.parametrize(
    ("provider", "key"),
    [
        ({"path": 7}, "path"),
        ({"path": "a/$NAME/b"}, "path"),
        ({"path": "~other/board"}, "path"),
        ({"assignee": ["ada"]}, "assignee"),
        ({"assignee": "  "}, "assignee"),
        ({"assignee": "$UNSET"}, "assignee"),
        ({"states": "Review"}, "states"),
        ({"unstarted_states": [1]}, "unstarted_states.0"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_by_its_key(
    base: Path, provider: JsonObject, key: str
) -> None:
    assert problem(base, provider).key == f"tracker.provider.{key}"


def test_the_assignee_may_come_from_the_environment(base: Path) -> None:
    assert settings(base, {"assignee": "$BOT"}, BOT="@codex").assignee == "codex"


def test_states_are_those_of_the_settings_and_unstarted_is_the_first_of_them(base: Path) -> None:
    found = settings(base, {"states": ["Human Review"]})
    assert found.named_states == ("Todo", "In Progress", "Done", "Human Review")
    assert found.unstarted == {"todo"}
    assert settings(base, {"unstarted_states": ["Ready"]}).unstarted == {"ready"}
    assert settings(base, {"unstarted_states": []}).unstarted == frozenset()

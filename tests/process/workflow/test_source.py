"""One real WORKFLOW.md over time, as the daemon reads it again at every tick."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from symphony.domain.problems import ProblemError
from symphony.workflow.source import Loaded, Rejected, Unchanged, WorkflowSource
from tests.support.workflows import ADAPTERS, ENVIRONMENT, front_matter


class File:
    """A workflow file and the source that reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = WorkflowSource(path, environment=ENVIRONMENT, adapter_defaults=ADAPTERS)

    def says(self, text: str) -> None:
        self.path.write_text(text)

    def loaded(self) -> Loaded:
        reading = self.source.poll()
        assert isinstance(reading, Loaded)
        return reading

    def rejected(self) -> Rejected:
        reading = self.source.poll()
        assert isinstance(reading, Rejected)
        return reading


GOOD = front_matter("polling:\n  interval_ms: 1000\n")
OTHER = front_matter("polling:\n  interval_ms: 2000\n")
BAD = front_matter("polling:\n  interval_ms: soon\n")
WORSE = front_matter("polling:\n  interval_ms: never\n")


@pytest.fixture
def file(tmp_path: Path) -> File:
    found = File(tmp_path / "WORKFLOW.md")
    found.says(GOOD)
    found.source.load()
    return found


def test_the_first_reading_gives_the_workflow(tmp_path: Path) -> None:
    found = File(tmp_path / "WORKFLOW.md")
    found.says(GOOD)
    assert found.source.load().settings.polling.interval_ms == 1000
    assert isinstance(found.source.poll(), Unchanged)


@pytest.mark.proves("workflow.path.missing")
def test_the_first_reading_of_a_file_that_is_not_there_raises(tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as caught:
        File(tmp_path / "WORKFLOW.md").source.load()
    assert caught.value.code == "missing_workflow_file"


@pytest.mark.proves("reload.detect.defensive")
def test_a_change_is_found_without_any_watcher(file: File) -> None:
    file.says(OTHER)
    assert file.loaded().workflow.settings.polling.interval_ms == 2000
    assert isinstance(file.source.poll(), Unchanged)


@pytest.mark.proves("reload.detect.defensive")
def test_a_change_that_leaves_size_and_times_alone_is_found(file: File) -> None:
    before = os.stat(file.path)
    file.says(GOOD.replace("1000", "9000"))
    os.utime(file.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert os.stat(file.path).st_size == before.st_size
    assert file.loaded().workflow.settings.polling.interval_ms == 9000


def test_the_same_content_written_again_is_no_change(file: File) -> None:
    file.says(GOOD)
    assert isinstance(file.source.poll(), Unchanged)


@pytest.mark.proves("reload.invalid.reported_once")
def test_a_failure_has_the_same_key_as_long_as_it_stays_the_same(file: File) -> None:
    file.says(BAD)
    first = file.rejected()
    assert file.rejected().key == first.key
    file.says(BAD + "more of the body\n")
    assert file.rejected().key == first.key
    file.says(WORSE)
    assert file.rejected().key != first.key


@pytest.mark.parametrize("then", [GOOD, OTHER])
def test_the_end_of_a_failure_is_a_new_loading(file: File, then: str) -> None:
    file.says(BAD)
    file.rejected()
    file.says(then)
    file.loaded()
    assert isinstance(file.source.poll(), Unchanged)


def test_a_file_that_goes_away_is_rejected_until_it_is_back(file: File) -> None:
    file.path.unlink()
    first = file.rejected()
    assert first.problems[0].code == "missing_workflow_file"
    assert file.rejected().key == first.key
    file.says(GOOD)
    file.loaded()


@pytest.mark.proves("reload.invalid.last_good")
def test_a_mistake_anywhere_gives_no_settings_at_all(file: File) -> None:
    file.says(front_matter("polling:\n  interval_ms: 2000\nagent:\n  max_turns: 0\n"))
    assert [problem.key for problem in file.rejected().problems] == ["agent.max_turns"]

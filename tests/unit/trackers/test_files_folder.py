"""The directory of issue files is read as a whole, and never half."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from symphony.domain.ids import IssueId
from symphony.trackers.errors import TrackerError
from symphony.trackers.files.folder import Bounds, Folder, Scan

DEADLINE_SECONDS = 30.0
PATIENT = Bounds(settle_seconds=DEADLINE_SECONDS)
HASTY = Bounds(settle_seconds=0, fresh_seconds=0, quiet_seconds=0)

WHOLE = "---\ntitle: A\nstate: Todo\n---\nAll of the text\n"
HALF = "---\ntitle: A\nsta"


def write(directory: Path, name: str, text: str = WHOLE) -> Path:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def names(scan: Scan) -> list[str]:
    return sorted(file.name for file in scan.files)


def reasons(scan: Scan) -> dict[str, str]:
    return {skipped.name: skipped.reason for skipped in scan.skipped}


def scan_while(folder: Folder, act: Callable[[], object], wanted: tuple[IssueId, ...] = ()) -> Scan:
    """Scan, and `act` in another thread as soon as one look has been unsatisfactory."""
    looks_before = folder.scans

    def act_after_one_look() -> None:
        give_up_at = time.monotonic() + DEADLINE_SECONDS
        while folder.scans < looks_before + 2 and time.monotonic() < give_up_at:
            os.sched_yield()
        act()

    thread = threading.Thread(target=act_after_one_look)
    thread.start()
    scan = folder.scan(wanted)
    thread.join(DEADLINE_SECONDS)
    return scan


def test_only_visible_markdown_files_of_the_directory_itself_are_read(tmp_path: Path) -> None:
    write(tmp_path, "one.md")
    for name in (".hidden.md", "one.md~", "one.txt", ".symphony-1.tmp", "#one.md#"):
        write(tmp_path, name)
    (tmp_path / "archive").mkdir()
    write(tmp_path / "archive", "two.md")
    scan = Folder(str(tmp_path), HASTY).scan()
    assert (names(scan), reasons(scan)) == (["one.md"], {})


def test_what_cannot_be_read_is_named_with_its_reason(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    issues = tmp_path / "issues"
    issues.mkdir()
    (issues / "link.md").symlink_to(write(outside, "secret.md"))
    (issues / "loop.md").symlink_to("loop.md")
    (issues / "directory.md").mkdir()
    os.mkfifo(issues / "pipe.md")
    write(issues, "large.md", WHOLE + "x" * 300)
    write(issues, "notes.md", "Only notes\n")
    write(issues, "fine.md")
    bounds = Bounds(settle_seconds=0, fresh_seconds=0, file_bytes=300)
    scan = Folder(str(issues), bounds).scan()
    assert names(scan) == ["fine.md"]
    assert reasons(scan) == {
        "link.md": "symbolic_link",
        "loop.md": "symbolic_link",
        "directory.md": "not_a_file",
        "pipe.md": "not_a_file",
        "large.md": "too_large",
        "notes.md": "no_front_matter",
    }


@pytest.mark.proves("issue.identifier.unique")
def test_two_files_with_one_identifier_are_both_out(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "---\nid: T-1\ntitle: A\nstate: Todo\n---\n")
    write(tmp_path, "b.md", "---\nid: t-1\ntitle: B\nstate: Todo\n---\n")
    write(tmp_path, "c.md")
    scan = Folder(str(tmp_path), HASTY).scan()
    assert names(scan) == ["c.md"]
    assert reasons(scan) == {"a.md": "duplicate", "b.md": "duplicate"}
    assert all(other in skipped.detail for skipped, other in zip(scan.skipped, "ba", strict=True))


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(tmp_path: Path) -> None:
    kept, changed = write(tmp_path, "kept.md"), write(tmp_path, "changed.md")
    folder = Folder(str(tmp_path), HASTY)
    before = {file.name: file for file in folder.scan().files}
    changed.write_text(WHOLE.replace("Todo", "In Progress"), encoding="utf-8")
    after = {file.name: file for file in folder.scan().files}
    assert after[kept.name] is before[kept.name]
    assert after[changed.name].state == "In Progress"


def test_a_change_that_keeps_size_and_time_of_modification_is_seen(tmp_path: Path) -> None:
    path = write(tmp_path, "one.md", WHOLE.replace("Todo", "Aaaa"))
    folder = Folder(str(tmp_path))
    assert folder.scan().files[0].state == "Aaaa"
    times = path.stat()
    path.write_text(WHOLE.replace("Todo", "Bbbb"), encoding="utf-8")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert folder.scan().files[0].state == "Bbbb"


def test_a_file_that_is_being_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path, "one.md", HALF)
    folder = Folder(str(tmp_path), PATIENT)
    scan = scan_while(folder, lambda: path.write_text(WHOLE, encoding="utf-8"))
    assert (names(scan), reasons(scan)) == (["one.md"], {})


def test_an_issue_that_an_editor_moves_aside_for_a_moment_is_not_gone(tmp_path: Path) -> None:
    path = write(tmp_path, "one.md")
    folder = Folder(str(tmp_path), PATIENT)
    folder.scan()
    aside = path.rename(path.with_name("one.md~"))
    scan = scan_while(folder, lambda: aside.rename(path), wanted=(IssueId("one"),))
    assert names(scan) == ["one.md"]


def test_an_issue_whose_file_gets_another_title_is_not_doubled(tmp_path: Path) -> None:
    text = "---\nid: T-1\ntitle: A\nstate: Todo\n---\n"
    old = write(tmp_path, "t-1 - Old.md", text)
    write(tmp_path, "t-1 - New.md", text)
    scan = scan_while(Folder(str(tmp_path), PATIENT), old.unlink)
    assert (names(scan), reasons(scan)) == (["t-1 - New.md"], {})


def test_a_file_that_stays_broken_does_not_hold_up_the_others_for_ever(tmp_path: Path) -> None:
    write(tmp_path, "broken.md", HALF)
    write(tmp_path, "one.md")
    scan = Folder(str(tmp_path), Bounds(settle_seconds=0.05)).scan()
    assert (names(scan), reasons(scan)) == (["one.md"], {"broken.md": "invalid_front_matter"})


@pytest.mark.proves("tracker.reads.atomic")
def test_more_files_than_the_limit_are_an_error_and_not_a_part(tmp_path: Path) -> None:
    for number in range(4):
        write(tmp_path, f"{number}.md")
    assert len(Folder(str(tmp_path), Bounds(files=4)).scan().files) == 4
    with pytest.raises(TrackerError) as caught:
        Folder(str(tmp_path), Bounds(files=3)).scan()
    assert caught.value.category == "tracker_pagination"


def test_a_scan_that_takes_too_long_fails_and_the_next_one_gets_further(tmp_path: Path) -> None:
    write(tmp_path, "one.md")
    with pytest.raises(TrackerError) as caught:
        Folder(str(tmp_path), Bounds(scan_seconds=0)).scan()
    assert caught.value.category == "tracker_request"


def test_a_directory_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrackerError) as caught:
        Folder(str(tmp_path / "nowhere"), HASTY).scan()
    assert caught.value.category == "tracker_request"

"""The scratch directory: what the demo takes, what it leaves alone, what it makes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from symphony.demo.board import ISSUES
from symphony.demo.git import environment_without_git, require_git, run_git
from symphony.demo.outcome import results
from symphony.demo.place import MARKER, Place, claimed, fill
from symphony.domain.problems import ProblemError
from tests.process.demo.conftest import MakeWorkspace


def code_of(directory: Path) -> str:
    with pytest.raises(ProblemError) as refusal, claimed(str(directory)):
        pass
    return refusal.value.code


def test_the_repository_has_a_project_whose_tests_pass(place: Place) -> None:
    assert run_git(place.repository, "log", "--format=%an <%ae> %s", "main").splitlines() == [
        "Symphony demo <demo@symphony.invalid> Parse and show durations"
    ]
    tests = (sys.executable, "-B", "-m", "unittest", "-q")
    subprocess.run(tests, cwd=place.repository, check=True, capture_output=True)
    assert run_git(place.repository, "status", "--short") == ""
    assert len(list(place.issues.iterdir())) == len(ISSUES)


def test_an_earlier_demo_is_replaced_and_what_else_is_there_stays(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with claimed(str(tmp_path / "demo")) as place:
            assert sorted(each.name for each in place.root.iterdir()) in (
                [MARKER],
                [MARKER, "my-notes.txt"],
            )
            fill(place, text)
            (place.root / "my-notes.txt").write_text("mine")
    assert place.workflow.read_text() == "second"
    assert (place.root / "my-notes.txt").read_text() == "mine"


def test_a_directory_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "issues").mkdir(parents=True)
    assert code_of(theirs) == "demo_directory_in_use"
    (theirs / MARKER).write_text("something else")
    assert code_of(theirs) == "demo_directory_in_use"
    (theirs / MARKER).unlink()
    (theirs / MARKER).symlink_to(tmp_path / "elsewhere")
    assert code_of(theirs) == "demo_directory_in_use"
    assert (theirs / "issues").is_dir()
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert code_of(tmp_path / "file") == "demo_directory_in_use"
    assert (tmp_path / "file").read_text() == "mine"


def test_an_empty_directory_may_be_used(tmp_path: Path) -> None:
    with claimed(str(tmp_path)) as place:
        assert (place.root / MARKER).is_file()


def test_a_directory_in_which_a_demo_runs_is_left_alone(tmp_path: Path) -> None:
    with claimed(str(tmp_path / "demo")) as place:
        fill(place, "running")
        assert code_of(place.root) == "demo_running"
        assert place.workflow.read_text() == "running"
    with claimed(str(tmp_path / "demo")):
        pass


def test_links_in_an_earlier_demo_are_removed_and_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine")
    with claimed(str(tmp_path / "demo")) as place:
        place.workspaces.symlink_to(precious)
    with claimed(str(tmp_path / "demo")):
        pass
    assert (precious / "file").read_text() == "mine"
    assert not place.workspaces.is_symlink()


def test_a_directory_that_cannot_be_made_is_reported_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert code_of(tmp_path / "file" / "demo") == "demo_directory_unusable"


def test_without_git_the_reader_learns_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="Install it") as refusal:
        require_git({"PATH": str(tmp_path)})
    assert refusal.value.code == "git_missing"
    require_git({"PATH": os.path.dirname(shutil.which("git") or "")})


def test_variables_that_steer_git_are_dropped() -> None:
    environment = {"GIT_DIR": "/x", "GIT_EXEC_PATH": "/y", "HOME": "/z", "GITHUB_TOKEN": "t"}
    kept = {"GIT_EXEC_PATH": "/y", "HOME": "/z", "GITHUB_TOKEN": "t"}
    assert environment_without_git(environment) == kept


def test_a_git_command_that_fails_is_reported_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="not a git repository"):
        run_git(tmp_path, "status")


def test_what_came_of_an_issue_is_read_from_its_file_and_its_branch(
    place: Place, workspace: MakeWorkspace
) -> None:
    nothing = results(place)[0]
    assert (nothing.state, nothing.commit, nothing.is_done) == ("Todo", None, False)
    assert nothing.missing == "it is Todo, not Done"
    file = place.issues / "DUR-1.md"
    file.write_text(file.read_text().replace("Todo", "Done"))
    claimed_done = results(place)[0]
    assert (claimed_done.is_done, claimed_done.missing) == (
        False,
        "the branch issue/DUR-1 has no commit",
    )
    clone = workspace("DUR-1")
    run_git(clone, "push", "--quiet", "origin", "HEAD")
    assert not results(place)[0].is_done
    run_git(clone, "commit", "--quiet", "--allow-empty", "--message", "Some work")
    run_git(clone, "push", "--quiet", "origin", "HEAD")
    real = results(place)[0]
    assert real.is_done
    assert real.commit is not None
    assert real.commit.endswith(" Some work")


def test_a_commit_of_the_issue_below_does_not_count_for_the_one_above(
    place: Place, workspace: MakeWorkspace
) -> None:
    clone = workspace("DUR-3")
    run_git(clone, "commit", "--quiet", "--allow-empty", "--message", "Days")
    run_git(clone, "push", "--quiet", "origin", "HEAD", "HEAD:refs/heads/issue/DUR-4")
    by_name = {result.issue.identifier: result for result in results(place)}
    assert by_name["DUR-3"].commit is not None
    assert by_name["DUR-4"].commit is None


def test_an_issue_that_cannot_be_read_is_not_done(place: Place) -> None:
    (place.issues / "DUR-1.md").write_text("no front matter")
    (place.issues / "DUR-2.md").unlink()
    assert [result.state for result in results(place)[:2]] == ["unreadable", "unreadable"]

"""What the demo agent knows by heart fits the project that the demo makes."""

from __future__ import annotations

import pytest

from symphony.demo.agent.tasks import TASKS, Edit, Task, UnexpectedTextError, task_for
from symphony.demo.board import ISSUES
from symphony.demo.project import FILES


def applied(task: Task, files: dict[str, str]) -> dict[str, str]:
    result = dict(files)
    for edit in task.edits:
        result[edit.path] = edit.applied(result.get(edit.path, ""))
    return result


def start_of(name: str) -> dict[str, str]:
    """The files on which the work on an issue begins: those of its blocker, if it has one."""
    base = next(issue.blocked_by for issue in ISSUES if issue.identifier == name)
    return applied(TASKS[base], start_of(base)) if base else dict(FILES)


def test_the_agent_knows_every_issue_of_the_board() -> None:
    assert set(TASKS) == {issue.identifier for issue in ISSUES}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_changes_something_and_leaves_python_that_compiles(name: str) -> None:
    before = start_of(name)
    after = applied(TASKS[name], before)
    assert after != before
    for path, text in after.items():
        if path.endswith(".py"):
            compile(text, path, "exec")


@pytest.mark.parametrize("name", TASKS)
def test_a_task_that_is_done_again_changes_nothing(name: str) -> None:
    once = applied(TASKS[name], start_of(name))
    assert applied(TASKS[name], once) == once


def test_one_task_fails_first_and_one_takes_two_turns() -> None:
    assert sum(task.fails_first for task in TASKS.values()) == 1
    assert sum(task.turns > 1 for task in TASKS.values()) == 1


def test_an_issue_that_nobody_taught_the_agent_gets_an_honest_note() -> None:
    task = task_for("NEW-1", "Something else")
    files = applied(task, dict(FILES))
    assert files["NOTES.md"] == "- NEW-1: Something else\n"
    assert "another one" in task.report


def test_a_file_that_reads_differently_is_not_edited_blindly() -> None:
    edit = Edit(path="durations.py", before="twice", after="once")
    for text in ("nothing of it", "twice and twice"):
        with pytest.raises(UnexpectedTextError, match="does not read as expected"):
            edit.applied(text)

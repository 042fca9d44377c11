"""How the agent gets one issue done: read the prompt, begin, change, check, commit, report."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from typing import Final

from symphony.demo.agent.tasks import Task, UnexpectedTextError, task_for
from symphony.demo.agent.turn import Turn, TurnFailedError

TOOL: Final = "issue_update"
_TASK_LINE: Final = re.compile(r"You work on (\S+): (.+)")
_BASE_LINE: Final = re.compile(r"It builds on (\S+)\.")
_ATTEMPT_LINE: Final = re.compile(r"This is attempt (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What the head of a prompt says. `attempt` is None for a first run."""

    identifier: str
    title: str
    base: str | None = None
    attempt: int | None = None


def read_prompt(prompt: str) -> Assignment | None:
    """The assignment in the lines before the first empty one: what follows is the issue's own text
    and may say anything. None where there is none."""
    head = prompt.strip().split("\n\n", 1)[0]
    task = _TASK_LINE.match(head)
    if task is None:
        return None
    base, attempt = _BASE_LINE.search(head), _ATTEMPT_LINE.search(head)
    return Assignment(
        identifier=task[1],
        title=task[2].strip(),
        base=base[1] if base else None,
        attempt=int(attempt[1]) if attempt else None,
    )


class Worker:
    """The memory of one thread: what it was asked to do, and how far it is."""

    def __init__(self, thinking_s: float) -> None:
        self._thinking_s = thinking_s
        self._assignment: Assignment | None = None
        self._is_written = False
        self._has_changed = False

    def take_turn(self, turn: Turn, prompt: str) -> None:
        """Do one turn's worth of work. Raises `TurnFailedError`."""
        assignment = self._assignment = self._assignment or read_prompt(prompt)
        if assignment is None:
            raise TurnFailedError("the prompt does not begin with `You work on ID: TITLE`")
        task = task_for(assignment.identifier, assignment.title)
        if not self._is_written:
            _begin(turn, assignment, task, self._thinking_s)
            self._has_changed = _write(turn, task)
            self._is_written = True
            if task.turns > 1:
                turn.say("The text is written; I read it once more before I commit.")
                return
        turn.think(task.thoughts[1], self._thinking_s)
        _deliver(turn, task, commit=self._has_changed)


def _begin(turn: Turn, assignment: Assignment, task: Task, thinking_s: float) -> None:
    turn.call(TOOL, {"state": "In Progress"})
    turn.think(task.thoughts[0], thinking_s)
    if task.fails_first and assignment.attempt is None:
        reason = "the model is overloaded (the demo fails here once, on purpose)"
        raise TurnFailedError(reason, kind="serverOverloaded")
    if assignment.attempt is not None:
        # An earlier attempt may have left half of an edit.
        _shell(turn, "git reset --quiet --hard && git clean --quiet --force -d")
    if assignment.base is not None:
        turn.run("git", "merge", "--quiet", "--ff-only", f"origin/issue/{assignment.base}")


def _write(turn: Turn, task: Task) -> bool:
    """Whether there was anything to change: an earlier attempt may have committed it all."""
    has_changed = False
    for edit in task.edits:
        before = turn.read(edit.path)
        try:
            after = edit.applied(before)
        except UnexpectedTextError as error:
            raise TurnFailedError(str(error)) from None
        if after != before:
            turn.change(edit.path, after)
            has_changed = True
    # -B: no compiled files in the workspace.
    turn.run(sys.executable, "-B", "-m", "unittest", "-q", shown="python3 -m unittest -q")
    return has_changed


def _deliver(turn: Turn, task: Task, *, commit: bool) -> None:
    if commit:
        paths = shlex.join(dict.fromkeys(edit.path for edit in task.edits))
        message = shlex.quote(task.commit)
        _shell(turn, f"git add {paths} && git commit --quiet -m {message}")
    turn.run("git", "push", "--quiet", "origin", "HEAD")
    turn.call(TOOL, {"state": "Done", "comment": task.report})
    turn.say(task.report)


def _shell(turn: Turn, script: str) -> None:
    turn.run("sh", "-c", script, shown=script)

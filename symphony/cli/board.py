"""What the commands that answer questions read: the workflow, and the tracker once.

Nothing is started, written or claimed. A daemon that runs is not disturbed by it, apart from the
requests that the tracker sees.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio

from symphony.cli.daemon import DEFAULT_WORKFLOW
from symphony.cli.problems import all_told
from symphony.domain.ids import IssueIdentifier
from symphony.domain.issue import Issue
from symphony.domain.problems import ProblemError
from symphony.domain.settings import Settings
from symphony.runtime.configuration import WorkflowComposer
from symphony.runtime.effective import EffectiveWorkflow
from symphony.trackers.errors import TrackerError
from symphony.trackers.port import TellsRights, Tracker

READ_TIMEOUT_S = 60.0
"""For all reads of one command together; nobody waits longer for an answer on a terminal."""

EXIT_WORKFLOW = 1
EXIT_BLOCKED = 3
EXIT_NOT_VISIBLE = 4
EXIT_TRACKER = 5

T = TypeVar("T")


class QuestionError(Exception):
    """The question cannot be answered; `code` is the exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """`candidates` are the issues in active states; `issue` is the one that was asked for, in
    whatever state, None where it is not visible or none was asked for."""

    workflow: EffectiveWorkflow
    candidates: tuple[Issue, ...]
    issue: Issue | None


def add_path(parser: argparse.ArgumentParser) -> None:
    """The argument that every one of these commands has."""
    parser.add_argument(
        "path", nargs="?", metavar="PATH", help="the workflow file (default: ./WORKFLOW.md)"
    )


def compose(path: str | None) -> EffectiveWorkflow:
    """The workflow as a daemon would use it. Raises `QuestionError`."""
    location = os.path.abspath(path or DEFAULT_WORKFLOW)
    try:
        return WorkflowComposer(location, os.environ).load().workflow
    except ProblemError as error:
        raise QuestionError(all_told(error.problems), EXIT_WORKFLOW) from None


def read_board(workflow: EffectiveWorkflow, identifier: str | None = None) -> Board:
    """Read the candidates, and the issue of this identifier. Closes the tracker. Raises
    `QuestionError`."""
    return _read(workflow, partial(_board, workflow, identifier))


def read_issue(path: str | None, identifier: str) -> tuple[EffectiveWorkflow, Issue]:
    """Read one issue only. Raises `QuestionError`, also where it is not visible."""
    workflow = compose(path)
    issue = _read(workflow, partial(_issue, workflow, identifier))
    if issue is None:
        raise not_visible(workflow, identifier)
    return workflow, issue


def not_visible(workflow: EffectiveWorkflow, identifier: str) -> QuestionError:
    """The tracker shows no such issue."""
    kind = workflow.settings.tracker.kind
    return QuestionError(
        f"error: the {kind} tracker shows no issue {identifier} in the scope of tracker.provider. "
        "Check its spelling, and that the credential may see it.",
        EXIT_NOT_VISIBLE,
    )


def complain(error: QuestionError) -> int:
    """Say why there is no answer; gives the exit code."""
    print(error, file=sys.stderr)
    return error.code


async def ask_tracker(tracker: Tracker, settings: Settings) -> tuple[int, Sequence[str]]:
    """How many issues are in active states, and what the credentials may do where the tracker
    tells. Closes the tracker. Raises `TrackerError`, `TimeoutError`."""
    try:
        with anyio.fail_after(READ_TIMEOUT_S):
            found = await tracker.fetch_issues_by_states(settings.tracker.active_states)
            rights = await tracker.rights() if isinstance(tracker, TellsRights) else ()
            return len(found), rights
    finally:
        await tracker.aclose()


async def _board(workflow: EffectiveWorkflow, identifier: str | None) -> Board:
    states = workflow.settings.tracker.active_states
    candidates = tuple(await workflow.tracker.fetch_issues_by_states(states))
    issue = None
    if identifier is not None:
        issue = next((each for each in candidates if each.identifier == identifier), None)
        issue = issue or await _issue(workflow, identifier)
    return Board(workflow=workflow, candidates=candidates, issue=issue)


async def _issue(workflow: EffectiveWorkflow, identifier: str) -> Issue | None:
    names = (IssueIdentifier(identifier),)
    return next(iter(await workflow.tracker.fetch_issues_by_identifiers(names)), None)


def _read(workflow: EffectiveWorkflow, read: Callable[[], Awaitable[T]]) -> T:
    async def bounded() -> T:
        try:
            with anyio.fail_after(READ_TIMEOUT_S):
                return await read()
        finally:
            await workflow.tracker.aclose()

    try:
        return anyio.run(bounded)
    except TrackerError as error:
        raise QuestionError(f"error: the tracker did not answer: {error}", EXIT_TRACKER) from None
    except TimeoutError:
        message = f"error: the tracker did not answer within {READ_TIMEOUT_S:.0f} s"
        raise QuestionError(message, EXIT_TRACKER) from None

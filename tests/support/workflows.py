"""Workflow texts for tests, and the adapters that they may name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import pytest

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import BlockerRef, Issue
from symphony.domain.problems import Problem, ProblemError
from symphony.workflow.adapters import AdapterDefaults
from symphony.workflow.loader import LoadedWorkflow, interpret_workflow

_ACTIVE: Final = ("Todo", "In Progress")
_TERMINAL: Final = ("Done", "Cancelled")

ADAPTERS: Final[Mapping[str, AdapterDefaults]] = {
    "files": AdapterDefaults(active_states=_ACTIVE, terminal_states=_TERMINAL),
    "linear": AdapterDefaults(active_states=_ACTIVE, terminal_states=_TERMINAL),
    "github": AdapterDefaults(active_states=("open",), terminal_states=("closed",)),
    "bare": AdapterDefaults(),
}
ENVIRONMENT: Final = {"HOME": "/home/ada", "TMPDIR": "/scratch"}
PATH: Final = "/repo/WORKFLOW.md"

FULL_ISSUE: Final = Issue(
    id=IssueId("id-1"),
    identifier=IssueIdentifier("ABC-1"),
    title="Fix the {{ attempt }} <b>bug</b>",
    state="In Progress",
    dispatchable=True,
    native_ref={"board": {"column": 3}, "items": ["a"]},
    description="First line\nSecond line",
    priority=2,
    branch_name="abc-1",
    url="https://example.org/ABC-1",
    assignee_id="ada",
    labels=("agent", "ui"),
    blocked_by=(BlockerRef(id="id-0", identifier="ABC-0", state="Done"), BlockerRef()),
    created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    updated_at=datetime(2026, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC),
)
BARE_ISSUE: Final = Issue(
    id=IssueId("id-2"),
    identifier=IssueIdentifier("ABC-2"),
    title="Bare",
    state="Todo",
    dispatchable=True,
)


def front_matter(settings: str = "", *, kind: str = "files", body: str = "Work.") -> str:
    """A workflow file of this kind with further settings at the top level."""
    return f"---\ntracker:\n  kind: {kind}\n{settings}---\n{body}\n"


def loaded(
    text: str | bytes,
    *,
    environment: Mapping[str, str] = ENVIRONMENT,
    path: str = PATH,
) -> LoadedWorkflow:
    """What the text means as `/repo/WORKFLOW.md`."""
    data = text.encode() if isinstance(text, str) else text
    return interpret_workflow(data, path=path, environment=environment, adapter_defaults=ADAPTERS)


def refused(text: str | bytes) -> tuple[Problem, ...]:
    """Everything that the text is refused for."""
    with pytest.raises(ProblemError) as caught:
        loaded(text)
    return caught.value.problems

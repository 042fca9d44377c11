"""The eight issues of the demo, as they lie in the folder that is the board."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoIssue:
    """One issue. `blocked_by` names the issue that must be done first."""

    identifier: str
    title: str
    text: str
    labels: tuple[str, ...]
    priority: int | None = None
    blocked_by: str | None = None

    @property
    def file_name(self) -> str:
        return f"{self.identifier}.md"

    def markdown(self) -> str:
        """The file of the issue. JSON texts and lists are YAML as well."""
        front = [f"title: {json.dumps(self.title)}", "state: Todo"]
        if self.priority is not None:
            front.append(f"priority: {self.priority}")
        front.append(f"labels: {json.dumps(self.labels)}")
        if self.blocked_by is not None:
            front.append(f"blocked_by: [{self.blocked_by}]")
        return "\n".join(["---", *front, "---", self.text, ""])


ISSUES = (
    DemoIssue(
        identifier="DUR-1",
        title="parse() accepts nonsense",
        text=(
            '`durations.parse("soon")` returns 0, and `parse("1x")` dies of a KeyError. Both '
            "should be a ValueError that shows the text."
        ),
        labels=("bug",),
        priority=1,
    ),
    DemoIssue(
        identifier="DUR-2",
        title="show(0) returns an empty text",
        text="It should be `0s`.",
        labels=("bug",),
        priority=1,
    ),
    DemoIssue(
        identifier="DUR-3",
        title="Add days",
        text="`2d` is two days, and `show` should use days as well.",
        labels=("feature",),
        priority=2,
    ),
    DemoIssue(
        identifier="DUR-4",
        title="Add weeks, on top of days",
        text="`1w` is seven days. Needs the days of DUR-3.",
        labels=("feature",),
        priority=1,
        blocked_by="DUR-3",
    ),
    DemoIssue(
        identifier="DUR-5",
        title="show() is wrong below zero",
        text="`show(-90)` gives `-1h58m30s`. It should be `-1m30s`.",
        labels=("bug",),
        priority=2,
    ),
    DemoIssue(
        identifier="DUR-6",
        title="Say in the README how it is used",
        text="Two lines of Python, one for each function, are enough.",
        labels=("docs",),
        priority=3,
    ),
    DemoIssue(
        identifier="DUR-7",
        title="A command line",
        text="`python3 durations.py 1h30m` should print `5400`.",
        labels=("feature",),
        priority=3,
    ),
    DemoIssue(
        identifier="DUR-8",
        title="Test that parse() undoes show()",
        text="For some hundred numbers of seconds.",
        labels=("tests",),
    ),
)
"""In the order of their names; the daemon goes by priority and blockers."""

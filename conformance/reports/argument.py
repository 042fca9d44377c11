"""What a problem is argued with: the sentence, what was expected and seen, the last events, and one
command that repeats just this. In plain text, for consoles, JUnit and whoever reads them.

Guarantees: no line holds control characters; the number of events is bounded. Must not: colour.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from conformance.reports.lines import FindingRecorded
from conformance.reports.model import RequirementResult
from conformance.reports.words import STANDINGS, on_one_line, plain

EVENTS_SHOWN = 12
"""Events under a problem: enough to see what led to it, few enough for a screen. The bundle of the
scenario has them all."""

_WIDTH = 88
_INDENT = "    "
_LABEL_WIDTH = 10


def argument(result: RequirementResult, *, events: int = EVENTS_SHOWN) -> str:
    """All that there is to say of one problem, several lines, none of them indented at first."""
    requirement = result.requirement
    head = (
        f"{result.level} {STANDINGS[result.standing].word}: {result.id} "
        f"(section {requirement.section})"
    )
    lines = [head, *_wrapped("", requirement.text)]
    for finding in result.findings:
        if finding.outcome is result.outcome:
            lines.extend(_finding_lines(finding, events))
    return "\n".join(lines)


def _finding_lines(finding: FindingRecorded, events: int) -> Iterator[str]:
    yield from _wrapped("scenario", finding.scenario)
    yield from _wrapped("expected", finding.expected)
    yield from _wrapped("seen", finding.seen)
    if finding.measured_s is not None:
        yield from _wrapped("measured", f"{finding.measured_s:.3f} s")
    if finding.timeline and events:
        yield f"{_INDENT}timeline"
        yield from (f"{_INDENT}  {plain(line)}" for line in finding.timeline[-events:])
    if finding.replay:
        yield f"{_INDENT}{'replay':<{_LABEL_WIDTH}}{plain(finding.replay)}"


def _wrapped(label: str, text: str) -> list[str]:
    """The text beside its label; nothing where there is no text."""
    if not text:
        return []
    first = f"{_INDENT}{label:<{_LABEL_WIDTH}}" if label else _INDENT
    rest = " " * len(first)
    return textwrap.wrap(
        on_one_line(text),
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    )

"""A run as Markdown, for the summary page of a continuous integration service.

Guarantees: short where nothing is wrong; every problem stands open with its argument; text that
came from an implementation stands in code blocks it cannot leave. At most `MOST_PROBLEMS` are told
in full, because such pages have a size limit; the others are named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from conformance.reports.argument import argument
from conformance.reports.model import RequirementResult, RunReport
from conformance.reports.words import (
    capitalised,
    joined,
    levels_present,
    on_one_line,
    present,
    subject,
    verdict_sentence,
)

MOST_PROBLEMS = 50

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!])")


def markdown_report(report: RunReport) -> str:
    """The page, with a line end."""
    blocks = [
        f"## Symphony conformance: {escaped(subject(report))}",
        f"**{escaped(capitalised(verdict_sentence(report)))}.**",
        _circumstances(report),
        counts_table(report),
        *_problems(report),
        *_known(report),
        *(f"Baseline out of date: {escaped(sentence)}." for sentence in report.stale),
        *_rescued(report),
    ]
    return "\n\n".join(blocks) + "\n"


def counts_table(report: RunReport) -> str:
    """Levels down, standings across."""
    counts = report.counts()
    standings = present(counts)
    lines = [
        "| level | " + " | ".join(f"{each.sign} {each.word}" for each in standings) + " |",
        "|---|" + "--:|" * len(standings),
    ]
    for level in levels_present(counts):
        cells = (str(counts[level].get(each.key, "")) for each in standings)
        lines.append(f"| {level} | {' | '.join(cells)} |")
    return "\n".join(lines)


def escaped(text: str) -> str:
    """The text on one line, with nothing in it that Markdown acts on."""
    return _SPECIAL.sub(r"\\\1", on_one_line(text))


def fenced(text: str) -> str:
    """A code block around the text, with a fence longer than any in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _circumstances(report: RunReport) -> str:
    run = report.run
    parts = [
        f"suite {run.suite}",
        f"specification {run.specification}",
        f"dialect {run.dialect}",
        f"profiles {joined(run.profiles)}",
        f"seed {run.seed}",
    ]
    if run.patterns:
        parts.append(f"limited to {joined(run.patterns)}")
    if report.ended is not None:
        parts.append(f"{report.ended.duration_s:.0f} s")
    return escaped(" · ".join(parts))


def _problems(report: RunReport) -> Iterator[str]:
    found = sorted(
        (result for result in report.problems if result.id not in report.known),
        key=lambda result: -result.outcome.rank,
    )
    for result in found[:MOST_PROBLEMS]:
        yield f"### `{result.id}`\n\n{fenced(argument(result))}"
    if found[MOST_PROBLEMS:]:
        yield f"And {len(found) - MOST_PROBLEMS} more: {_names(found[MOST_PROBLEMS:])}."


def _known(report: RunReport) -> Iterator[str]:
    if report.known:
        lines = [f"- `{name}`: {escaped(why)}" for name, why in report.known.items()]
        yield "\n".join(["### Known failures", "", *lines])


def _rescued(report: RunReport) -> Iterator[str]:
    if report.rescued:
        names = ", ".join(f"`{name}`" for name in report.rescued)
        yield f"Passed only when run again, alone: {names}."


def _names(results: Sequence[RequirementResult]) -> str:
    return ", ".join(f"`{result.id}`" for result in results)

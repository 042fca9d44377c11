"""Several implementations side by side: a row for each requirement, a column for each run.

Guarantees: runs of different revisions of the specification are shown, and told apart by a notice;
a requirement that a run does not know has an empty cell, never a verdict. Counts per level, no rank
and no percentage. Must not: judge anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.reports.html import page
from conformance.reports.markdown import escaped
from conformance.reports.model import RequirementResult, RunReport
from conformance.reports.words import (
    STANDINGS,
    Standing,
    levels_present,
    present,
    sentence_of_counts,
    subject,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One requirement; `cells` has one member per run, None where the run does not know it."""

    result: RequirementResult
    cells: tuple[Standing | None, ...]

    @property
    def differs(self) -> bool:
        """Whether the implementations that know it were not all found alike."""
        return len({cell.key for cell in self.cells if cell}) > 1


def rows(reports: Sequence[RunReport]) -> Sequence[Row]:
    """All requirements that any run knows, in the order of the first that knows them."""
    known = [{result.id: result for result in report.requirements} for report in reports]
    every: dict[str, RequirementResult] = {}
    for results in known:
        for name, result in results.items():
            every.setdefault(name, result)
    return [
        Row(
            result=result,
            cells=tuple(
                STANDINGS[results[result.id].standing] if result.id in results else None
                for results in known
            ),
        )
        for result in every.values()
    ]


def html_matrix(reports: Sequence[RunReport]) -> str:
    """The page; it needs no script."""
    areas: dict[str, list[Row]] = {}
    for row in rows(reports):
        areas.setdefault(row.result.area, []).append(row)
    return page(
        "matrix.html.jinja",
        script="",
        reports=reports,
        names=[subject(report) for report in reports],
        areas=areas,
        revisions=sorted({report.run.specification for report in reports}),
        shown=_shown(reports),
    )


def markdown_matrix(reports: Sequence[RunReport]) -> str:
    """Counts, then the requirements on which the implementations differ."""
    names = " | ".join(escaped(subject(report)) for report in reports)
    line = "|---|---|" + "---|" * len(reports)
    blocks = ["## Symphony conformance", _markdown_counts(reports)]
    different = [row for row in rows(reports) if row.differs]
    if different:
        lines = [f"| requirement | level | {names} |", line]
        lines.extend(_markdown_row(row) for row in different)
        blocks.extend(["### Where they differ", "\n".join(lines)])
    return "\n\n".join(blocks) + "\n"


def _markdown_counts(reports: Sequence[RunReport]) -> str:
    lines = ["| implementation | level | counts |", "|---|---|---|"]
    for report in reports:
        counts = report.counts()
        for level in levels_present(counts):
            cells = (escaped(subject(report)), level, sentence_of_counts(counts[level]))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _markdown_row(row: Row) -> str:
    cells = " | ".join(f"{cell.sign} {cell.word}" if cell else "" for cell in row.cells)
    return f"| `{row.result.id}` | {row.result.level} | {cells} |"


def _shown(reports: Sequence[RunReport]) -> Sequence[Standing]:
    keys = {standing.key for report in reports for standing in present(report.counts())}
    return [standing for standing in STANDINGS.values() if standing.key in keys]

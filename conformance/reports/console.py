"""What a person in front of a terminal, or the log of a build, gets to read of a run.

`Progress` follows a run as it is recorded; `summary` says how it ended.

Guarantees: scenarios in which all is well leave no line behind; on a terminal one line that is
replaced shows how far it is, elsewhere nothing moves. Text of an implementation cannot steer the
terminal. Must not: write to standard output, where results of other commands go, on its own.
"""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.text import Text

from conformance.reports.argument import argument
from conformance.reports.html import attention
from conformance.reports.lines import (
    FindingRecorded,
    Record,
    RunStarted,
    ScenarioEnded,
    ScenarioStarted,
)
from conformance.reports.model import PROBLEMS, RequirementResult, RunReport
from conformance.reports.words import (
    STANDINGS,
    joined,
    levels_present,
    on_one_line,
    plain,
    sentence_of_counts,
    subject,
    verdict_sentence,
)

PROBLEMS_TOLD = 20
"""Problems that a summary argues in full; the others are named, and stand in the reports."""

_STYLES = {"good": "green", "bad": "bold red", "doubt": "yellow", "quiet": "dim"}


class Progress:
    """Follows a run: give `see` to the writer of its records. `scenarios` is how many will be
    played. `stream` is usually standard error; `terminal` overrides what is found out of it."""

    def __init__(self, stream: TextIO, *, scenarios: int, terminal: bool | None = None) -> None:
        self._console = Console(
            file=stream, force_terminal=terminal, highlight=False, soft_wrap=True
        )
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("scenarios", total=scenarios)
        self._running: dict[str, int] = {}
        self._found: dict[str, list[FindingRecorded]] = {}

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def see(self, record: Record) -> None:
        """Take note of one record."""
        match record:
            case RunStarted():
                self.note(_opening(record))
            case ScenarioStarted():
                self._running[record.scenario] = record.attempt
                self._found[record.scenario] = []
                self._show_running()
            case FindingRecorded() if record.outcome in PROBLEMS:
                self._found.setdefault(record.scenario, []).append(record)
            case ScenarioEnded():
                self._end(record)
            case _:
                pass

    def note(self, text: str) -> None:
        """Print lines that stay."""
        self._print(Text(plain(text)))

    def _print(self, text: Text) -> None:
        # A log that is full or gone costs its reader the progress, and not the run.
        with contextlib.suppress(OSError):
            self._console.print(text)

    def _end(self, ended: ScenarioEnded) -> None:
        self._running.pop(ended.scenario, None)
        if ended.attempt == 1:
            self._bar.advance(self._task)
        for finding in self._found.pop(ended.scenario, []):
            self._tell(finding)
        if ended.rescued:
            self.note(f"  {ended.scenario} passed when it was run again, alone")
        if ended.explanation:
            self.note(f"  {ended.scenario}: {ended.explanation.splitlines()[-1]}")
        self._show_running()

    def _tell(self, finding: FindingRecorded) -> None:
        standing = STANDINGS[finding.outcome]
        line = Text(f"  {standing.sign} {standing.word:<13}", style=_STYLES[standing.kind])
        again = f", attempt {finding.attempt}" if finding.attempt > 1 else ""
        line.append(f"{finding.level} {finding.id}", style="not bold default")
        line.append(f" ({finding.scenario}{again})", style="dim")
        self._print(line)

    def _show_running(self) -> None:
        names = on_one_line(joined(self._running), 50) if self._running else "scenarios"
        self._bar.update(self._task, description=names)


def summary(report: RunReport, *, colour: bool = False) -> str:
    """How it ended: problems with their arguments, counts per level, the verdict as last line."""
    blocks = [argument(result) for result in _unexpected(report)[:PROBLEMS_TOLD]]
    rest = _unexpected(report)[PROBLEMS_TOLD:]
    if rest:
        blocks.append(f"and {len(rest)} more: {joined(result.id for result in rest)}")
    if report.known:
        names = joined(report.known)
        blocks.append(f"known failures, as the baseline expects: {names}")
    blocks.extend(f"baseline out of date: {sentence}" for sentence in report.stale)
    if report.rescued:
        blocks.append(f"passed only when run again, alone: {joined(report.rescued)}")
    blocks.append("\n".join(_count_lines(report)))
    text = "\n\n".join(blocks)
    return f"{text}\n{_verdict_line(report, colour=colour)}\n"


def _unexpected(report: RunReport) -> list[RequirementResult]:
    return [result for result in attention(report) if result.id not in report.known]


def _count_lines(report: RunReport) -> list[str]:
    counts = report.counts()
    return [
        f"{level.value:<9}{sentence_of_counts(counts[level.value])}"
        for level in levels_present(counts)
    ]


def _verdict_line(report: RunReport, *, colour: bool) -> str:
    line = on_one_line(f"{subject(report)}: {verdict_sentence(report)}")
    if not colour or report.ended is None:
        return line
    code = "32" if report.ended.exit_code == 0 else "31"
    return f"\x1b[1;{code}m{line}\x1b[0m"


def _opening(run: RunStarted) -> str:
    name = f"{run.name} {run.version}".strip()
    limits = f", limited to {joined(run.patterns)}" if run.patterns else ""
    return (
        f"checking {name}: {run.dialect} dialect, profiles {joined(run.profiles)}, "
        f"seed {run.seed}{limits}"
    )

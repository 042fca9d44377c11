"""The append-only stream of one run: `RecordWriter` writes it, `read_records` makes a report of it.

Guarantees: each record is one line that is with the operating system when `write` returns, so that
a run that is killed keeps what it had. After a failed write nothing more is written: half a line
never gets another behind it. A file whose last line was cut can be read. Must not: judge.

    with RecordWriter(results / "records.ndjson", progress.see) as writer:
        writer.write(RunStarted(...))
        writer.requirements(catalogue)
        ...
        verdict = writer.end(duration_s=81.2, baseline=baseline)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Final

from conformance.baseline import Baseline
from conformance.catalogue import Catalogue, Level, Requirement
from conformance.outcomes import Finding
from conformance.reports.lines import (
    SCHEMA,
    FindingRecorded,
    Host,
    LineError,
    Reason,
    Record,
    RequirementStated,
    RunEnded,
    RunStarted,
    ScenarioEnded,
    ScenarioStarted,
    dump,
    parse,
    recorded,
    stated,
)
from conformance.reports.model import IncompleteRecordsError, RunReport, assemble
from conformance.reports.verdict import Verdict, verdict

__all__ = [
    "SCHEMA",
    "FindingRecorded",
    "Host",
    "Reason",
    "Record",
    "RecordWriter",
    "RecordsError",
    "RequirementStated",
    "RunEnded",
    "RunReport",
    "RunStarted",
    "ScenarioEnded",
    "ScenarioStarted",
    "load_records",
    "read_records",
    "specification_revision",
]

LARGEST_FILE: Final = 256 * 1024 * 1024
"""Bytes of a stream that is read. A full run is a few megabytes; more is some other file."""

_REVISION_DIGITS: Final = 12


class RecordsError(Exception):
    """The stream cannot be written or read. The text names the file, the line where there is one,
    and the remedy."""


class RecordWriter:
    """Writes a new stream to `path`; every record also goes to `listeners`, in order.

    Raises `RecordsError` where the file exists and holds anything, or cannot be written.
    """

    def __init__(self, path: Path, *listeners: Callable[[Record], None]) -> None:
        self.path = path
        self._listeners = listeners
        self._lock = Lock()
        self._failed = False
        self._records: list[Record] = []
        try:
            # Without a buffer: what is written is not lost with the process.
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise self._error(error) from error
        if self._file.tell():
            self._file.close()
            raise RecordsError(f"{path} holds an earlier run already; give another directory")

    def write(self, record: Record) -> None:
        """Append one record. Raises `RecordsError`, for instance on a full disk."""
        line = dump(record)
        with self._lock:
            if self._failed:
                raise RecordsError(f"{self.path} could not be written before; nothing follows it")
            try:
                self._append(line)
            except OSError as error:
                self._failed = True
                raise self._error(error) from error
            self._records.append(record)
        for listener in self._listeners:
            listener(record)

    def requirements(self, requirements: Iterable[Requirement]) -> None:
        """State the requirements that reports show, checked or not."""
        for requirement in requirements:
            self.write(stated(requirement))

    def finding(
        self, finding: Finding, *, level: Level, attempt: int = 1, replay: str = ""
    ) -> None:
        """Record what an attempt of a scenario found."""
        self.write(recorded(finding, level=level, attempt=attempt, replay=replay))

    def end(
        self,
        *,
        duration_s: float,
        baseline: Baseline | None = None,
        strict: bool = False,
        interrupted: bool = False,
        never_ready: bool = False,
        explanation: str = "",
    ) -> Verdict:
        """Judge what was recorded, record that as the end of the run, and give it back."""
        end = RunEnded(
            exit_code=0,
            verdict="",
            duration_s=duration_s,
            strict=strict,
            interrupted=interrupted,
            never_ready=never_ready,
            explanation=explanation,
            counts=self.report().counts(),
        )
        found = verdict(assemble([*self._records, end]), baseline, strict=strict)
        known = {result.id: entry.reason for result, entry in found.judgement.expected}
        stale = tuple(str(entry) for entry in found.judgement.stale)
        self.write(
            replace(end, exit_code=found.code, verdict=found.sentence, known=known, stale=stale)
        )
        return found

    def report(self) -> RunReport:
        """The report of what was written so far. Raises `IncompleteRecordsError` before
        `RunStarted`."""
        return assemble(self._records)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> RecordWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _append(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            # A nearly full disk takes a part first, and says so only at the next write.
            rest = rest[self._file.write(rest) :]

    def _error(self, error: OSError) -> RecordsError:
        return RecordsError(
            f"cannot write {self.path}: {error.strerror}; what was recorded before is kept. "
            "Make room, or give another directory"
        )


def read_records(path: Path) -> RunReport:
    """The report of a stream, also of one that ends early or in the middle of a line. Raises
    `RecordsError`."""
    records, cut = load_records(path)
    try:
        return assemble(records, cut=cut)
    except IncompleteRecordsError as error:
        raise RecordsError(f"{path}:1: {error}; this is no stream of a run") from None


def load_records(path: Path) -> tuple[list[Record], bool]:
    """All whole records of a stream, and whether its last line was cut. Raises `RecordsError`."""
    lines = _read(path).split(b"\n")
    unfinished = lines.pop()
    records = [_parse(path, number, line) for number, line in enumerate(lines, start=1)]
    return records, bool(unfinished)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise RecordsError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > LARGEST_FILE:
        raise RecordsError(f"{path} is larger than {LARGEST_FILE} bytes: no stream of a run is")
    return content


def _parse(path: Path, number: int, line: bytes) -> Record:
    try:
        return parse(line)
    except LineError as error:
        raise RecordsError(
            f"{path}:{number}: {error}; give the records.ndjson of a run of this version"
        ) from None


def specification_revision(catalogue: Catalogue) -> str:
    """Names the text of a specification: the same for the same bytes."""
    digest = hashlib.sha256(catalogue.path.read_bytes()).hexdigest()
    return digest[:_REVISION_DIGITS]

"""The directory of issue files, read as a whole and never half.

`Folder.scan` lists the directory and parses what changed since the last time: a file whose times,
size and inode are the same is not opened again, unless it changed so recently that the clock of the
file system cannot tell. A file that is being written shows up as broken, as doubled by a renaming
editor, or as missing between two steps of one; within `Bounds.settle_seconds` it is looked at again
before that counts. Blocks, so it must not be called on the event loop; several threads may call it
at once. Raises `TrackerError` where the directory itself cannot be read.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_delay, wait_fixed

from symphony.documents.atomic import (
    ChangedMeanwhileError,
    FileVersion,
    NotAWholeFileError,
    read_whole,
)
from symphony.domain.ids import IssueId
from symphony.trackers.errors import TrackerError
from symphony.trackers.files.normalize import (
    IssueFile,
    UnusableFileError,
    parse_issue_file,
    possible_ids,
)

SUFFIX = ".md"

CHANGING = "changing"
UNREADABLE = "unreadable"
DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is read, and for how long. Tests make them smaller."""

    files: int = 20_000
    """More issues than a board can show; a directory with more is not the one that was meant."""

    file_bytes: int = 1_048_576
    """Far more than an issue, and as much as one prompt can use."""

    settle_seconds: float = 0.5
    """How long one read waits for files that are being written. It is part of every poll, so it
    stays well below the shortest sensible poll interval."""

    fresh_seconds: float = 2.0
    """A file that changed within this time may still be in the writer's hands, and its times may
    be too coarse to show the next change: FAT counts in steps of two seconds."""

    quiet_seconds: float = 0.02
    """A file counts as written when nobody has touched it for so long."""

    scan_seconds: float = 30.0
    """The first scan of a full directory takes some 20 s; later ones take the time of a listing."""


DEFAULT_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedFile:
    """A file that is not an issue now. `reason` is stable, `detail` is for people."""

    name: str
    reason: str
    detail: str
    identifier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What the directory holds: issues with distinct ids and identifiers, and the rest."""

    files: tuple[IssueFile, ...]
    skipped: tuple[SkippedFile, ...]
    is_settled: bool


_Outcome: TypeAlias = IssueFile | SkippedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cached:
    version: FileVersion
    outcome: _Outcome


class Folder:
    """One directory. `scans` counts the listings that were made of it."""

    def __init__(self, directory: str, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self.directory = directory
        self.bounds = bounds
        self.scans = 0
        self._cache: dict[str, _Cached] = {}
        self._known_ids: frozenset[IssueId] = frozenset()

    def path_of(self, name: str) -> str:
        """The absolute path of a file in the directory."""
        return os.path.join(self.directory, name)

    def scan(self, wanted: Collection[IssueId] = ()) -> Scan:
        """The directory as it is now. `wanted` are ids whose absence would have consequences: one
        that was there at the last scan is looked for again before it counts as gone."""
        awaited = self._known_ids & frozenset(wanted)
        retrying = Retrying(
            retry=retry_if_result(_is_unsettled),
            wait=wait_fixed(self.bounds.quiet_seconds),
            stop=stop_after_delay(self.bounds.settle_seconds),
            retry_error_callback=_last_scan,
        )
        scan: Scan = retrying(self._scan_once, awaited)
        self._known_ids = frozenset(file.id for file in scan.files)
        return scan

    def _scan_once(self, awaited: frozenset[IssueId]) -> Scan:
        self.scans += 1
        give_up_at = time.monotonic() + self.bounds.scan_seconds
        outcomes: list[_Outcome] = []
        unsettled = False
        listing = self._listing()
        for name, version in listing.items():
            if time.monotonic() > give_up_at:
                # What was parsed stays parsed, so the next scan gets further.
                raise TrackerError(
                    "tracker_request",
                    f"reading {self.directory} took more than {self.bounds.scan_seconds:g} s",
                )
            outcome = self._outcome(name, version)
            outcomes.append(outcome)
            unsettled = unsettled or self._may_be_in_work(version, outcome)
        self._forget_all_but(listing)
        scan = _without_duplicates(outcomes, is_settled=not unsettled)
        return (
            replace(scan, is_settled=False) if self._is_in_doubt(scan, awaited, listing) else scan
        )

    def _listing(self) -> dict[str, FileVersion]:
        listing: dict[str, FileVersion] = {}
        try:
            with os.scandir(self.directory) as entries:
                for entry in entries:
                    if not entry.name.endswith(SUFFIX) or entry.name.startswith("."):
                        continue
                    if (version := _version_of(entry)) is not None:
                        listing[entry.name] = version
                    if len(listing) > self.bounds.files:
                        raise TrackerError(
                            "tracker_pagination",
                            f"{self.directory} holds more than {self.bounds.files} issue files; "
                            "a part of them would be a wrong answer",
                        )
        except OSError as error:
            raise TrackerError(
                "tracker_request", f"cannot read {self.directory}: {error.strerror}"
            ) from error
        return dict(sorted(listing.items()))

    def _outcome(self, name: str, version: FileVersion) -> _Outcome:
        cached = self._cache.get(name)
        if cached is not None and cached.version == version:
            return cached.outcome
        # Judged before the file is opened: what changes later then has another time.
        is_fresh = _is_younger_than(version, self.bounds.fresh_seconds)
        outcome = self._read(name)
        if not is_fresh and _is_final(outcome):
            self._cache[name] = _Cached(version=version, outcome=outcome)
        return outcome

    def _read(self, name: str) -> _Outcome:
        try:
            data, _ = read_whole(self.path_of(name), maximum_bytes=self.bounds.file_bytes)
            return parse_issue_file(name, data)
        except (UnusableFileError, NotAWholeFileError) as error:
            return SkippedFile(name=name, reason=error.reason, detail=str(error))
        except ChangedMeanwhileError as error:
            return SkippedFile(name=name, reason=CHANGING, detail=str(error))
        except OSError as error:
            return SkippedFile(name=name, reason=UNREADABLE, detail=error.strerror or str(error))

    def _may_be_in_work(self, version: FileVersion, outcome: _Outcome) -> bool:
        is_broken = isinstance(outcome, SkippedFile)
        age = self.bounds.fresh_seconds if is_broken else self.bounds.quiet_seconds
        return _is_younger_than(version, age)

    def _forget_all_but(self, listing: Collection[str]) -> None:
        for name in self._cache.keys() - listing:
            self._cache.pop(name, None)

    def _is_in_doubt(
        self, scan: Scan, awaited: frozenset[IssueId], listing: Mapping[str, FileVersion]
    ) -> bool:
        """Whether an awaited issue is missing, or one stands in two files since a moment ago."""
        doubled = (each.name for each in scan.skipped if each.reason == DUPLICATE)
        if any(_is_younger_than(listing[name], self.bounds.fresh_seconds) for name in doubled):
            return True
        accounted_for = {file.id for file in scan.files}
        accounted_for.update(*(possible_ids(each.name) for each in scan.skipped))
        return not awaited <= accounted_for


def _is_unsettled(scan: Scan) -> bool:
    return not scan.is_settled


def _last_scan(state: RetryCallState) -> Scan:
    if state.outcome is None:
        raise AssertionError("tenacity gave up before the first attempt")
    return state.outcome.result()


def _is_final(outcome: _Outcome) -> bool:
    """Whether the outcome stays until the file changes."""
    return isinstance(outcome, IssueFile) or outcome.reason not in (CHANGING, UNREADABLE)


def _is_younger_than(version: FileVersion, seconds: float) -> bool:
    # The time of the last change of any kind: unlike that of modification, nobody can set it.
    return time.time() - version.changed_ns / 1e9 < seconds


def _version_of(entry: os.DirEntry[str]) -> FileVersion | None:
    try:
        return FileVersion.of(entry.stat(follow_symlinks=False))
    except FileNotFoundError:
        return None


def _without_duplicates(outcomes: Iterable[_Outcome], *, is_settled: bool) -> Scan:
    """Two files with one id or identifier are both out: which one is meant, nobody can tell."""
    files = [each for each in outcomes if isinstance(each, IssueFile)]
    skipped = [each for each in outcomes if isinstance(each, SkippedFile)]
    groups: defaultdict[tuple[str, str], list[IssueFile]] = defaultdict(list)
    for file in files:
        groups["id", file.id].append(file)
        # Without case: workspaces and people may not tell `Task-7` from `task-7` either.
        groups["identifier", file.identifier.lower()].append(file)
    doubled = {file.name: group for group in groups.values() if len(group) > 1 for file in group}
    for name, group in doubled.items():
        others = ", ".join(sorted(other.name for other in group if other.name != name))
        skipped.append(
            SkippedFile(
                name=name,
                reason=DUPLICATE,
                detail=f"the id or identifier is also that of {others}",
                identifier=group[0].identifier,
            )
        )
    return Scan(
        files=tuple(file for file in files if file.name not in doubled),
        skipped=tuple(skipped),
        is_settled=is_settled,
    )

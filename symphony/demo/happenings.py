"""What happened between two snapshots, as sentences. Pure.

The daemon is looked at after each event, so little changes from one look to the next, and nothing
that matters is missed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from symphony.demo.words import failure, is_deed, plain, stopping
from symphony.domain.ids import IssueId
from symphony.scheduler.eligibility import SLOT_CODES
from symphony.scheduler.snapshot import RetryRow, RunningRow, Snapshot
from symphony.scheduler.state import RecentEvent, Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of the story. `identifier` is None where it is about no single issue."""

    at: datetime
    text: str
    identifier: str | None = None


def happenings(before: Snapshot, after: Snapshot) -> tuple[Happening, ...]:
    """The story from one snapshot to the next."""
    told = (*_of_daemon(before, after), *_of_waiting(before, after), *_of_runs(before, after))
    return tuple(
        Happening(at=after.generated_at, identifier=name and plain(name), text=plain(text))
        for name, text in told
    )


_Told = Iterator[tuple[str | None, str]]


def _of_daemon(before: Snapshot, after: Snapshot) -> _Told:
    problem = after.last_poll.problem if after.last_poll else None
    if problem is not None and after.last_poll != before.last_poll:
        yield None, f"the issues could not be read: {problem}"
    if after.workflow_problem is not None and after.workflow_problem != before.workflow_problem:
        yield None, f"WORKFLOW.md cannot be used: {after.workflow_problem}"
    if after.draining and not before.draining:
        yield None, "the daemon stops"


def _of_waiting(before: Snapshot, after: Snapshot) -> _Told:
    known = {(row.issue.id, row.code) for row in before.skipped}
    for row in after.skipped:
        if row.code not in SLOT_CODES and (row.issue.id, row.code) not in known:
            yield row.issue.identifier, f"waits: {why_waiting(row)}"


def _of_runs(before: Snapshot, after: Snapshot) -> _Told:
    earlier = {row.run_id: row for row in before.running}
    current = {row.run_id for row in after.running}
    for row in before.running:
        if row.run_id not in current:
            yield row.issue.identifier, _end_of(row, after)
    for row in after.running:
        yield from _of_run(earlier.get(row.run_id), row)
    for retry in before.retrying:
        if retry.issue.id not in _claimed(after):
            yield retry.issue.identifier, "finished; its workspace is removed"


def _of_run(before: RunningRow | None, after: RunningRow) -> _Told:
    name = after.issue.identifier
    if before is None:
        again = "" if after.attempt is None else f" again (attempt {after.attempt + 1})"
        yield name, f"starts{again}: {after.issue.title}"
        return
    for event in _new(before.recent, after.recent):
        if is_deed(event):
            yield name, event.message
    if before.issue.state != after.issue.state:
        yield name, f"is now {after.issue.state} (was {before.issue.state})"
    if after.turn_count > max(before.turn_count, 1):
        yield name, f"turn {after.turn_count} begins"
    if after.stopping is not None and before.stopping is None:
        yield name, stopping(after.stopping)


def _new(before: Sequence[RecentEvent], after: Sequence[RecentEvent]) -> Sequence[RecentEvent]:
    """The events at the end of `after` that `before` does not have. Both are windows on one list
    of which the older part may have dropped out."""
    for shift in range(len(before) + 1):
        rest = before[shift:]
        if tuple(after[: len(rest)]) == tuple(rest):
            return after[len(rest) :]
    return after


def _end_of(row: RunningRow, after: Snapshot) -> str:
    issue_id = row.issue.id
    for retry in after.retrying:
        if retry.issue.id == issue_id:
            return _retry_text(retry)
    for blocked in after.blocked:
        if blocked.issue.id == issue_id:
            return f"needs a person ({blocked.request}): {blocked.question}"
    if any(issue.id == issue_id for issue in after.cleaning):
        return "finished; its workspace is removed"
    return "the run is over"


def _retry_text(retry: RetryRow) -> str:
    seconds = retry.due_in_ms / 1000
    if retry.kind == "continuation":
        return f"the run ended well, the issue is {retry.issue.state}"
    return f"failed, tried again in {seconds:.1f} s: {failure(retry.error)}"


def _claimed(snapshot: Snapshot) -> set[IssueId]:
    """Who is running, queued or parked. A workspace that is being removed does not count."""
    rows = (*snapshot.running, *snapshot.retrying, *snapshot.blocked)
    return {row.issue.id for row in rows}


def why_waiting(row: Waiting) -> str:
    """Why a candidate was not started, with the names of its blockers where that is it."""
    blockers = [
        f"{blocker.identifier} ({blocker.state or 'unknown'})"
        for blocker in row.issue.blocked_by
        if blocker.identifier is not None
    ]
    if row.code == "not_dispatchable" and blockers:
        return f"it comes after {', '.join(blockers)}"
    return row.reason

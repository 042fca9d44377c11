"""The rows of the page: sessions, retries, blocked and waiting issues, in words. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from symphony.domain.issue import Issue
from symphony.http.page import words
from symphony.http.page.foreign import Foreign, issue_address
from symphony.scheduler.snapshot import BlockedRow, RetryRow, RunningRow
from symphony.scheduler.state import STOPPED_BY_OPERATOR, RecentEvent, Waiting

MAX_STATE_CHARACTERS: Final = 40
MAX_IDENTIFIER_CHARACTERS: Final = 80
_HELD_BACK: Final = "not_dispatchable"
"""The code with which the issues that block one are of interest."""
KEY_DIGITS: Final = 16
"""Of a fingerprint: an id is foreign and may be long, and no two rows may share a key."""
MAX_BLOCKERS: Final = 5
"""Of one issue; they are all in the tracker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueCell:
    """`key` tells the row from all others of its list, also when the list is shown anew."""

    key: str
    identifier: str
    address: str
    title: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """`began` is when it began by the clock that the runtime is counted with; `tokens` is None
    until the agent reported any."""

    issue: IssueCell
    doing: str
    stopping: bool
    heard_at: datetime | None
    turn: int
    run: str
    tokens: int | None
    began: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryCells:
    """`waits` is None where only its time is missing."""

    issue: IssueCell
    why: str
    failed: bool
    attempt: int
    due_at: datetime
    waits: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`number` tells it from what the agent asks later; `stopped`: an operator stopped the issue,
    and its agent asks nothing."""

    issue: IssueCell
    number: int
    stopped: bool
    request: str
    lines: tuple[str, ...]
    since: datetime
    link: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    issue: IssueCell
    reason: str
    code: str
    blockers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that an agent did."""

    at: datetime
    text: str


def key_of(issue: Issue) -> str:
    """What a page calls an issue where nobody reads it."""
    return hashlib.sha256(issue.id.encode("utf-8", "replace")).hexdigest()[:KEY_DIGITS]


def issue_cell(issue: Issue, foreign: Foreign) -> IssueCell:
    """What every row says of its issue."""
    identifier = foreign.line(issue.identifier, MAX_IDENTIFIER_CHARACTERS)
    return IssueCell(
        key=key_of(issue),
        identifier=identifier,
        address=issue_address(issue.identifier),
        title=foreign.line(issue.title),
        state=foreign.line(issue.state, MAX_STATE_CHARACTERS),
    )


def session_row(row: RunningRow, now: datetime, foreign: Foreign) -> SessionRow:
    """A session that goes on."""
    return SessionRow(
        issue=issue_cell(row.issue, foreign),
        doing=_doing(row, foreign),
        stopping=row.stopping is not None,
        heard_at=row.last_event_at,
        turn=row.turn_count,
        run=words.run_number(row.attempt),
        tokens=None if row.tokens is None else row.tokens.total_tokens,
        began=now - timedelta(seconds=row.seconds),
    )


def _doing(row: RunningRow, foreign: Foreign) -> str:
    if row.stopping is not None:
        return words.stop(row.stopping)
    if row.last_event is None:
        return words.phase(row.phase)
    return foreign.line(words.event(foreign.line(row.last_event), row.last_message))


def retry_cells(row: RetryRow, foreign: Foreign) -> RetryCells:
    """A queued retry."""
    why = words.going_on(row.kind)
    if why is None:
        why = foreign.line(words.failure(row.error or "the last run failed"))
    return RetryCells(
        issue=issue_cell(row.issue, foreign),
        why=why,
        failed=row.kind == "failure",
        attempt=row.attempt,
        due_at=row.due_at,
        waits=words.retry_wait(row.waiting_for),
    )


def question(row: BlockedRow, foreign: Foreign) -> Question:
    """An issue that waits for a person."""
    return Question(
        issue=issue_cell(row.issue, foreign),
        number=row.number,
        stopped=row.request == STOPPED_BY_OPERATOR,
        request=words.request(foreign.line(row.request)),
        lines=foreign.lines(row.question) or ("(the agent gave no text)",),
        since=row.since,
        link=foreign.link(row.issue.url),
    )


def queue_row(row: Waiting, foreign: Foreign) -> QueueRow:
    """A candidate that was not started."""
    return QueueRow(
        issue=issue_cell(row.issue, foreign),
        reason=foreign.line(row.reason),
        code=row.code,
        blockers=blockers(row.issue, foreign) if row.code == _HELD_BACK else (),
    )


def blockers(issue: Issue, foreign: Foreign) -> tuple[str, ...]:
    """The issues that have to be finished first, with their states."""
    return tuple(
        foreign.line(
            f"{blocker.identifier or blocker.id or 'an issue'} ({blocker.state or 'state unknown'})"
        )
        for blocker in issue.blocked_by[:MAX_BLOCKERS]
    )


def moment(event: RecentEvent, foreign: Foreign) -> Moment:
    """An entry of the timeline."""
    return Moment(
        at=event.at, text=foreign.line(words.event(foreign.line(event.event), event.message))
    )

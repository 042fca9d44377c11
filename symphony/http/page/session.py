"""One issue at one moment, as its page says it: what it does or why not, what happened. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from symphony.domain.issue import Issue
from symphony.http.cleaning import Redact
from symphony.http.issue import KnownIssue, find_issue
from symphony.http.page import words
from symphony.http.page.board import Fact
from symphony.http.page.foreign import Foreign
from symphony.http.page.log_tail import LogTail
from symphony.http.page.rows import (
    IssueCell,
    Moment,
    Question,
    RetryCells,
    SessionRow,
    blockers,
    issue_cell,
    moment,
    question,
    retry_cells,
    session_row,
)
from symphony.scheduler.snapshot import RunningRow, Snapshot

MAX_LABELS: Final = 20
_STOPPABLE: Final = frozenset({"running", "retrying", "waiting"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """`status`: running, retrying, blocked, cleaning, waiting, or gone, for an issue of which only
    the log of its last session is left. `timeline` begins with the newest."""

    now: datetime
    title: str
    identifier: str
    status: str
    sentence: str
    issue: IssueCell | None
    link: str | None
    labels: tuple[str, ...]
    session: SessionRow | None
    retry: RetryCells | None
    stoppable: bool
    question: Question | None
    facts: tuple[Fact, ...]
    timeline: tuple[Moment, ...]
    log: LogTail | None


def make_session_page(
    snapshot: Snapshot, identifier: str, log: LogTail | None, redact: Redact
) -> SessionPage | None:
    """None where neither the daemon nor a log knows the issue."""
    foreign, now = Foreign(redact), snapshot.generated_at
    known = find_issue(snapshot, identifier)
    if known is None:
        return None if log is None else _gone(identifier, now, log, foreign)
    cell = issue_cell(known.issue, foreign)
    running = known.running
    return SessionPage(
        now=now,
        title=f"{cell.identifier}: {known.status}",
        identifier=cell.identifier,
        status=known.status,
        sentence=_sentence(known, foreign),
        issue=cell,
        link=foreign.link(known.issue.url),
        labels=tuple(foreign.line(label, 60) for label in known.issue.labels[:MAX_LABELS]),
        session=None if running is None else session_row(running, now, foreign),
        retry=None if known.retry is None else retry_cells(known.retry, foreign),
        stoppable=known.status in _STOPPABLE,
        question=None if known.blocked is None else question(known.blocked, foreign),
        facts=_facts(known, foreign),
        timeline=()
        if running is None
        else tuple(moment(event, foreign) for event in reversed(running.recent)),
        log=log,
    )


def _gone(identifier: str, now: datetime, log: LogTail, foreign: Foreign) -> SessionPage:
    shown = foreign.line(identifier, 80)
    return SessionPage(
        now=now,
        title=f"{shown}: not on the board",
        identifier=shown,
        status="gone",
        sentence="The last poll did not find it, and nothing runs for it. "
        "This is what is left of its last session.",
        issue=None,
        link=None,
        labels=(),
        session=None,
        retry=None,
        stoppable=False,
        question=None,
        facts=(),
        timeline=(),
        log=log,
    )


def _sentence(known: KnownIssue, foreign: Foreign) -> str:
    if known.running is not None:
        return session_row(known.running, known.running.started_at, foreign).doing
    if known.retry is not None:
        return retry_cells(known.retry, foreign).why
    if known.blocked is not None:
        return f"its agent {words.request(foreign.line(known.blocked.request))}"
    if known.skipped is not None:
        return foreign.line(known.skipped.reason)
    return "its workspace is being removed"


def _facts(known: KnownIssue, foreign: Foreign) -> tuple[Fact, ...]:
    running = known.running
    facts = {} if running is None else _run_facts(running)
    facts |= _issue_facts(known.issue, foreign)
    return tuple(
        Fact(name=name, value=foreign.line(value)) for name, value in facts.items() if value
    )


def _run_facts(row: RunningRow) -> dict[str, str]:
    tokens = row.tokens
    used = f"{tokens.input_tokens:,} in, {tokens.output_tokens:,} out" if tokens else "unknown yet"
    return {
        "run": words.run_number(row.attempt),
        "phase": words.phase(row.phase),
        "tokens": used,
        "process": "" if row.pid is None else str(row.pid),
        "session": row.session_id or "",
        "workspace": row.workspace_path or "",
    }


def _issue_facts(issue: Issue, foreign: Foreign) -> dict[str, str]:
    changed = issue.updated_at
    return {
        "priority": "" if issue.priority is None else str(issue.priority),
        "assignee": issue.assignee_id or "",
        "branch": issue.branch_name or "",
        "blocked by": ", ".join(blockers(issue, foreign)),
        "changed": "" if changed is None else words.clock(changed, changed - timedelta(days=1)),
    }

"""Everything at one moment, as the page at `/` says it. Pure.

What asks for a person comes first: what is wrong, then who waits for an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from symphony.domain.settings import Settings
from symphony.http.cleaning import Redact
from symphony.http.page import words
from symphony.http.page.foreign import Foreign
from symphony.http.page.ratelimits import RateLimits, rate_limits
from symphony.http.page.rows import (
    IssueCell,
    Question,
    QueueRow,
    RetryCells,
    SessionRow,
    issue_cell,
    question,
    queue_row,
    retry_cells,
    session_row,
)
from symphony.http.state import next_poll
from symphony.scheduler.snapshot import Snapshot

MAX_ROWS: Final = 200
"""Of one list. Nobody reads more, and a browser lays them out again with every change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that is not as it should be, and what follows from it."""

    key: str
    title: str
    text: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """`next_at` is None where none is to come; `candidates` of the last one that was answered."""

    at: datetime | None
    candidates: int
    failed: bool
    next_at: datetime | None
    held_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """`seconds` is of all runs, and grows by one each second for each that is `running`."""

    completed_runs: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    seconds: float
    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Lists are cut at `MAX_ROWS`; `waiting` and `totals.running` are the full numbers."""

    now: datetime
    title: str
    headline: str
    notices: tuple[Alert, ...]
    questions: tuple[Question, ...]
    sessions: tuple[SessionRow, ...]
    retries: tuple[RetryCells, ...]
    queue: tuple[QueueRow, ...]
    cleaning: tuple[IssueCell, ...]
    waiting: int
    slots: int
    poll: Poll
    totals: Totals
    limits: RateLimits | None
    facts: tuple[Fact, ...]


def make_board(snapshot: Snapshot, settings: Settings, redact: Redact) -> Board:
    """The whole page."""
    foreign, now = Foreign(redact), snapshot.generated_at
    return Board(
        now=now,
        title=_title(snapshot),
        headline=_headline(snapshot),
        notices=_notices(snapshot, foreign),
        questions=tuple(question(row, foreign) for row in snapshot.blocked[:MAX_ROWS]),
        sessions=tuple(session_row(row, now, foreign) for row in snapshot.running[:MAX_ROWS]),
        retries=tuple(retry_cells(row, foreign) for row in snapshot.retrying[:MAX_ROWS]),
        queue=tuple(queue_row(row, foreign) for row in snapshot.skipped[:MAX_ROWS]),
        cleaning=tuple(issue_cell(issue, foreign) for issue in snapshot.cleaning[:MAX_ROWS]),
        waiting=len(snapshot.skipped),
        slots=snapshot.max_concurrent_agents,
        poll=_poll(snapshot, settings),
        totals=_totals(snapshot),
        limits=rate_limits(snapshot.rate_limits, foreign),
        facts=_facts(settings, foreign),
    )


def _title(snapshot: Snapshot) -> str:
    """For a tab in the background: trouble first."""
    parts = [f"{len(snapshot.running)} running"]
    if snapshot.blocked:
        parts.insert(0, _need(len(snapshot.blocked)))
    if snapshot.workflow_problem is not None or _poll_problem(snapshot) is not None:
        parts.insert(0, "problem")
    return ", ".join(parts)


def _headline(snapshot: Snapshot) -> str:
    used = snapshot.max_concurrent_agents - snapshot.free_slots
    parts = [f"{used} of {words.count(snapshot.max_concurrent_agents, 'slot')} in use"]
    if snapshot.blocked:
        parts.append(_need(len(snapshot.blocked)))
    if snapshot.retrying:
        parts.append(f"{len(snapshot.retrying):,} to retry")
    if snapshot.skipped:
        parts.append(f"{len(snapshot.skipped):,} waiting")
    return ", ".join(parts)


def _need(number: int) -> str:
    return "1 needs you" if number == 1 else f"{number:,} need you"


def _poll_problem(snapshot: Snapshot) -> str | None:
    return None if snapshot.last_poll is None else snapshot.last_poll.problem


def _notices(snapshot: Snapshot, foreign: Foreign) -> tuple[Alert, ...]:
    notices: list[Alert] = []
    if snapshot.draining:
        notices.append(
            Alert(
                key="draining",
                title="The daemon is stopping",
                text="Sessions are being ended.",
                advice="Nothing is lost: the next start goes on in the same workspaces.",
            )
        )
    if snapshot.workflow_problem is not None:
        notices.append(
            Alert(
                key="workflow",
                title="WORKFLOW.md cannot be used",
                text=foreign.line(snapshot.workflow_problem),
                advice="Sessions go on with the last good settings, and nothing new starts. "
                "Correct the file: it is read again as soon as it is saved.",
            )
        )
    problem = _poll_problem(snapshot)
    if problem is not None:
        notices.append(
            Alert(
                key="poll",
                title="The tracker could not be read",
                text=foreign.line(problem),
                advice="Sessions go on, and nothing new starts until a poll succeeds.",
            )
        )
    return tuple(notices)


def _poll(snapshot: Snapshot, settings: Settings) -> Poll:
    last, held = snapshot.last_poll, snapshot.reads_held_ms
    return Poll(
        at=None if last is None else last.at,
        candidates=0 if last is None else last.candidates,
        failed=_poll_problem(snapshot) is not None,
        next_at=next_poll(snapshot, settings),
        held_until=snapshot.generated_at + timedelta(milliseconds=held) if held else None,
    )


def _totals(snapshot: Snapshot) -> Totals:
    return Totals(
        completed_runs=snapshot.completed_runs,
        input_tokens=snapshot.totals.input_tokens,
        output_tokens=snapshot.totals.output_tokens,
        total_tokens=snapshot.totals.total_tokens,
        seconds=snapshot.seconds_running,
        running=len(snapshot.running),
    )


def _facts(settings: Settings, foreign: Foreign) -> tuple[Fact, ...]:
    """The settings that explain what is on the page; all of them are in the JSON interface."""
    agent = settings.agent
    by_state = ", ".join(f"{k}: {v}" for k, v in agent.max_concurrent_agents_by_state.items())
    stall = settings.codex.stall_timeout_ms
    facts = {
        "workflow": settings.workflow_path,
        "tracker": settings.tracker.kind,
        "active states": ", ".join(settings.tracker.active_states),
        "required labels": ", ".join(settings.tracker.required_labels),
        "workspaces": settings.workspace.root,
        "slots by state": by_state,
        "model": settings.codex.model or "",
        "turns per run": f"at most {agent.max_turns}",
        "poll": f"every {words.duration(settings.polling.interval_ms / 1000)}",
        "silent agent": f"stopped after {words.duration(stall / 1000)}" if stall > 0 else "kept",
    }
    return tuple(
        Fact(name=name, value=foreign.line(value)) for name, value in facts.items() if value
    )

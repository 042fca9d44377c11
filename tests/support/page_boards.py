"""Boards for the page to show: a busy night, an idle one, and one in trouble."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import BlockerRef, Issue
from symphony.domain.json import JsonObject
from symphony.domain.run import TokenUsage
from symphony.scheduler.snapshot import BlockedRow, RetryRow, RunningRow, Snapshot
from symphony.scheduler.state import LastPoll, RecentEvent, Waiting
from tests.support import demo_snapshots

_LIMITS: JsonObject = {
    "limitId": "codex",
    "primary": {"usedPercent": 62, "windowDurationMins": 300, "resetsAt": 0},
    "secondary": {"usedPercent": 91.4, "windowDurationMins": 10_080, "resetsAt": 0},
    "credits": {"hasCredits": True, "unlimited": False, "balance": "12.50"},
    "planType": "team",
}


def issue(name: str, title: str, *, state: str = "In Progress", url: str | None = None) -> Issue:
    return Issue(
        id=IssueId(f"id-of-{name}"),
        identifier=IssueIdentifier(name),
        title=title,
        state=state,
        dispatchable=True,
        priority=2,
        labels=("backend", "agent-ready"),
        branch_name=f"fix/{name.lower()}",
        url=f"https://tracker.example/issue/{name}" if url is None else url,
    )


def session(
    of: Issue,
    now: datetime,
    message: str,
    *,
    turn: int = 1,
    minutes: float = 5.0,
    tokens: int | None = 48_000,
    silent_s: float = 3.0,
    attempt: int | None = None,
) -> RunningRow:
    """A session that has been going on for a while, and said this last."""
    row = demo_snapshots.running(of, turns=turn, seconds=60 * minutes, attempt=attempt)
    heard = now - timedelta(seconds=silent_s)
    usage = (
        None
        if tokens is None
        else TokenUsage(
            input_tokens=tokens - tokens // 9, output_tokens=tokens // 9, total_tokens=tokens
        )
    )
    return replace(
        row,
        started_at=now - timedelta(minutes=minutes),
        last_event="notification",
        last_message=message,
        last_event_at=heard,
        tokens=usage,
        pid=41_207,
        session_id="0199a1b2-thread-turn_7",
        workspace_path=f"/srv/symphony/workspaces/{of.identifier}",
        recent=history(heard, message),
    )


def history(until: datetime, last: str) -> tuple[RecentEvent, ...]:
    """What led to this."""
    told = (
        ("session_started", "0199a1b2"),
        ("turn_started", ""),
        ("notification", "received the prompt"),
        ("notification", "ran: git status --short"),
        ("notification", "said: I will start with a failing test for the rounding of totals."),
        ("approval_auto_approved", "approved command: make test"),
        ("notification", "ran: make test (exit 1)"),
        ("malformed", "not JSON: Segmentation fault"),
        ("notification", "changed files: billing/totals.py, tests/test_totals.py"),
        ("notification", last),
    )
    return tuple(
        RecentEvent(
            at=until - timedelta(seconds=9 * (len(told) - place - 1)), event=event, message=message
        )
        for place, (event, message) in enumerate(told)
    )


def idle(now: datetime) -> Snapshot:
    """Nothing to do."""
    return replace(
        demo_snapshots.EMPTY,
        generated_at=now,
        last_poll=LastPoll(at=now - timedelta(seconds=12), candidates=0),
    )


def busy(now: datetime) -> Snapshot:
    """Everything at once, and all in order."""
    reset = int(now.timestamp())
    return replace(
        idle(now),
        running=_sessions(now),
        retrying=retries(now),
        blocked=(
            BlockedRow(
                number=7,
                issue=issue("APP-118", "Choose how long invitations stay valid"),
                request="user_input",
                question="Invitations: How long should an invitation stay valid? "
                "(24 hours / 7 days / never)\nThe old code has no limit, the ticket names none.",
                since=now - timedelta(minutes=47),
            ),
        ),
        skipped=_queue(),
        cleaning=(issue("APP-90", "Drop the unused export of contacts", state="Done"),),
        free_slots=0,
        max_concurrent_agents=5,
        completed_runs=41,
        totals=TokenUsage(input_tokens=8_412_907, output_tokens=402_118, total_tokens=8_815_025),
        seconds_running=31_264.0,
        rate_limits={
            **_LIMITS,
            "primary": {"usedPercent": 62, "windowDurationMins": 300, "resetsAt": reset + 4_380},
            "secondary": {
                "usedPercent": 91.4,
                "windowDurationMins": 10_080,
                "resetsAt": reset + 201_600,
            },
        },
        last_poll=LastPoll(at=now - timedelta(seconds=12), candidates=14),
    )


def _sessions(now: datetime) -> tuple[RunningRow, ...]:
    ending = session(
        issue("APP-122", "Send the weekly report in the reader's time zone", state="Done"),
        now,
        "said: The pull request is open.",
        turn=4,
        minutes=38,
        tokens=912_440,
    )
    return (
        session(
            issue("APP-131", "Totals of an invoice are off by a cent when a discount applies"),
            now,
            "runs: .venv/bin/pytest -q tests/billing/test_totals.py",
            turn=3,
            minutes=17.4,
            tokens=284_031,
        ),
        session(
            issue("APP-127", "Search forgets its filters when going back"),
            now,
            "is thinking",
            minutes=2.2,
            tokens=31_902,
        ),
        session(
            issue("APP-125", "Retry uploads that fail half-way", state="Rework"),
            now,
            "retrying: stream disconnected before completion, 3 of 5",
            turn=7,
            minutes=96,
            tokens=1_482_300,
            silent_s=143,
            attempt=2,
        ),
        replace(ending, stopping="terminal"),
        replace(
            session(issue("APP-134", "Upgrade the PDF library"), now, "", minutes=0.1, tokens=None),
            last_event=None,
            last_event_at=None,
            turn_count=0,
            phase="preparing_workspace",
            recent=(),
        ),
    )


def retries(now: datetime) -> tuple[RetryRow, ...]:
    failed = RetryRow(
        issue=issue("APP-119", "Import contacts from a spreadsheet"),
        attempt=3,
        kind="failure",
        due_at=now + timedelta(seconds=78),
        due_in_ms=78_000,
        error="turn_failed: the model's provider answered 503 five times",
        waiting_for="time",
    )
    going_on = replace(
        failed,
        issue=issue("APP-128", "Show the reason when a payment is refused"),
        attempt=1,
        kind="continuation",
        error=None,
        due_at=now,
        due_in_ms=0,
        waiting_for="slot",
    )
    return (going_on, failed)


def _queue() -> tuple[Waiting, ...]:
    held = replace(
        issue("APP-140", "Charge in the currency of the customer", state="Todo"),
        dispatchable=False,
        blocked_by=(BlockerRef(identifier="APP-131", state="In Progress"),),
    )
    full = "all slots are in use"
    return (
        Waiting(
            issue=issue("APP-135", "Invite several people at once", state="Todo"),
            code="no_global_slot",
            reason=full,
        ),
        Waiting(
            issue=issue("APP-136", "Explain what an archived project is", state="Todo"),
            code="no_global_slot",
            reason=full,
        ),
        Waiting(
            issue=held,
            code="not_dispatchable",
            reason="the tracker's own rules hold it back (a blocker or the assignee)",
        ),
        Waiting(
            issue=issue("APP-141", "Offer a dark theme", state="Todo"),
            code="label_missing",
            reason="it lacks the required labels: agent-ready",
        ),
    )


def trouble(now: datetime) -> Snapshot:
    """A broken workflow file, and a tracker that does not answer."""
    calm = busy(now)
    return replace(
        calm,
        running=calm.running[:1],
        blocked=(),
        retrying=(replace(calm.retrying[1], waiting_for="workflow"),),
        cleaning=(),
        skipped=tuple(
            replace(row, code="workflow_invalid", reason="WORKFLOW.md cannot be used")
            for row in calm.skipped[:2]
        ),
        free_slots=4,
        workflow_problem="WORKFLOW.md line 14, agent.max_turns: expected a whole number from 1, "
        "found 'twenty'",
        last_poll=LastPoll(
            at=now - timedelta(seconds=21),
            candidates=0,
            problem="linear answered 503 to the read of candidates; the next poll asks again",
        ),
    )


def this_moment() -> datetime:
    """Now, for pages whose times a browser counts on from."""
    return datetime.now(UTC)

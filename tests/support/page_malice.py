"""A board on which everything that others may write is an attack on the page."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import BlockerRef, Issue
from symphony.scheduler.snapshot import BlockedRow, Snapshot
from symphony.scheduler.state import LastPoll, RecentEvent, Waiting
from tests.support import page_boards as boards

MARKUP = "\"'><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
"""Breaks out of text, of an attribute in either kind of quotes, and of a tag."""
HOSTILE_LINKS = (
    "javascript:document.title='owned'",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    " javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "//tracker.example/ISSUE",
    "https://user:password@tracker.example/1",
    "https://tracker.example@evil.example/",
    'https://tracker.example/"onmouseover="alert(1)',
    "https://[half.example/1",
    "https:///nowhere",
    "https://tracker.example/ with spaces",
    "https://tracker.example/\u202egpj.exe",
    "file:///etc/passwd",
    "",
)


def hostile(now: datetime, text: str = MARKUP, url: str = HOSTILE_LINKS[0]) -> Snapshot:
    """Everything that others may write says this."""
    bad = replace(
        boards.issue(text, text, state=text, url=url),
        labels=(text,),
        branch_name=text,
        assignee_id=text,
        blocked_by=(BlockerRef(identifier=text, state=text),),
    )
    row = boards.session(bad, now, text)
    return replace(
        boards.busy(now),
        running=(
            replace(
                row,
                last_event=text,
                session_id=text,
                workspace_path=text,
                phase=text,
                recent=(RecentEvent(at=now, event=text, message=text),),
            ),
        ),
        retrying=(replace(boards.retries(now)[1], issue=_other(bad, "retry"), error=text),),
        blocked=(
            BlockedRow(
                issue=_other(bad, "blocked"), number=7, request=text, question=text, since=now
            ),
        ),
        skipped=(Waiting(issue=_other(bad, "waits"), code="not_dispatchable", reason=text),),
        cleaning=(_other(bad, "cleaned"),),
        rate_limits={text: text, "primary": {"usedPercent": 5, "resetsAt": text}},
        workflow_problem=text,
        last_poll=LastPoll(at=now, candidates=1, problem=text),
    )


def _other(of: Issue, what: str) -> Issue:
    return replace(
        of, id=IssueId(f"{of.id} {what}"), identifier=IssueIdentifier(f"{of.identifier} {what}")
    )

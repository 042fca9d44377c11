"""What the documents say, and what they keep to themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from symphony.domain.json import JsonObject, JsonValue, as_array, as_object
from symphony.domain.run import TokenUsage
from symphony.domain.settings import (
    AgentSettings,
    CodexSettings,
    HookSettings,
    Settings,
    TrackerSettings,
)
from symphony.http.answers import encoded
from symphony.http.cleaning import CUT, MAX_CHARACTERS, MAX_MEMBERS
from symphony.http.issue import find_issue, issue_document
from symphony.http.settings import settings_document
from symphony.http.state import state_document
from symphony.observability.redaction import MASK, Redactor
from symphony.scheduler.snapshot import Snapshot
from symphony.scheduler.state import LastPoll
from tests.support.demo_snapshots import (
    EMPTY,
    START,
    blocked,
    issue,
    retry,
    running,
    said,
    waiting,
)
from tests.support.virtual_daemon import make_settings

SECRET = "s3cret-of-the-tracker"
REDACT = Redactor([SECRET]).redact


def at(document: JsonValue, *keys: str | int) -> JsonValue:
    """The value at this place of a document."""
    for key in keys:
        if isinstance(key, int):
            items = as_array(document)
            assert items is not None
            document = items[key]
        else:
            members = as_object(document)
            assert members is not None
            document = members[key]
    return document


def state_of(snapshot: Snapshot, settings: Settings | None = None) -> JsonObject:
    return state_document(snapshot, settings or make_settings(), REDACT)


@pytest.mark.proves("snapshot.running.rows", "http.state.shape")
def test_a_running_session_has_a_row() -> None:
    row = replace(
        running(replace(issue("MT-1"), url="https://tracker/MT-1"), turns=7, attempt=2),
        tokens=TokenUsage(input_tokens=1, output_tokens=2, total_tokens=3),
        last_event="turn_completed",
        last_event_at=START + timedelta(milliseconds=1_250),
    )
    shown = at(state_of(replace(EMPTY, running=(row,))), "running", 0)
    assert at(shown, "issue_identifier") == "MT-1"
    assert at(shown, "issue_url") == "https://tracker/MT-1"
    assert at(shown, "turn_count") == 7
    assert at(shown, "started_at") == "2026-01-01T00:00:00.000Z"
    assert at(shown, "last_event_at") == "2026-01-01T00:00:01.250Z"
    assert at(shown, "tokens") == {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}


def test_an_unmeasured_run_has_unknown_tokens_and_not_none() -> None:
    shown = state_of(replace(EMPTY, running=(running(issue()),)))
    assert at(shown, "running", 0, "tokens", "total_tokens") is None
    assert at(shown, "codex_totals", "total_tokens") == 0


@pytest.mark.proves("snapshot.retrying.rows")
def test_a_queued_retry_has_a_row() -> None:
    shown = at(state_of(replace(EMPTY, retrying=(retry(issue("MT-2"), attempt=3),))), "retrying", 0)
    assert at(shown, "attempt") == 3
    assert at(shown, "error") == "turn_failed: no luck"
    assert at(shown, "due_at") == "2026-01-01T00:00:00.000Z"


def test_who_waits_and_who_is_blocked_is_shown_with_the_reason() -> None:
    snapshot = replace(
        EMPTY, skipped=(waiting(issue("MT-3")),), blocked=(blocked(issue("MT-4"), "red or blue?"),)
    )
    shown = state_of(snapshot)
    assert at(shown, "skipped", 0, "code") == "no_global_slot"
    assert at(shown, "skipped", 0, "reason") == "all slots are in use"
    assert at(shown, "blocked", 0, "question") == "red or blue?"
    assert at(shown, "counts", "skipped") == at(shown, "counts", "blocked") == 1


def test_limits_count_by_state_without_regard_to_case() -> None:
    agent = AgentSettings(max_concurrent_agents_by_state={"todo": 2})
    snapshot = replace(EMPTY, running=(running(issue(state="ToDo")),))
    shown = state_of(snapshot, replace(make_settings(), agent=agent))
    assert at(shown, "limits", "by_state", 0) == {"state": "todo", "limit": 2, "running": 1}


def test_a_poll_that_failed_says_why_and_when_the_next_one_is() -> None:
    poll = LastPoll(at=START, candidates=0, problem="tracker_rate_limited: later")
    shown = state_of(replace(EMPTY, last_poll=poll, reads_held_ms=60_000))
    assert at(shown, "last_poll", "problem") == "tracker_rate_limited: later"
    assert at(shown, "last_poll", "next_at") == "2026-01-01T00:01:00.000Z"
    regular = state_of(replace(EMPTY, last_poll=poll))
    assert at(regular, "last_poll", "next_at") == "2026-01-01T00:00:30.000Z"


def test_no_next_poll_is_promised_while_the_workflow_is_invalid_or_the_daemon_stops() -> None:
    polled = replace(EMPTY, last_poll=LastPoll(at=START, candidates=1))
    invalid = state_of(replace(polled, workflow_problem="WORKFLOW.md:3: no"))
    assert at(invalid, "last_poll", "next_at") is None
    assert at(invalid, "workflow", "problem") == "WORKFLOW.md:3: no"
    assert at(state_of(replace(polled, draining=True)), "last_poll", "next_at") is None


@pytest.mark.proves("security.secret.http")
def test_a_credential_is_masked_wherever_it_stands() -> None:
    leaky = replace(issue("MT-1", title=f"see {SECRET}"), labels=(SECRET,), url=f"x://{SECRET}")
    row = replace(
        running(leaky, recent=said(f"export KEY={SECRET}")),
        last_message=f"it is {SECRET}",
        last_event=SECRET,
    )
    snapshot = replace(
        EMPTY,
        running=(row,),
        retrying=(retry(leaky, error=f"failed with {SECRET}"),),
        blocked=(blocked(leaky, f"is it {SECRET}?"),),
        skipped=(waiting(leaky, reason=SECRET),),
        rate_limits={SECRET: {"deep": [SECRET]}},
        workflow_problem=SECRET,
        last_poll=LastPoll(at=START, candidates=0, problem=SECRET),
    )
    settings = replace(make_settings(), codex=CodexSettings(command=f"X={SECRET} codex"))
    known = find_issue(snapshot, "MT-1")
    assert known is not None
    documents = [
        state_document(snapshot, settings, REDACT),
        issue_document(known, settings, f"/logs/{SECRET}", REDACT),
    ]
    for document in documents:
        assert SECRET.encode() not in encoded(document)
        assert MASK.encode() in encoded(document)


@pytest.mark.proves("security.secret.http")
def test_settings_show_no_credential_that_nobody_declared() -> None:
    settings = replace(
        make_settings(),
        tracker=TrackerSettings(
            kind="linear",
            provider={"api_key": "plain", "other": {"token": "$NAME", "x": {"password": 5}}},
            active_states=(),
            terminal_states=(),
        ),
        codex=CodexSettings(command="API_KEY=plain codex --password='two words' app-server"),
        hooks=HookSettings(before_run="export TOKEN=plain"),
        server_token="plain-and-long-enough",
    )
    shown = settings_document(settings, REDACT)
    assert b"plain" not in encoded(shown)
    assert b"two words" not in encoded(shown)
    assert at(shown, "tracker", "provider", "other", "token") == "$NAME"
    assert at(shown, "codex", "command") == f"API_KEY={MASK} codex --password={MASK} app-server"
    assert at(shown, "hooks", "before_run") is True
    assert at(shown, "server", "token") is True


def test_a_text_may_hold_anything() -> None:
    odd = "</script>\u2028\ud800\x00\n\"'&"
    body = encoded(state_of(replace(EMPTY, running=(running(issue("MT-1", title=odd)),))))
    assert at(json.loads(body), "running", 0, "title") == odd
    assert b"\n" not in body


def test_what_an_agent_sends_is_bounded_in_size_and_depth() -> None:
    deep: JsonValue = 1
    for _ in range(500):
        deep = {"more": deep}
    limits = {"deep": deep, "wide": list(range(10_000)), "odd": [float("nan"), float("inf"), 1.5]}
    row = replace(running(issue()), last_message="x" * 100_000)
    shown = state_of(replace(EMPTY, rate_limits=limits, running=(row,)))
    assert CUT.encode() in encoded(shown)
    assert len(as_array(at(shown, "rate_limits", "wide")) or ()) == MAX_MEMBERS
    assert at(shown, "rate_limits", "odd") == [None, None, 1.5]
    assert len(str(at(shown, "running", 0, "last_message"))) == MAX_CHARACTERS + len(CUT)


@pytest.mark.proves("http.issue.envelope")
def test_the_page_of_a_running_issue_has_its_run_and_events() -> None:
    row = running(issue("MT-1"), attempt=2, recent=said("one", "two"))
    known = find_issue(replace(EMPTY, running=(row,)), "MT-1")
    assert known is not None
    shown = issue_document(known, make_settings(), "/logs/1.jsonl", REDACT)
    assert at(shown, "status") == "running"
    assert at(shown, "attempts") == {"restart_count": 1, "current_retry_attempt": 2}
    assert at(shown, "workspace", "path") == "/workspaces/MT-1"
    assert at(shown, "recent_events", 1, "message") == "two"
    assert at(shown, "logs", "codex_session_logs", 0, "path") == "/logs/1.jsonl"
    assert at(shown, "retry") is None


@pytest.mark.proves("http.issue.envelope")
def test_the_page_of_a_retrying_issue_has_its_error() -> None:
    known = find_issue(replace(EMPTY, retrying=(retry(issue("a/b#1"), attempt=3),)), "a/b#1")
    assert known is not None
    shown = issue_document(known, make_settings(), None, REDACT)
    assert at(shown, "last_error") == at(shown, "retry", "error") == "turn_failed: no luck"
    assert at(shown, "attempts", "current_retry_attempt") == 3
    assert at(shown, "logs", "codex_session_logs") == []


def test_a_claimed_issue_is_found_before_another_of_the_same_name() -> None:
    snapshot = replace(EMPTY, skipped=(waiting(issue("MT-1")),), running=(running(issue("MT-1")),))
    known = find_issue(snapshot, "MT-1")
    assert known is not None
    assert known.status == "running"
    assert find_issue(snapshot, "mt-1") is None

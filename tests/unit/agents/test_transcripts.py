"""Every line of real Codex sessions goes through, however it is cut."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symphony.agents.activity import describe
from symphony.agents.messages import read_turn_end
from symphony.agents.policy import Posture, Refusal, decide
from symphony.agents.rpc import (
    Connection,
    ErrorResponse,
    Event,
    MalformedLine,
    Notification,
    Response,
    ServerRequest,
)
from symphony.agents.telemetry import (
    RATE_LIMITS_METHOD,
    USAGE_METHOD,
    read_rate_limits,
    read_usage,
)
from symphony.domain.json import as_object, as_whole_number
from tests.support.transcripts import FOLDER, codex_transcripts, lines_of

TRANSCRIPTS = codex_transcripts()
needs_transcripts = pytest.mark.skipif(
    not TRANSCRIPTS, reason=f"the transcripts of real sessions were NOT replayed: no {FOLDER}"
)
each_transcript = pytest.mark.parametrize(
    "transcript", TRANSCRIPTS or [Path("none")], ids=lambda path: path.stem
)


def client_of(transcript: Path) -> Connection:
    """A connection that has sent as many requests as the recorded client."""
    connection = Connection()
    for sent in lines_of(transcript, "c2s"):
        try:
            message = as_object(json.loads(sent)) or {}
        except ValueError:
            continue
        number = as_whole_number(message.get("id"))
        if number is not None and "method" in message:
            while connection.request("recorded", {})[0] < number:
                pass
    return connection


def replay(transcript: Path, cuts: list[float]) -> list[Event]:
    data = b"".join(raw + b"\n" for raw in lines_of(transcript, "s2c"))
    connection, events = client_of(transcript), list[Event]()
    edges = sorted({0, len(data), *(int(cut * len(data)) for cut in cuts)})
    for start, end in itertools.pairwise(edges):
        events += connection.receive_data(data[start:end])
    return events + connection.receive_end()


@needs_transcripts
@each_transcript
def test_every_line_is_understood(transcript: Path) -> None:
    events = replay(transcript, [])
    assert len(events) == len(lines_of(transcript, "s2c"))
    asked = {"p_before_init", "p_malformed"}  # their clients misuse ids on purpose
    if transcript.stem not in asked:
        assert not [event for event in events if isinstance(event, MalformedLine)]
    for event in events:
        if isinstance(event, Notification):
            read(event)
        elif isinstance(event, ServerRequest):
            decision = decide(event.method, event.params, Posture(auto_approve=True, tools=TOOLS))
            assert not isinstance(decision, Refusal)
        else:
            assert isinstance(event, (Response, ErrorResponse, MalformedLine))


TOOLS = frozenset({"tracker_get_issue"})


def read(event: Notification) -> None:
    activity = describe(event.method, event.params)
    assert activity is None or activity.message.isprintable()
    if event.method == USAGE_METHOD:
        assert read_usage(event.params, resumed=None, own_turns=()) is not None
        assert activity is None
    if event.method == RATE_LIMITS_METHOD:
        assert read_rate_limits(event.params) is not None
    end = read_turn_end(event.method, event.params)
    assert (end is not None) == (event.method == "turn/completed")
    if end is not None:
        assert end.thread_id
        assert end.turn_id
        assert end.status in {"completed", "failed", "interrupted"}


@needs_transcripts
@pytest.mark.proves("session.rpc.split_read")
@each_transcript
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_the_events_do_not_depend_on_how_the_bytes_are_cut(
    transcript: Path, cuts: list[float]
) -> None:
    assert replay(transcript, cuts) == replay(transcript, [])


@needs_transcripts
def test_the_transcripts_hold_what_they_are_here_for() -> None:
    methods = {
        event.method
        for transcript in TRANSCRIPTS
        for event in replay(transcript, [])
        if isinstance(event, (Notification, ServerRequest))
    }
    assert {
        "turn/completed",
        "item/tool/call",
        "item/commandExecution/requestApproval",
        "item/fileChange/requestApproval",
        "item/permissions/requestApproval",
        "mcpServer/elicitation/request",
        USAGE_METHOD,
        RATE_LIMITS_METHOD,
        "error",
    } <= methods


@needs_transcripts
def test_a_turn_that_failed_in_a_transcript_is_read_as_failed_with_its_reason() -> None:
    ends = {
        transcript.stem: [
            end
            for event in replay(transcript, [])
            if isinstance(event, Notification)
            and (end := read_turn_end(event.method, event.params)) is not None
        ]
        for transcript in TRANSCRIPTS
    }
    usage, first = ends["e_429_usage"][0], ends["i_tool"][0]
    assert usage.status == "failed"
    assert "usage limit" in usage.message
    assert "[usageLimitExceeded]" in usage.message
    assert first.status == "interrupted"
    own, sub = ends["cm_spawn"][1], ends["cm_spawn"][0]
    assert own.thread_id != sub.thread_id

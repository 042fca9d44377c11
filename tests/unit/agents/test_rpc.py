"""The wire of an app-server without I/O."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony.agents.rpc import (
    Connection,
    ErrorResponse,
    Event,
    LineTooLong,
    MalformedLine,
    Notification,
    ReplyError,
    Response,
    ServerRequest,
)
from symphony.domain.json import as_object


def line(**members: object) -> bytes:
    return json.dumps(members, ensure_ascii=False).encode() + b"\n"


def only(events: list[Event]) -> Event:
    (event,) = events
    return event


def malformed(data: bytes) -> str:
    event = only(Connection().receive_data(data + b"\n"))
    assert isinstance(event, MalformedLine)
    return event.reason


@pytest.mark.proves("session.rpc.same_read")
def test_a_reply_and_the_completion_behind_it_in_one_read_are_both_told_in_order() -> None:
    connection = Connection()
    number, _ = connection.request("turn/start", {})
    reply, completion = line(id=number, result={}), line(method="turn/completed", params={})
    first, second = connection.receive_data(reply + completion)
    assert isinstance(first, Response)
    assert first.method == "turn/start"
    assert isinstance(second, Notification)


@pytest.mark.proves("session.rpc.interleaved")
def test_what_arrives_between_a_request_and_its_answer_is_kept() -> None:
    connection = Connection()
    number, _ = connection.request("thread/start", {})
    data = (
        line(method="warning", params={"message": "careful"})
        + line(method="item/tool/call", id=0, params={"tool": "t"})
        + line(id=number, result={"thread": {"id": "x"}})
    )
    kinds = [type(event) for event in connection.receive_data(data)]
    assert kinds == [Notification, ServerRequest, Response]


@pytest.mark.proves("session.rpc.split_read")
@given(cuts=st.lists(st.integers(0, 200), max_size=12))
def test_messages_are_the_same_however_the_bytes_are_cut(cuts: list[int]) -> None:
    data = line(method="a", params={"text": "Grüße, 世界 🚀"}) + b"\n" + line(method="b", params={})
    data += b"{broken\n" + line(method="c", id="s-1", params={"deep": [[1]]}) + b"\r\n"
    connection, events = Connection(), list[Event]()
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, end in itertools.pairwise(edges):
        events += connection.receive_data(data[start:end])
    assert events == Connection().receive_data(data)
    assert len(events) == 4


@pytest.mark.proves("session.rpc.request_ids")
def test_no_two_requests_share_an_id() -> None:
    connection = Connection()
    numbers: list[int] = []
    for _ in range(100):
        number, sent = connection.request("turn/start", {})
        assert json.loads(sent)["id"] == number
        connection.receive_data(line(id=number, result={}))
        numbers.append(number)
    assert len(set(numbers)) == 100


def test_a_refusal_carries_its_code_and_words() -> None:
    connection = Connection()
    number, _ = connection.request("thread/start", {})
    event = only(connection.receive_data(line(error={"code": -32600, "message": "no"}, id=number)))
    assert isinstance(event, ErrorResponse)
    assert (event.code, event.message, event.method) == (-32600, "no", "thread/start")


def test_a_refusal_without_words_is_still_a_refusal() -> None:
    connection = Connection()
    number, _ = connection.request("thread/start", {})
    event = only(connection.receive_data(line(error="what", id=number)))
    assert isinstance(event, ErrorResponse)
    assert event.code is None


@pytest.mark.proves("session.rpc.malformed")
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{not json", "not JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "not JSON"),
        (b'{"id": 5}', "neither method nor result nor error"),
        (b'{"foo": 1}', "neither method nor result nor error"),
        (b'{"id": 5, "result": {}}', "an answer to no open request"),
        (b'{"id": true, "result": {}}', "an answer to no open request"),
        (b'{"id": 1.5, "method": "m"}', "a request id is neither integer nor string"),
        (b'{"id": false, "method": "m"}', "a request id is neither integer nor string"),
    ],
)
def test_a_line_that_is_no_message_is_told_as_malformed(data: bytes, reason: str) -> None:
    assert malformed(data) == reason


@pytest.mark.proves("session.rpc.malformed")
def test_a_second_answer_to_one_request_is_malformed() -> None:
    connection = Connection()
    number, _ = connection.request("initialize", {})
    events = connection.receive_data(line(id=number, result={}) * 2)
    assert [type(event) for event in events] == [Response, MalformedLine]


def test_a_malformed_line_does_not_disturb_its_neighbours() -> None:
    data = line(method="a", params={}) + b"garbage\n" + line(method="b", params={})
    kinds = [type(event) for event in Connection().receive_data(data)]
    assert kinds == [Notification, MalformedLine, Notification]


def test_a_notification_without_parameters_has_empty_ones() -> None:
    for extra in ({}, {"params": None}, {"params": [1]}, {"id": None}):
        event = only(Connection().receive_data(line(method="m", **extra)))
        assert isinstance(event, Notification)
        assert event.params == {}


@pytest.mark.proves("policy.request.concurrent")
@pytest.mark.parametrize("identity", [0, 7, "server-1"])
def test_a_server_request_is_answered_under_its_own_id(identity: int | str) -> None:
    connection = Connection()
    connection.receive_data(line(method="item/tool/call", id=identity, params={}))
    assert connection.is_open(identity)
    assert json.loads(connection.reply(identity, {"a": 1})) == {"id": identity, "result": {"a": 1}}


@pytest.mark.proves("policy.request.single_answer")
def test_a_server_request_can_be_answered_only_once() -> None:
    connection = Connection()
    connection.receive_data(line(method="m", id=0, params={}))
    connection.refuse(0, -32601, "no")
    for answer_again in (lambda: connection.reply(0, {}), lambda: connection.refuse(0, 1, "no")):
        with pytest.raises(ReplyError):
            answer_again()


def test_a_repeated_id_of_an_open_server_request_is_malformed() -> None:
    data = line(method="m", id=0, params={}) * 2
    kinds = [type(event) for event in Connection().receive_data(data)]
    assert kinds == [ServerRequest, MalformedLine]


@pytest.mark.proves("launch.line.limit")
def test_a_line_of_nine_megabytes_is_read() -> None:
    event = only(Connection().receive_data(line(method="m", params={"text": "x" * 9_000_000})))
    assert isinstance(event, Notification)


@pytest.mark.proves("launch.line.limit")
@pytest.mark.parametrize("end", [b"", b'"}}\n'])
def test_a_longer_line_ends_the_connection_after_what_came_before(end: bytes) -> None:
    connection = Connection(max_line_bytes=100)
    data = line(method="a", params={}) + b'{"method":"b","params":{"c":"' + b"x" * 100 + end
    events = connection.receive_data(data + line(method="d", params={}))
    assert [type(event) for event in events] == [Notification, LineTooLong]
    assert connection.receive_data(line(method="e", params={})) == []
    assert connection.receive_end() == []


def test_a_line_of_just_the_limit_is_read() -> None:
    whole = line(method="m", params={"text": "x" * 50})
    connection = Connection(max_line_bytes=len(whole) - 1)
    assert isinstance(only(connection.receive_data(whole)), Notification)


def test_an_end_in_the_middle_of_a_line_is_malformed() -> None:
    connection = Connection()
    connection.receive_data(b'{"method":"turn/compl')
    event = only(connection.receive_end())
    assert isinstance(event, MalformedLine)
    assert event.excerpt.startswith('{"method"')


def test_an_end_between_lines_is_no_event() -> None:
    connection = Connection()
    connection.receive_data(line(method="m", params={}) + b"\n")
    assert connection.receive_end() == []


def test_the_excerpt_of_a_malformed_line_is_printable_and_short() -> None:
    event = only(Connection().receive_data(b"\x1b[31m\x00" + b"x" * 10_000 + b"\n"))
    assert isinstance(event, MalformedLine)
    assert event.excerpt.isprintable()
    assert len(event.excerpt) <= 200


def test_what_is_sent_is_one_line_of_valid_utf8_even_for_broken_text() -> None:
    _, sent = Connection().request("turn/start", {"text": "a\nb \ud800 \u2028 世界"})
    assert sent.count(b"\n") == 1
    assert sent.endswith(b"\n")
    message = as_object(json.loads(sent.decode()))
    assert message is not None
    assert message["params"] == {"text": "a\nb ? \u2028 世界"}


@given(data=st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    connection = Connection(max_line_bytes=100)
    connection.receive_data(data)
    connection.receive_end()

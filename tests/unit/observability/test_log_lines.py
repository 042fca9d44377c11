"""A record becomes exactly one printable line, in either format."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symphony.domain.json import JsonObject, as_object
from symphony.observability.log_lines import (
    MAX_FIELDS,
    MAX_TRACEBACK_CHARACTERS,
    MAX_VALUE_CHARACTERS,
    as_json,
    as_text,
    instant,
    line_of,
)
from symphony.observability.redaction import MASK, Redactor

MOMENT = datetime(2026, 11, 21, 3, 0, 0, 123_456, UTC).timestamp()
PAIR = re.compile(r'([A-Za-z0-9_.]+)=("(?:[^"\\]|\\.)*"|[^\s"=\\]+)(?: |$)')


def record(
    event: str,
    fields: object = None,
    *,
    name: str = "symphony.runtime",
    level: int = logging.INFO,
) -> logging.LogRecord:
    made = logging.LogRecord(name, level, "file.py", 1, event, None, None)
    made.created = MOMENT
    if fields is not None:
        made.__dict__["fields"] = fields
    return made


def text(event: str, fields: object = None, redactor: Redactor | None = None) -> str:
    return as_text(line_of(record(event, fields), redactor or Redactor()))


def read_json(event: str, fields: object = None, redactor: Redactor | None = None) -> JsonObject:
    line = as_json(line_of(record(event, fields), redactor or Redactor()))
    assert "\n" not in line
    members = as_object(json.loads(line))
    assert members is not None
    return members


def read_text(line: str) -> dict[str, str]:
    """The pairs of a text line, read as its documentation says."""
    at, _, rest = line.partition(" ")
    pairs = {"at": at}
    position = 0
    while position < len(rest):
        match = PAIR.match(rest, position)
        assert match is not None, f"cannot read {rest[position:]!r}"
        value = match[2]
        pairs[match[1]] = json.loads(value) if value.startswith('"') else value
        position = match.end()
    return pairs


@pytest.mark.proves("log.format.keys", "log.outcome.stated")
def test_a_text_line_has_time_level_event_and_then_the_fields_in_a_stable_order() -> None:
    fields = {
        "zeal": 1,
        "reason": "no slot",
        "outcome": "started",
        "session_id": "t-u",
        "issue_identifier": "ABC-1",
        "issue_id": "7",
    }

    assert text("run_started", fields) == (
        "2026-11-21T03:00:00.123Z level=info event=run_started issue_id=7 issue_identifier=ABC-1"
        ' session_id=t-u outcome=started reason="no slot" zeal=1'
    )


@pytest.mark.proves("log.format.keys")
def test_json_has_the_same_keys_and_keeps_numbers_and_truth_values() -> None:
    fields = {"issue_id": "7", "attempt": 2, "seconds": 1.5, "retried": True}

    members = read_json("run_started", fields)

    assert list(members) == list(read_text(text("run_started", fields)))
    assert members == {
        "at": "2026-11-21T03:00:00.123Z",
        "level": "info",
        "event": "run_started",
        **fields,
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("ABC-1/x:y@z,w[redacted]", "ABC-1/x:y@z,w[redacted]"),
        ("", '""'),
        ("two words", '"two words"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("a=b", '"a=b"'),
        ("back\\slash", '"back\\\\slash"'),
        ("line\nend\r\t", '"line\\nend\\r\\t"'),
        ("\x1b[31mred\x1b[0m", '"\\u001b[31mred\\u001b[0m"'),
        ("del\x7f", '"del\\u007f"'),
        ("c1\x9b31m", '"c1\\u009b31m"'),
        ("turn\u202earound", '"turn\\u202earound"'),
        ("para\u2029graph", '"para\\u2029graph"'),
        ("half\ud83d", '"half\\ud83d"'),
        ("Zürich", "Zürich"),
        ("日本", "日本"),
        (True, "true"),
        (3, "3"),
        (0.25, "0.25"),
        (float("nan"), "nan"),
    ],
)
def test_values_are_quoted_and_escaped_exactly_where_they_need_it(
    value: object, shown: str
) -> None:
    assert text("event", {"key": value}).partition(" key=")[2] == shown


@pytest.mark.proves("log.format.keys")
@settings(deadline=None)
@given(value=st.text(max_size=200), key=st.text(min_size=1, max_size=20))
def test_any_text_makes_one_printable_line_from_which_it_can_be_read_back(
    value: str, key: str
) -> None:
    line = text("event", {"value": value, key: "x"})

    assert line.isprintable()
    assert read_text(line)["value"] == (value if key != "value" else "x")
    assert as_json(line_of(record("event", {key: value}), Redactor())).isprintable()


@pytest.mark.proves("log.payload.limited")
def test_a_long_value_is_cut_and_the_line_says_so() -> None:
    value = "x" * (MAX_VALUE_CHARACTERS + 5)

    shown = read_json("event", {"reason": value})["reason"]

    assert shown == "x" * MAX_VALUE_CHARACTERS + "... (5 more characters)"


def test_more_fields_than_any_event_has_are_counted_and_left_out() -> None:
    members = read_json("event", {f"key{number}": number for number in range(MAX_FIELDS + 3)})

    assert members["fields_left_out"] == 3
    assert f"key{MAX_FIELDS}" not in members


def test_a_field_without_a_value_does_not_appear() -> None:
    assert text("event", {"session_id": None}) == text("event")


def test_a_field_cannot_pass_for_what_the_line_itself_says() -> None:
    members = read_json("event", {"level": "error", "event": "other", "at": "now", "a b": 1})

    assert (members["level"], members["event"]) == ("info", "event")
    assert (members["field_level"], members["field_event"]) == ("error", "other")
    assert members["a_b"] == 1


@pytest.mark.proves("security.secret.logs")
def test_secrets_are_masked_in_values_keys_numbers_and_nested_values() -> None:
    redactor = Redactor(["hunter2", "12345678"])
    fields = {"reason": "key hunter2", "hunter2": 1, "number": 12345678, "list": ["hunter2"]}

    for line in (
        text("event", fields, redactor),
        as_json(line_of(record("event", fields), redactor)),
    ):
        assert "hunter2" not in line
        assert "12345678" not in line
        assert MASK in line


@pytest.mark.proves("security.secret.logs")
def test_a_secret_that_lies_across_the_cut_of_a_long_value_is_not_half_shown() -> None:
    value = "x" * (MAX_VALUE_CHARACTERS - 3) + "hunter2-hunter2" + "y" * 50

    assert "hun" not in text("event", {"reason": value}, Redactor(["hunter2-hunter2"]))


def test_a_library_is_quoted_as_a_library_and_cannot_invent_events() -> None:
    made = record("run_ended", name="httpx", level=logging.WARNING)

    members = as_object(json.loads(as_json(line_of(made, Redactor()))))

    assert members is not None
    assert members["event"] == "library_message"
    assert (members["logger"], members["message"]) == ("httpx", "run_ended")


def test_a_traceback_stays_within_its_line_and_keeps_its_end() -> None:
    made = record("daemon_failed")
    error = RuntimeError("x" * MAX_TRACEBACK_CHARACTERS + " the cause")
    made.exc_info = (RuntimeError, error, None)

    line = as_text(line_of(made, Redactor()))

    assert line.isprintable()
    assert line.endswith('the cause"')
    assert len(line) < MAX_TRACEBACK_CHARACTERS + 200


class Colour(Enum):
    RED = "red"


def test_values_of_the_domain_are_shown_in_plain_form() -> None:
    fields = {
        "reason": ValueError("too small"),
        "colour": Colour.RED,
        "due_at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "ids": ("a", "b"),
    }

    assert read_json("event", fields) == {
        "at": "2026-11-21T03:00:00.123Z",
        "level": "info",
        "event": "event",
        "reason": "ValueError: too small",
        "colour": "red",
        "due_at": "2026-01-02T03:04:05.000Z",
        "ids": '["a", "b"]',
    }


@pytest.mark.proves("log.outcome.stated")
def test_an_event_states_the_outcome_of_the_vocabulary_where_its_fields_give_none() -> None:
    assert read_json("retry_scheduled")["outcome"] == "retrying"
    assert read_json("retry_scheduled", {"outcome": "other"})["outcome"] == "other"


def test_an_instant_is_utc_with_milliseconds() -> None:
    assert instant(MOMENT) == "2026-11-21T03:00:00.123Z"

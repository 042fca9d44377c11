"""What answers of Linear mean that are no results."""

from __future__ import annotations

import json

import pytest

from symphony.domain.json import JsonObject, JsonValue
from symphony.trackers.linear.failures import (
    API_KEY,
    LONGEST_WAIT_MS,
    QUOTED_CHARACTERS,
    TOOL_API_KEY,
    WAIT_WITHOUT_A_WORD_MS,
    DeniedError,
    errors_in_result,
    is_complete,
    masked,
    refusal,
    remedy,
    retry_after_ms,
)

NOW_MS = 1_790_000_000_000.0
KEY = "lin_api_0123456789abcdef"


def error(code: str, message: str = "No.") -> JsonObject:
    return {"message": message, "extensions": {"code": code}}


def body(*errors: JsonObject) -> bytes:
    return json.dumps({"errors": errors}).encode()


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7_001),
        ({"Retry-After": "0.5"}, 501),
        ({"Retry-After": "Mon, 21 Sep 2026 14:13:30 GMT"}, 10_001),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "999999999"}, LONGEST_WAIT_MS),
        ({"Retry-After": "٣"}, None),
        (
            {
                "X-RateLimit-Requests-Remaining": "0",
                "X-RateLimit-Requests-Reset": "1790000005000",
                "X-RateLimit-Complexity-Remaining": "0",
                "X-RateLimit-Complexity-Reset": "1790000009",
            },
            9_001,
        ),
        (
            {
                "X-RateLimit-Requests-Remaining": "12",
                "X-RateLimit-Requests-Reset": "1790000005000",
            },
            None,
        ),
        (
            {
                "X-RateLimit-Endpoint-Requests-Remaining": "0",
                "X-RateLimit-Endpoint-Requests-Reset": "1790000003000",
            },
            3_001,
        ),
        ({"X-RateLimit-Requests-Remaining": "0", "X-RateLimit-Requests-Reset": "1e999"}, 3_600_000),
        ({"X-RateLimit-Requests-Remaining": "0", "X-RateLimit-Requests-Reset": "nan"}, None),
        ({"X-RateLimit-Requests-Remaining": "0", "X-RateLimit-Requests-Reset": "never"}, None),
    ],
)
def test_the_wish_for_patience_is_read_in_every_form_and_bounded(
    headers: dict[str, str], wait: int | None
) -> None:
    assert retry_after_ms(headers, NOW_MS) == wait


@pytest.mark.parametrize(
    ("status", "headers", "content", "category", "wait"),
    [
        (429, {"Retry-After": "2"}, b"", "tracker_rate_limited", 2_001),
        (429, {}, b"", "tracker_rate_limited", WAIT_WITHOUT_A_WORD_MS),
        (503, {"Retry-After": "2"}, b"<html>", "tracker_rate_limited", 2_001),
        (503, {}, b"", "tracker_status", None),
        (400, {}, body(error("RATELIMITED")), "tracker_rate_limited", WAIT_WITHOUT_A_WORD_MS),
        (400, {}, body(error("GRAPHQL_VALIDATION_FAILED")), "tracker_status", None),
        (500, {}, b"{", "tracker_status", None),
        (502, {}, b"[" * 100_000, "tracker_status", None),
        (204, {}, b"", "tracker_status", None),
    ],
)
def test_each_answer_has_its_category(
    status: int, headers: dict[str, str], content: bytes, category: str, wait: int | None
) -> None:
    refused = refusal(status, headers, content, now_ms=NOW_MS, secrets=())
    assert (refused.category, refused.retry_after_ms, refused.status) == (category, wait, status)


@pytest.mark.parametrize(
    ("status", "content", "key"),
    [
        (401, body(error("AUTHENTICATION_ERROR")), "tracker.provider.api_key"),
        (403, b"", "tracker.provider.api_key"),
        (400, body(error("FORBIDDEN", "Invalid scope")), "tracker.provider.api_key"),
        (404, b"", "tracker.provider.endpoint"),
        (405, b"", "tracker.provider.endpoint"),
    ],
)
def test_a_setting_that_is_to_blame_is_named(status: int, content: bytes, key: str) -> None:
    refused = refusal(status, {}, content, now_ms=NOW_MS, secrets=())
    assert refused.message.startswith(key)


@pytest.mark.proves("tracker.error.categories")
@pytest.mark.parametrize("key", [API_KEY, TOOL_API_KEY])
def test_the_key_that_was_refused_is_named_and_no_other(key: str) -> None:
    denied = error("FORBIDDEN", "Invalid scope")
    refused = refusal(403, {}, body(denied), now_ms=NOW_MS, secrets=(), key=key)
    for each in (refused, errors_in_result([denied], key)):
        assert isinstance(each, DeniedError)
        assert each.message.startswith(f"{key}: ")
        assert each.message.endswith(f"may read this team, and put it where {key} says")
        assert "Invalid scope" in each.message
        assert ({API_KEY, TOOL_API_KEY} - {key}).isdisjoint(each.message.replace(":", "").split())


def test_for_a_refused_change_the_key_has_to_write() -> None:
    refused = DeniedError(TOOL_API_KEY, "No", status=403, answer={"errors": []}).of_a_change()
    assert "may read and write this team" in refused.message
    assert (refused.status, refused.answer) == (403, {"errors": []})
    assert API_KEY not in refused.message
    assert TOOL_API_KEY in remedy(API_KEY, changes=True), "the daemon's own may stay as it is"


@pytest.mark.proves("tracker.error.categories", "security.secret.logs")
def test_the_providers_words_are_quoted_on_one_line_without_the_key_and_bounded() -> None:
    said = f"no\x1b[31m entry\nfor {KEY} " + "x" * 1_000
    refused = refusal(400, {}, body(error("OTHER", said)), now_ms=NOW_MS, secrets={KEY})
    assert "for [redacted] x" in refused.message
    assert refused.message.isprintable()
    assert KEY not in str(refused)
    assert KEY not in str(refused.answer)
    assert len(refused.message) < QUOTED_CHARACTERS + 60


def test_errors_in_a_result_have_categories_too() -> None:
    assert errors_in_result([error("OTHER")]).category == "tracker_response"
    assert errors_in_result([error("FORBIDDEN")]).category == "tracker_status"
    limited = errors_in_result([error("OTHER"), error("RATELIMITED")])
    assert (limited.category, limited.retry_after_ms) == ("tracker_rate_limited", 60_000)


@pytest.mark.proves("tracker.error.application")
@pytest.mark.parametrize(
    ("path", "complete"),
    [
        (["issues"], True),
        (["issues", "nodes", 0, "title"], True),
        (["issues", "nodes", 0, "assignee"], False),
        (["issues", "nodes", 1], False),
        (["issues", "nodes", -1], False),
        (["issues", 0], False),
        (["viewer"], False),
        ([], False),
        (None, False),
    ],
)
def test_errors_beside_data_count_unless_all_that_they_name_is_there(
    path: JsonValue, complete: bool
) -> None:
    data: JsonObject = {"issues": {"nodes": [{"title": "One", "assignee": None}]}}
    assert is_complete([{"message": "Odd.", "path": path}], data) is complete


@pytest.mark.proves("tool.result.no_secret")
def test_a_secret_is_masked_wherever_it_stands() -> None:
    value: JsonValue = {f"a {KEY}": [f"{KEY}{KEY}", 7, None, {"b": KEY}]}
    assert masked(value, {KEY}) == {
        "a [redacted]": ["[redacted][redacted]", 7, None, {"b": "[redacted]"}]
    }

"""Token usage and rate limits out of notifications."""

from __future__ import annotations

import pytest

from symphony.agents.telemetry import limit_name, read_rate_limits, read_usage
from symphony.domain.ids import ThreadId, TurnId
from symphony.domain.json import JsonObject
from symphony.domain.run import TokenUsage, UsageReported
from symphony.scheduler.ratelimits import overlay

OWN = frozenset({TurnId("turn-2")})
RESUMED = ThreadId("thread")


def report(turn: str, thread: str = "thread") -> JsonObject:
    total = {"totalTokens": 30, "inputTokens": 20, "outputTokens": 10, "cachedInputTokens": 5}
    last = {"totalTokens": 3, "inputTokens": 2, "outputTokens": 1}
    return {"threadId": thread, "turnId": turn, "tokenUsage": {"total": total, "last": last}}


@pytest.mark.proves("usage.total.absolute")
def test_usage_is_the_total_and_never_the_last_step() -> None:
    usage = read_usage(report("turn-2"), resumed=None, own_turns=OWN)
    assert usage == UsageReported(
        thread_id=RESUMED, total=TokenUsage(input_tokens=20, output_tokens=10, total_tokens=30)
    )


@pytest.mark.proves("usage.resume.baseline")
def test_what_a_resumed_thread_had_used_before_is_its_baseline() -> None:
    before = read_usage(report("turn-1"), resumed=RESUMED, own_turns=OWN)
    after = read_usage(report("turn-2"), resumed=RESUMED, own_turns=OWN)
    assert before is not None
    assert before.is_baseline
    assert after is not None
    assert not after.is_baseline


@pytest.mark.proves("usage.threads.summed")
def test_a_sub_agent_of_a_resumed_thread_counts_from_zero_under_its_own_name() -> None:
    usage = read_usage(report("turn-9", thread="sub"), resumed=RESUMED, own_turns=OWN)
    assert usage is not None
    assert usage.thread_id == "sub"
    assert not usage.is_baseline


@pytest.mark.proves("usage.fields.tolerant")
def test_other_spellings_are_read() -> None:
    total = {"input_tokens": 1, "output_tokens": 2}
    params: JsonObject = {"threadId": "t", "token_usage": {"total_token_usage": total}}
    usage = read_usage(params, resumed=None, own_turns=())
    assert usage is not None
    assert usage.total == TokenUsage(input_tokens=1, output_tokens=2, total_tokens=3)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"threadId": "t"},
        {"tokenUsage": {"total": {"inputTokens": 1}}},
        {"threadId": "t", "tokenUsage": {"last": {"inputTokens": 1}}},
        {"threadId": "t", "tokenUsage": {"total": {}}},
        {"threadId": "t", "tokenUsage": {"total": {"inputTokens": "many"}}},
        {"threadId": "t", "tokenUsage": {"total": {"inputTokens": -1}}},
        {"threadId": "t", "tokenUsage": {"total": {"inputTokens": True}}},
        {"threadId": "t", "tokenUsage": 5},
    ],
)
def test_what_holds_no_totals_reports_nothing_rather_than_zero(params: JsonObject) -> None:
    assert read_usage(params, resumed=None, own_turns=()) is None


@pytest.mark.proves("ratelimit.sparse.kept")
def test_a_sparse_update_does_not_clear_what_is_known() -> None:
    known: JsonObject = {
        "limitId": "codex",
        "primary": {"usedPercent": 43, "resetsAt": 9},
        "credits": {"balance": "12.5"},
    }
    update: JsonObject = {
        "limitId": "codex",
        "primary": {"usedPercent": 44, "resetsAt": None},
        "secondary": None,
        "credits": None,
    }
    assert overlay(known, update) == {
        "limitId": "codex",
        "primary": {"usedPercent": 44, "resetsAt": 9},
        "credits": {"balance": "12.5"},
        "secondary": None,
    }
    assert known["primary"] == {"usedPercent": 43, "resetsAt": 9}


@pytest.mark.proves("ratelimit.shape.values")
def test_limits_are_found_in_both_spellings() -> None:
    assert read_rate_limits({"rateLimits": {"limitId": "a"}}) == {"limitId": "a"}
    assert read_rate_limits({"rate_limits": {"limit_id": "a"}}) == {"limit_id": "a"}
    assert read_rate_limits({"rateLimits": None}) is None
    assert limit_name({"limit_id": "a"}) == limit_name({"limitId": "a"}) == "a"

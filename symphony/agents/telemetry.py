"""Token usage and rate limits out of notifications (SPEC.md 13.5). Pure.

Usage is read as absolute totals of one thread, `total` and never `last`: adding up increments
counts a repeated report twice. Members are read in camelCase, and in the snake_case of older
versions and of the model's own headers.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Final

from symphony.agents.messages import thread_of, turn_of
from symphony.domain.ids import ThreadId, TurnId
from symphony.domain.json import JsonObject, JsonValue, as_object, as_text, as_whole_number
from symphony.domain.run import TokenUsage, UsageReported

USAGE_METHOD: Final = "thread/tokenUsage/updated"
RATE_LIMITS_METHOD: Final = "account/rateLimits/updated"
MAX_REPORT_CHARACTERS: Final = 16 * 1024
"""Known reports have 500; what is longer is left out."""
MAX_TOKENS: Final = 10**12
"""Of one thread: more than any can use. Sums of such numbers stay exact in JSON and in metrics,
which have no form for numbers of thousands of digits."""


def read_usage(
    params: JsonObject, *, resumed: ThreadId | None, own_turns: Collection[TurnId]
) -> UsageReported | None:
    """The totals of the thread that `params` names; None where they hold none.

    A resumed thread sends, right after `thread/resume`, what it had used before, under a turn that
    is none of ours: that is the baseline, and counts zero (`usage.resume.baseline`).
    """
    thread = thread_of(params)
    usage = as_object(_member(params, "tokenUsage", "token_usage"))
    total = as_object(_member(usage or {}, "total", "total_token_usage"))
    if thread is None or total is None:
        return None
    counted = _counts(total)
    if counted is None:
        return None
    is_baseline = thread == resumed and turn_of(params) not in own_turns
    return UsageReported(thread_id=thread, total=counted, is_baseline=is_baseline)


def _counts(total: JsonObject) -> TokenUsage | None:
    read = _count(total, "inputTokens", "input_tokens")
    written = _count(total, "outputTokens", "output_tokens")
    both = _count(total, "totalTokens", "total_tokens")
    if read is None and written is None and both is None:
        return None
    whole = both if both is not None else (read or 0) + (written or 0)
    return TokenUsage(input_tokens=read or 0, output_tokens=written or 0, total_tokens=whole)


def _count(total: JsonObject, *names: str) -> int | None:
    number = as_whole_number(_member(total, *names))
    return number if number is not None and 0 <= number <= MAX_TOKENS else None


def read_rate_limits(params: JsonObject) -> JsonObject | None:
    """The limits as the agent sent them."""
    return as_object(_member(params, "rateLimits", "rate_limits"))


def is_small(limits: JsonObject) -> bool:
    """Whether this can be a report of rate limits, and not something that would fill memory."""
    try:
        return len(json.dumps(limits)) <= MAX_REPORT_CHARACTERS
    except RecursionError:
        return False


def limit_name(limits: JsonObject) -> str:
    """Which limit this is; an account may have several."""
    return as_text(_member(limits, "limitId", "limit_id")) or ""


def _member(container: JsonObject, *names: str) -> JsonValue:
    return next((container[name] for name in names if container.get(name) is not None), None)

"""Wrong lines of a real agent, and what the worst of them were once able to do.

The long profile sends as many lines as `SYMPHONY_FUZZ_LINES` says.
"""

from __future__ import annotations

import json
import os
from random import Random

import pytest

from symphony.agents.messages import MAX_ID_CHARACTERS, read_thread_id, read_turn_id, thread_of
from symphony.agents.rpc import Connection, Notification
from symphony.agents.telemetry import MAX_TOKENS, read_usage
from symphony.domain.json import JsonObject, JsonValue
from symphony.domain.run import TokenUsage
from symphony.scheduler.ratelimits import overlay
from tests.reliability.hostile_daemon import Listener
from tests.reliability.hostile_lines import Tally, run_sessions
from tests.reliability.hostile_mutations import CORPUS, Mutator

LINES = int(os.environ.get("SYMPHONY_FUZZ_LINES", "20000"))


@pytest.mark.anyio
@pytest.mark.proves("session.rpc.malformed")
async def test_wrong_lines_end_every_session_in_a_way_that_has_a_name() -> None:
    tally = Tally()
    await run_sessions(tally, lines=LINES, seed=1)
    assert tally.lines >= LINES
    # Not all of them may end in the handshake, or nothing would be shown.
    assert tally.outcomes["all turns completed"] > tally.sessions / 10
    assert len(tally.outcomes) >= 4, tally.outcomes
    assert tally.replies["result"] > 0
    assert tally.replies["error"] > 0


def test_the_same_seed_makes_the_same_lines() -> None:
    def lines(seed: int) -> list[bytes]:
        mutator = Mutator(Random(seed))  # noqa: S311
        return [mutator.line() for _ in range(200)]

    assert lines(1) == lines(1)
    assert lines(1) != lines(2)


def test_the_lines_to_begin_with_are_messages() -> None:
    kinds: set[str] = set()
    for raw in CORPUS:
        # Their ids are those of many sessions; most answer one of the first requests.
        connection = Connection()
        for _ in range(30):
            connection.request("recorded", {})
        kinds |= {type(event).__name__ for event in connection.receive_data(raw + b"\n")}
    assert {"Notification", "ServerRequest", "Response", "ErrorResponse"} <= kinds


# What came out of this, and what would have been next.


def read(line: str) -> JsonObject:
    (event,) = Connection().receive_data(line.encode() + b"\n")
    assert isinstance(event, Notification)
    return event.params


def usage(*, thread: str = "thread-1", **counts: str) -> JsonObject:
    total = ",".join(f'"{name}":{number}' for name, number in counts.items())
    named = json.dumps(thread)
    return read(
        f'{{"method":"thread/tokenUsage/updated","params":{{"threadId":{named},'
        f'"tokenUsage":{{"total":{{{total}}}}}}}}}'
    )


@pytest.mark.proves("usage.figures.bounded")
@pytest.mark.proves("http.failure.isolated")
@pytest.mark.parametrize("digits", [30, 400, 4_300])
def test_more_tokens_than_there_are_count_for_nothing(digits: int) -> None:
    params = usage(inputTokens="9" * digits, outputTokens="7")
    report = read_usage(params, resumed=None, own_turns=())
    assert report is not None
    assert report.total == TokenUsage(output_tokens=7, total_tokens=7)
    listener = Listener()
    for _ in range(3):
        listener.hear(report)
        listener.show()
    only_huge = usage(totalTokens=str(MAX_TOKENS + 1))
    assert read_usage(only_huge, resumed=None, own_turns=()) is None


def test_what_is_longer_than_an_id_is_none() -> None:
    longest, longer = "x" * MAX_ID_CHARACTERS, "x" * (MAX_ID_CHARACTERS + 1)
    assert thread_of({"threadId": longest}) == longest
    assert thread_of({"threadId": longer}) is None
    assert read_thread_id({"thread": {"id": longer}}) is None
    assert read_turn_id({"turn": {"id": longer}}) is None
    assert read_usage(usage(thread=longer, inputTokens="1"), resumed=None, own_turns=()) is None


def test_rate_limits_are_merged_down_to_a_bounded_depth() -> None:
    def nested(levels: int, innermost: JsonValue) -> JsonObject:
        value: JsonValue = innermost
        for _ in range(levels):
            value = {"a": value}
        return {"a": value}

    assert overlay(nested(3, {"b": 1}), nested(3, {"c": 2})) == nested(3, {"b": 1, "c": 2})
    # A reader of JSON takes thousands of levels, and would end where merging began to descend.
    deep = nested(900, 1)
    assert overlay(deep, deep) == deep

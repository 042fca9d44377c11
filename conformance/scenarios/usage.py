"""Tokens, running time and rate limits, as the HTTP interface shows them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from conformance.agents.session import AgentSession
from conformance.agents.steps import (
    WORKS,
    agent_script,
    die,
    gate,
    notify,
    rate_limits,
    say,
    subagent,
    turn,
    usage,
)
from conformance.fakes.json_values import JsonObject, JsonValue, as_array, as_object, as_text
from conformance.lab.judging import UnmetError
from conformance.lab.lab import Lab
from conformance.scenario import Lane, scenario

NAMES: Final = ("input_tokens", "output_tokens", "total_tokens")
LIVED_S: Final = 2.0
"""How long sessions run here, so that whole seconds show."""
ROUNDED_S: Final = 1.0
"""An implementation may count whole seconds."""
LIMITS: Final[JsonObject] = {
    "limitId": "codex",
    "limitName": None,
    "primary": {"usedPercent": 37, "windowDurationMins": 311, "resetsAt": 1795225530},
    "secondary": {"usedPercent": 13, "windowDurationMins": 10081, "resetsAt": 1795308330},
    "planType": None,
}
SPARSE: Final[JsonObject] = {
    "limitId": "codex",
    "limitName": None,
    "primary": {"usedPercent": 59, "windowDurationMins": 311, "resetsAt": 1795225530},
    "secondary": None,
    "planType": None,
}


@scenario(
    "Token totals are sums of absolute reports, each counted once, over all sessions and threads",
    checks=(
        "usage.total.absolute",
        "usage.total.counted_once",
        "usage.total.monotonic",
        "usage.total.summed",
        "usage.threads.summed",
        "usage.fields.tolerant",
        "usage.resume.baseline",
        "ratelimit.latest.kept",
        "ratelimit.shape.values",
        "ratelimit.sparse.kept",
    ),
    needs=("http",),
)
async def token_totals(lab: Lab) -> None:
    spending = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    # The thread goes on elsewhere: what was used there is old when it is resumed.
    lab.script(
        spending, WORKS, agent_script(turn(gate()), resumed_usage={"input": 900, "output": 90})
    )
    lab.workflow(agent={"max_turns": 1})
    await lab.start(port=lab.free_port())
    session = await lab.at_gate(spending)

    # Each is judged by what it adds: what is wrong with one is not held against the others.
    base = await _shown(lab)
    session.push(usage(1000, 100), usage(1500, 150))
    with lab.judging("usage.total.absolute"):
        await _totals(lab, base[0] + 1500, base[1] + 150)
        session.push(_generic(session))
        await _stays(lab, session, base[0] + 1500, base[1] + 150)
    base = await _settled(lab, session)
    session.push(usage(1500, 150), usage(1500, 150))
    with lab.judging("usage.total.counted_once"):
        await _stays(lab, session, base[0], base[1])
    base = await _settled(lab, session)
    session.push(usage(1200, 120))
    with lab.judging("usage.total.monotonic"):
        await _stays(lab, session, base[0], base[1])
    session.push(usage(1600, 160))
    base = await _settled(lab, session)
    session.push(subagent(input_tokens=40, output_tokens=4))
    with lab.judging("usage.threads.summed"):
        await _totals(lab, base[0] + 40, base[1] + 4)

    await _limits(lab, session)
    base = await _shown(lab)
    other = lab.tracker.put("ENG-2")
    second = await lab.at_gate(other)
    second.push(usage(200, 20))
    with lab.judging("usage.total.summed"):
        await _totals(lab, base[0] + 200, base[1] + 20)
        lab.finish(other)
        await lab.ended(second)
        await lab.polls()
        await _totals(lab, base[0] + 200, base[1] + 20)
    base = await _shown(lab)
    third = await lab.at_gate(lab.tracker.put("ENG-3"))
    third.push(usage(300, 30, older=True))
    with lab.judging("usage.fields.tolerant"):
        await _totals(lab, base[0] + 300, base[1] + 30)
    await _resumed(lab, session)


def _generic(session: AgentSession) -> JsonObject:
    """A map of tokens that is no total of a thread."""
    started = as_object(session.sent("thread/started")[0].get("thread"))
    return notify(
        "item/somethingElse",
        {
            "threadId": started.get("id"),
            "usage": {"input_tokens": 7000, "output_tokens": 700, "total_tokens": 7700},
        },
    )


async def _limits(lab: Lab, session: AgentSession) -> None:
    session.push(rate_limits(LIMITS))
    with lab.judging("ratelimit.shape.values"):
        await _carries(lab, 37, 311, 13, 10081)
        await _carries_instants(lab, 1795225530, 1795308330)
    session.push(rate_limits(SPARSE))
    with lab.judging("ratelimit.latest.kept"):
        await _carries(lab, 59)
        await lab.polls()
        await _carries(lab, 59)
    with lab.judging("ratelimit.sparse.kept"):
        await _carries(lab, 13)


async def _resumed(lab: Lab, session: AgentSession) -> None:
    """The worker ends after its only turn; another may resume the thread."""
    if not lab.offers("thread_resume"):
        lab.not_applicable("usage.resume.baseline", "no thread is resumed")
        return
    before = await _shown(lab)
    session.open_gate()
    again = await lab.at_gate(lab.tracker.handle("ENG-1"), 2)
    with lab.judging("usage.resume.baseline") as judge:
        judge.holds(again.thread_resumes, expected="the thread is resumed", seen="a new one")
        await lab.polls()
        judge.equal(await _shown(lab), before, "the totals after the thread was resumed")
        again.push(usage(950, 95))
        await _totals(lab, before[0] + 50, before[1] + 5)


async def _state(lab: Lab) -> JsonObject:
    return (await lab.api.state()).object()


async def _shown(lab: Lab) -> tuple[int, int, int]:
    """Input, output and all tokens."""
    totals = as_object((await _state(lab)).get("codex_totals"))
    found = [totals.get(each) for each in NAMES]
    numbers = [each for each in found if isinstance(each, int)]
    if len(numbers) != len(NAMES):
        raise UnmetError(f"codex_totals with the numbers {', '.join(NAMES)}", str(dict(totals)))
    return numbers[0], numbers[1], numbers[2]


async def _totals(lab: Lab, given: int, made: int) -> None:
    """Sooner or later the totals are these."""
    wanted = (given, made, given + made)

    async def are() -> bool:
        shown = await _shown(lab)
        if shown != wanted:
            raise UnmetError("", f"totals of {shown}")
        return True

    await lab.until_answered(are, f"totals of {wanted} tokens: input, output, all")


async def _settled(lab: Lab, session: AgentSession) -> tuple[int, int, int]:
    """What is shown a fence after everything that was pushed has been sent."""
    count = len(session.sent("item/completed"))
    session.push(say("Counted."))
    await lab.until(lambda: len(session.sent("item/completed")) > count, "the agent's message")
    await lab.polls(1)
    return await _shown(lab)


async def _stays(lab: Lab, session: AgentSession, given: int, made: int) -> None:
    """Once all that was pushed has been counted, the totals are these still."""
    shown, wanted = await _settled(lab, session), (given, made, given + made)
    if shown != wanted:
        raise UnmetError(f"totals of {wanted} tokens: input, output, all", str(shown))


async def _carries(lab: Lab, *numbers: int) -> None:
    """Each of the numbers is somewhere in the rate limits that are shown."""

    async def all_are() -> bool:
        limits = (await _state(lab)).get("rate_limits")
        missing = [each for each in numbers if float(each) not in set(_numbers(limits))]
        if missing:
            raise UnmetError("", f"without {missing}: {limits}")
        return True

    await lab.until_answered(all_are, f"rate limits with {', '.join(map(str, numbers))}")


async def _carries_instants(lab: Lab, *instants: int) -> None:
    """As seconds or as a text of RFC 3339."""
    found = set(_numbers((await _state(lab)).get("rate_limits")))
    missing = [each for each in instants if not {float(each), each * 1000.0} & found]
    if missing:
        raise UnmetError(f"rate limits with the instants {instants}", f"without {missing}")


def _numbers(value: JsonValue) -> Iterator[float]:
    """Every number in it; what is written as a text as well, instants as seconds."""
    if isinstance(value, (int, float)):
        yield float(value)
    text = as_text(value)
    if text is not None:
        for read in (float, _seconds):
            with contextlib.suppress(ValueError):
                yield read(text)
    for each in (*as_object(value).values(), *as_array(value)):
        yield from _numbers(each)


def _seconds(text: str) -> float:
    """Of an instant in RFC 3339. Raises `ValueError`."""
    return datetime.fromisoformat(text).timestamp()


@scenario(
    "The running time includes what still runs, and what ended in whatever way",
    checks=("usage.runtime.live",),
    lane=Lane.REAL_TIME,
    needs=("http",),
)
async def running_time(lab: Lab) -> None:
    dying, stopped = lab.tracker.put("ENG-1"), lab.tracker.put("ENG-2")
    lab.script(None, WORKS)
    lab.workflow(agent={"max_retry_backoff_ms": 60_000})
    await lab.start(port=lab.free_port())
    sessions = [await lab.at_gate(dying), await lab.at_gate(stopped)]

    async def seconds() -> float:
        shown = as_object((await _state(lab)).get("codex_totals")).get("seconds_running")
        if not isinstance(shown, (int, float)):
            raise UnmetError("seconds_running is a number", repr(shown))
        return float(shown)

    with lab.judging("usage.runtime.live") as judge:
        begin = await seconds()

        async def grown() -> bool:
            return await seconds() >= begin + 2 * LIVED_S

        await lab.until_answered(grown, "seconds_running grows while sessions run")
        before = await seconds()
        sessions[0].push(die())
        lab.tracker.set_state(stopped.name, "Human Review")
        for each in sessions:
            await lab.ended(each)
        await lab.polls()
        after = await seconds()
        judge.holds(
            after >= before - ROUNDED_S,
            expected=f"sessions that ended still count: no less than {before:.1f} s",
            seen=f"{after:.1f} s",
        )
        await lab.polls()
        last = await seconds()
        judge.holds(
            last <= after + ROUNDED_S,
            expected=f"the time stands still at {after:.1f} s while nothing runs",
            seen=f"{last:.1f} s",
        )

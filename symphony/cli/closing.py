"""What came of `symphony run --once`, for whoever reads the mail of cron or the log of a CI job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from symphony.agents.text import one_line
from symphony.runtime.round import Round, RunResult
from symphony.scheduler.ordering import in_dispatch_order
from symphony.scheduler.state import Waiting

SHOWN_LEFT: Final = 20
"""A board may have thousands that wait; `symphony plan` lists them all."""
_NAME_CHARACTERS: Final = 40
_TEXT_CHARACTERS: Final = 160

OUTCOMES: Final = {
    "succeeded": "ended well",
    "terminal": "ended well, finished",
    "not_active": "ended well, handed on",
    "not_routable": "stopped, held back in the tracker",
    "not_visible": "stopped, not visible any more",
    "operator": "STOPPED by an operator",
    "blocked": "BLOCKED",
    "interrupted": "INTERRUPTED",
    "failed": "FAILED",
    "timed_out": "TIMED OUT",
    "stalled": "STALLED",
}


def lines_of_round(done: Round) -> Iterator[str]:
    """The summary, line by line: what it comes to, what ran, what did not, and why."""
    yield _headline(done)
    for result in done.results.values():
        yield f"  {_name(result.issue.identifier)} {_ran(done, result)}"
    left = _in_order(done)
    if not left:
        return
    counted = Counter(row.code for row in left)
    codes = ", ".join(f"{count} {code}" for code, count in sorted(counted.items()))
    yield f"Not started: {codes}"
    for row in left[:SHOWN_LEFT]:
        reason = one_line(row.reason, _TEXT_CHARACTERS)
        yield f"  {_name(row.issue.identifier)} {row.code}: {reason}"
    if len(left) > SHOWN_LEFT:
        yield f"  ... and {len(left) - SHOWN_LEFT} more; `symphony plan` lists all"


def _headline(done: Round) -> str:
    if done.problem is not None:
        return f"Not everything was done: {one_line(done.problem, _TEXT_CHARACTERS)}"
    if done.interrupted:
        return "Interrupted: every agent was stopped."
    if not done.results:
        found = done.candidates or 0
        return f"Nothing to do: the poll found {_count(found, 'candidate')}, none to start."
    well = sum(result.ended_well for result in done.results.values())
    return f"{well} of {_count(len(done.results), 'run')} ended well."


def _ran(done: Round, result: RunResult) -> str:
    words = OUTCOMES.get(result.outcome, result.outcome)
    facts = [_count(result.turns, "turn"), f"{result.seconds:.0f} s"]
    if result.tokens is not None:
        facts.append(_count(result.tokens, "token"))
    told = f"{words} ({', '.join(facts)})"
    if result.reason is not None:
        return f"{told}: {one_line(result.reason, _TEXT_CHARACTERS)}"
    if result.issue.id in done.to_be_continued:
        state = one_line(done.states[result.issue.id], _NAME_CHARACTERS)
        return f"{told}; it is still {state}, so the next round goes on with it"
    return told


def _in_order(done: Round) -> Sequence[Waiting]:
    return [done.left[issue.id] for issue in in_dispatch_order(r.issue for r in done.left.values())]


def _name(identifier: str) -> str:
    return f"{one_line(identifier, _NAME_CHARACTERS):<12}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"

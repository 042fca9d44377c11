"""How scenarios tell from outside whether a run was taken for a success or for a failure.

Guarantees: the answer hangs on numbers and on the fixed 10 s of a failure, never on words in a log.
Must not: judge by itself; what does not hold is an `UnmetError` in the block of the caller.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from conformance.agents.session import AgentSession
from conformance.fakes.json_values import JsonValue, as_object, as_text
from conformance.lab.boards import Handle
from conformance.lab.judging import UnmetError
from conformance.lab.lab import Lab
from conformance.lab.logs import LogLine

ATTEMPT_PROMPT: Final = (
    "{% if attempt %}Attempt {{ attempt }}{% else %}A fresh start{% endif %} at {{ issue.title }}"
)
FAILURES_WAIT: Final[dict[str, JsonValue]] = {"max_retry_backoff_ms": 60_000}
"""`agent` settings under which the fixed 10 s part a failure from a success."""
LOGGED_WITHIN_S: Final = 5.0
"""A line may be printed somewhat after what it tells of."""
NO_FAILURE_S: Final = 9.0
"""A session that begins earlier than this after the last one is no retry of a failure."""


async def counts_as_success(lab: Lab, issue: Handle, what: str) -> None:
    """The opening turn of the issue's earliest session was a success: another turn follows, or a
    session that no failure explains. For `FAILURES_WAIT`; raises `UnmetError`."""
    await lab.until(
        lambda: len(lab.sessions(issue)[0].turns) > 1 or lab.sessions(issue)[1:],
        f"{what} is a success, and work goes on",
        seen=lambda: _state(lab.sessions(issue)[0]),
    )
    first, *later = lab.sessions(issue)
    ended_at = first.ended_at
    if len(first.turns) > 1 or ended_at is None:
        return
    waited = later[0].started_at - ended_at
    if waited > NO_FAILURE_S:
        raise UnmetError(
            f"{what} is a success, and work goes on",
            f"the session ended, and the next one began {waited:.1f} s later as a failure's does",
        )


async def counts_as_failure(lab: Lab, issue: Handle, what: str, *, within: float = 20.0) -> None:
    """The two earliest sessions of the issue, which ended alike, were failures: the third is
    attempt 2. For `ATTEMPT_PROMPT` and a script whose third session stands at its gate."""
    third = await lab.at_gate(issue, 3, within=within)
    prompt = third.prompts()[0]
    if not prompt.startswith("Attempt 2 "):
        raise UnmetError(f"{what} is a failure, twice in a row, and attempt 2 follows", prompt)


def turn_ids(session: AgentSession) -> Sequence[str]:
    """The ids of the turns that the agent began, in order."""
    begun = [as_object(each.get("turn")) for each in session.sent("turn/started")]
    return [as_text(each.get("id")) or "" for each in begun]


def thread_id(session: AgentSession) -> str:
    """The id that the agent gave to its thread."""
    threads = [as_object(each.get("thread")) for each in session.sent("thread/started")]
    return as_text(threads[0].get("id")) or "" if threads else ""


def lines_with(lab: Lab, *words: str) -> Sequence[LogLine]:
    """The log lines that have each of the words, in any case."""
    return [each for each in lab.log() if each.has(*words)]


def lines_matching(lab: Lab, pattern: str) -> Sequence[LogLine]:
    """The log lines in which the regular expression is found, in any case."""
    return [each for each in lab.log() if re.search(pattern, each.text, re.IGNORECASE)]


async def until_logged(lab: Lab, pattern: str, *words: str) -> None:
    """There is a log line, or comes to be, in which the expression is found beside the words."""
    await lab.until(
        lambda: [each for each in lines_matching(lab, pattern) if each.has(*words)],
        f"the output has a line with {pattern} " + " ".join(words),
        within=LOGGED_WITHIN_S,
        seen=lambda: [each.text[:300] for each in lines_with(lab, *words)][-3:],
    )


def _state(session: AgentSession) -> str:
    if session.alive:
        return f"the session lives, at turn {len(session.turns)}"
    return f"the session is over after {len(session.turns)} turns"

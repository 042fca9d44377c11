"""What an operator asks of the daemon: to answer a blocked issue, to stop one (`operator.*`).

The scheduler decides. What is checked here is what the operator can be told at once: whether there
is such an issue, and whether it still asks what the operator saw.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from symphony.domain.json import JsonObject, as_text, as_whole_number
from symphony.http.answers import ApiError
from symphony.http.bodies import bad_body
from symphony.http.issue import KnownIssue, find_issue
from symphony.http.rendering import take_snapshot
from symphony.http.rows import issue_members, timestamp
from symphony.http.view import DaemonView
from symphony.scheduler.snapshot import Snapshot

MAX_ANSWER_CHARACTERS: Final = 10_000
"""Whoever has more to say writes it into the issue or into a file that the agent can read."""


class Operator:
    """Passes on what an operator wants."""

    def __init__(self, view: DaemonView) -> None:
        self._view = view

    async def answer(self, known: KnownIssue, text: str, question: int | None) -> JsonObject:
        """Answer what the agent of this issue asked. `question` is the number that the operator
        saw; None takes whatever is asked now. Raises `ApiError`."""
        words = _checked(text)
        self._check_wishes()
        if known.blocked is None:
            message = f"It is not blocked: {_status(known)}. Nobody waits for an answer."
            raise ApiError(status=409, code="not_blocked", message=message)
        if question is not None and question != known.blocked.number:
            message = "Its agent has asked something else since. Look at the question again."
            raise ApiError(status=409, code="question_changed", message=message)
        await self._view.answer(known.issue.id, known.blocked.number, words)
        return self._accepted(known)

    async def stop(self, known: KnownIssue) -> JsonObject:
        """End the run of this issue, and hold it until it changes. Raises `ApiError`."""
        self._check_wishes()
        if known.blocked is not None or known.status == "cleaning":
            message = f"There is nothing to stop: {_status(known)}."
            raise ApiError(status=409, code="nothing_to_stop", message=message)
        await self._view.stop(known.issue.id)
        return self._accepted(known)

    def _check_wishes(self) -> None:
        if take_snapshot(self._view).draining:
            message = "The daemon stops: it takes no more wishes."
            raise ApiError(status=503, code="draining", message=message)

    def _accepted(self, known: KnownIssue) -> JsonObject:
        return {
            "accepted": True,
            "was": known.status,
            "requested_at": timestamp(datetime.now(UTC)),
            **issue_members(known.issue, self._view.redact),
        }


def known_issue(snapshot: Snapshot, identifier: str) -> KnownIssue:
    """What the snapshot has of the issue that is called so. Raises `ApiError`."""
    known = find_issue(snapshot, identifier)
    if known is None:
        raise ApiError(
            status=404,
            code="issue_not_found",
            message=f"No issue {identifier[:200]!r} runs, waits, is blocked, or was found by the "
            "last poll.",
        )
    return known


def issue_in(members: JsonObject) -> str:
    """The identifier that a body names. Raises `ApiError`."""
    identifier = as_text(members.get("issue_identifier"))
    if not identifier:
        raise bad_body("The body needs `issue_identifier`, a text.")
    return identifier


def answer_in(members: JsonObject) -> tuple[str, int | None]:
    """The answer that a body gives, and the number of the question. Raises `ApiError`."""
    text, number = as_text(members.get("answer")), members.get("question_number")
    if text is None:
        raise bad_body("The body needs `answer`, a text.")
    question = as_whole_number(number)
    if number is not None and question is None:
        raise bad_body("`question_number` has to be a whole number.")
    return text, question


def _checked(text: str) -> str:
    if not text.strip():
        raise bad_body("The answer is empty.")
    if len(text) > MAX_ANSWER_CHARACTERS:
        raise bad_body(f"An answer has at most {MAX_ANSWER_CHARACTERS} characters.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise bad_body("The answer is no valid Unicode.") from None
    return text


_STATUSES: Final = {
    "running": "its agent is at work",
    "retrying": "it will run again",
    "blocked": "it waits for a person already",
    "cleaning": "its workspace is being removed",
    "waiting": "it was not started",
}


def _status(known: KnownIssue) -> str:
    return _STATUSES[known.status]

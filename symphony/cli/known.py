"""What a running daemon knows of one issue: its own words, and how old they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from symphony.agents.text import one_line
from symphony.cli.asking import NoDaemonError, Place, ask, place_of_daemon
from symphony.cli.board import QuestionError
from symphony.cli.status import age_of_poll, retrying_text, running_text
from symphony.domain.json import JsonObject, as_array, as_object, as_text
from symphony.domain.settings import Settings

PATIENCE_S: Final = 3.0
"""Shorter than for a question to the daemon alone: the tracker is asked as well."""
_TEXT_CHARACTERS: Final = 300

_STATUS: Final = {
    "running": "running",
    "retrying": "retrying",
    "blocked": "blocked",
    "cleaning": "cleaning",
    "skipped": "waiting",
}
"""The lists of the state, and what it means to be in one. An issue that holds a claim is in the
first that names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """`status`: running, retrying, blocked, cleaning, waiting or unknown. `code` is why a waiting
    issue was not started. `polled_at` is when the daemon last read the tracker, None before."""

    url: str
    status: str
    sentence: str
    code: str | None
    polled_at: str | None
    remark: str

    @property
    def runs(self) -> bool:
        return self.status == "running"

    @property
    def is_known(self) -> bool:
        return self.status != "unknown"

    def told(self) -> str:
        """For people."""
        return f"The daemon at {self.url} {self.remark}:\n  {self.sentence}"

    def as_json(self) -> JsonObject:
        """For programs."""
        return {
            "url": self.url,
            "status": self.status,
            "code": self.code,
            "reason": self.sentence,
            "polled_at": self.polled_at,
        }


def ask_if_there(
    settings: Settings, url: str | None, identifier: str
) -> tuple[Knowledge | None, str | None]:
    """What the daemon knows, or why it was not told; neither where no daemon runs."""
    try:
        return ask_about(settings, url, identifier), None
    except NoDaemonError:
        return None, None
    except QuestionError as error:
        return None, str(error).removeprefix("error: ")


def ask_about(settings: Settings, url: str | None, identifier: str) -> Knowledge:
    """What the daemon knows of this issue. Raises `QuestionError`."""
    place = place_of_daemon(settings, url)
    return _knowledge(place, ask(place, "api/v1/state", timeout_s=PATIENCE_S), identifier)


def _knowledge(place: Place, state: JsonObject, identifier: str) -> Knowledge:
    status, row = _find(state, identifier)
    poll = as_object(state.get("last_poll")) or {}
    return Knowledge(
        url=place.url,
        status=status,
        sentence=_sentence(status, row, identifier),
        code=as_text(row.get("code")),
        polled_at=as_text(poll.get("at")),
        remark=_remark(state, poll),
    )


def _find(state: JsonObject, identifier: str) -> tuple[str, JsonObject]:
    for name, status in _STATUS.items():
        for each in as_array(state.get(name)) or ():
            row = as_object(each) or {}
            if row.get("issue_identifier") == identifier:
                return status, row
    return "unknown", {}


def _sentence(status: str, row: JsonObject, identifier: str) -> str:
    match status:
        case "running":
            return f"{identifier} runs: {running_text(row)}"
        case "retrying":
            return f"{identifier} {retrying_text(row)}"
        case "blocked":
            return f"{identifier} waits for a person: {_text(row, 'question')}"
        case "cleaning":
            return f"{identifier} is finished, its workspace is being removed"
        case "waiting":
            return f"{identifier} was not started ({_text(row, 'code')}): {_text(row, 'reason')}"
        case _:
            return f"{identifier} is not among the issues that it found, nor does it run"


def _remark(state: JsonObject, poll: JsonObject) -> str:
    """How far its word can be taken."""
    if not poll:
        return "has not polled yet"
    at = (as_text(poll.get("at")) or "")[11:19]
    remark = f"polled at {at} UTC, {age_of_poll(state)} ago"
    if problem := _text(poll, "problem"):
        remark += f", in vain ({problem})"
    if problem := _text(as_object(state.get("workflow")) or {}, "problem"):
        remark += f", cannot use WORKFLOW.md as it is ({problem})"
    return remark + (", and is stopping" if state.get("draining") is True else "")


def _text(members: JsonObject, name: str) -> str:
    return one_line(as_text(members.get(name)) or "", _TEXT_CHARACTERS)

"""The tool `issue_update`: what the agent may ask for, and in which words it is answered.

Only the form lives here; the trackers that offer the tool carry it out. It changes the issue of the
session that calls it and no other one, so that no argument has to be trusted for its scope.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from symphony.domain.issue import state_key
from symphony.domain.json import JsonObject, JsonValue, as_object
from symphony.domain.tools import ToolResult, ToolSpec

TOOL_NAME = "issue_update"

MAXIMUM_COMMENT_CHARACTERS = 20_000
"""Room for a thorough report; a transcript belongs into a file of the workspace."""

MAXIMUM_LABELS = 50
MAXIMUM_NAME_CHARACTERS = 100
"""For a state or one label. Both end up in tables and log lines."""

MAXIMUM_STATES_TOLD = 30
"""How many known states an answer lists. No board has so many that differ."""


class RefusedError(Exception):
    """The call cannot be carried out as it is. `code` is stable, the text tells the agent what to
    do, `details` goes into the answer beside them."""

    def __init__(self, code: str, message: str, details: JsonObject | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.details: JsonObject = details or {}

    def result(self) -> ToolResult:
        """The refusal as the answer of the tool."""
        error: JsonObject = {"code": self.code, "message": str(self), **self.details}
        return ToolResult(success=False, content={"error": error})


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueUpdate:
    """A call that is well-formed. None: leave as it is. `labels` is the new full set, as written;
    `comment` has no control characters but line feeds and tabs."""

    state: str | None
    labels: tuple[str, ...] | None
    comment: str | None


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    state: str | None = None
    labels: list[str] | None = None
    comment: str | None = None


def tool_spec(states: Iterable[str]) -> ToolSpec:
    """The tool as it is advertised. `states` are those that the settings name."""
    named = ", ".join(f"`{state}`" for state in distinct_states(states))
    return ToolSpec(
        name=TOOL_NAME,
        description=(
            "Change the issue you are working on: its state, its labels, or add a comment. "
            "Give at least one of the three; what you leave out stays as it is."
        ),
        input_schema={
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "state": {
                    "type": "string",
                    "description": f"The new state. Known are {named}, and every state that "
                    "another issue of this board has.",
                },
                "labels": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "The new full set of labels; an empty list removes all.",
                },
                "comment": {
                    "type": "string",
                    "description": "Text that is added to the issue with the time, in Markdown.",
                },
            },
        },
        changes_tracker=True,
    )


def read_arguments(name: str, arguments: JsonValue) -> IssueUpdate:
    """The call, judged as far as that is possible without the board. Raises `RefusedError`."""
    if name != TOOL_NAME:
        raise RefusedError(
            "unknown_tool", f"there is no tool `{name}` here", {"tools": [TOOL_NAME]}
        )
    if as_object(arguments) is None:
        raise RefusedError("invalid_arguments", "the arguments must be a JSON object")
    try:
        given = _Arguments.model_validate(arguments)
    except ValidationError as error:
        raise RefusedError("invalid_arguments", _sentence(error)) from None
    update = IssueUpdate(
        state=None if given.state is None else _name(given.state, "state"),
        labels=None if given.labels is None else _labels(given.labels),
        comment=None if given.comment is None else _comment(given.comment),
    )
    if update == IssueUpdate(state=None, labels=None, comment=None):
        raise RefusedError(
            "invalid_arguments", "nothing to change: give `state`, `labels` or `comment`"
        )
    return update


def known_state(wanted: str, known: Iterable[str]) -> str:
    """The board's own spelling of a state. Raises `RefusedError` for one that nobody knows: an
    issue in a mistyped state would be out of every list (`Doen`)."""
    states = distinct_states(known)
    for state in states:
        if state_key(state) == state_key(wanted):
            return state
    told = states[:MAXIMUM_STATES_TOLD]
    raise RefusedError(
        "unknown_state",
        f"`{wanted}` is not a state of this board; use one of: {', '.join(told)}",
        {"known_states": told},
    )


def distinct_states(states: Iterable[str]) -> list[str]:
    """The states in their order, each once however it is spelled; the first spelling wins."""
    spellings: dict[str, str] = {}
    for state in states:
        spellings.setdefault(state_key(state), state)
    return list(spellings.values())


def succeeded(identifier: str, changed: Mapping[str, JsonValue]) -> ToolResult:
    """The answer to a call that was carried out; `changed` is empty where all was so already."""
    return ToolResult(success=True, content={"issue": identifier, "changed": dict(changed)})


def _sentence(error: ValidationError) -> str:
    parts: list[str] = []
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in each["loc"])
        what = "there is no such argument" if each["type"] == "extra_forbidden" else each["msg"]
        parts.append(f"`{place}`: {what}")
    return "; ".join(parts)


def _name(text: str, field: str) -> str:
    name = text.strip()
    if not name or not name.isprintable():
        raise RefusedError("invalid_arguments", f"`{field}` must be one line of text, not blank")
    if len(name) > MAXIMUM_NAME_CHARACTERS:
        raise RefusedError(
            "invalid_arguments",
            f"`{field}` has {len(name)} characters; at most {MAXIMUM_NAME_CHARACTERS} are taken",
        )
    return name


def _labels(labels: Sequence[str]) -> tuple[str, ...]:
    if len(labels) > MAXIMUM_LABELS:
        raise RefusedError(
            "invalid_arguments", f"{len(labels)} labels; at most {MAXIMUM_LABELS} are taken"
        )
    spellings: dict[str, str] = {}
    for label in labels:
        name = _name(label, "labels")
        spellings.setdefault(name.lower(), name)
    return tuple(spellings.values())


def _comment(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    comment = "".join(filter(_may_stand_in_a_comment, lines)).strip()
    if not comment:
        raise RefusedError("invalid_arguments", "`comment` is blank")
    if len(comment) > MAXIMUM_COMMENT_CHARACTERS:
        raise RefusedError(
            "invalid_arguments",
            f"`comment` has {len(comment)} characters; at most {MAXIMUM_COMMENT_CHARACTERS} are "
            "taken. Write the rest to a file in the workspace and name it here",
        )
    return comment


def _may_stand_in_a_comment(character: str) -> bool:
    # Control characters could steer a terminal; half a surrogate pair cannot be written as UTF-8.
    return character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs")

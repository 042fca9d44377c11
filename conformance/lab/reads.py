"""What a request to the tracker is for, told from what it asks for, never from how it is written.

Guarantees: a read by ids is one, whether the ids are arguments, a filter or aliases; reads by
states are told apart by the states that they name, among those that the workflow file configured at
any time. Must not: look at answers.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from conformance.fakes.json_values import JsonValue, as_array, as_object, as_text
from conformance.fakes.recording import Asked, Request

ReadKind: TypeAlias = Literal["candidates", "by_id", "terminal", "mutation", "other"]
"""candidates: issues in active states. by_id: current records of known issues. terminal: what the
cleanup at start asks, issues in terminal states or those that have a workspace. other: all else,
refused requests too."""

STATE_LABEL = "status:"
"""How a label of the GitHub dialect begins that names a state."""

_ENDED_TYPES = ("completed", "canceled")
"""Types of states by which one may ask instead of naming states."""
_CURSORS = ("after", "before", "page")
_CONNECTIVES = ("and", "or")
"""What leads on in a filter; the ids of a project or a team are no ids of issues."""
_EXCLUDING = ("neq", "nin", "neqIgnoreCase")
_RECORD_FIELDS = frozenset({"state", "closed", "labels", "projectItems"})
"""A read of a single issue that has none of these cannot tell whether work goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """`states` as they were named, in lower case; empty where the read names none. `ids` likewise.
    `is_opening` holds for what is no further page of an earlier request."""

    kind: ReadKind
    states: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    is_opening: bool = True


OTHER = Read(kind="other")


class Reader:
    """Remembers which states were ever configured; a request may still name the ones of before."""

    def __init__(self, state_name: Callable[[str], str]) -> None:
        """`state_name` gives the name of the state that has this id, and other texts unchanged."""
        self._state_name = state_name
        self._lock = threading.Lock()
        self._active: set[str] = set()
        self._terminal: set[str] = set(_ENDED_TYPES)

    def configure(self, active: Collection[str], terminal: Collection[str]) -> None:
        """These states stand in the workflow file from now on."""
        with self._lock:
            self._active |= {_plain(each) for each in active}
            self._terminal |= {_plain(each) for each in terminal}

    def read(self, request: Request) -> Read:
        """What the request is for."""
        if request.is_mutation:
            return Read(kind="mutation")
        if request.refusal:
            return OTHER
        found = [read for asked in request.asked if (read := self._of(asked)) is not None]
        for kind in ("candidates", "terminal", "by_id"):
            same = [read for read in found if read.kind == kind]
            if same:
                return _joined(same)
        return OTHER

    def _of(self, asked: Asked) -> Read | None:
        arguments = asked.arguments
        match asked.field:
            case "issues" | "items":
                return self._of_list(asked)
            case "issue" | "issueOrPullRequest" | "node" | "nodes":
                if asked.selected and not asked.selected & _RECORD_FIELDS:
                    return None
                named = [arguments.get(name) for name in ("id", "ids", "number")]
                ids = {*_texts(named), *re.findall(r"/issues/(\d+)$", str(arguments.get("path")))}
                return Read(kind="by_id", ids=frozenset(ids))
            case _:
                return None

    def _of_list(self, asked: Asked) -> Read:
        wanted = as_object(asked.arguments.get("filter"))
        is_opening = not any(asked.arguments.get(name) not in (None, "1") for name in _CURSORS)
        ids = frozenset(_below("id", wanted))
        if ids:
            return Read(kind="by_id", ids=ids, is_opening=is_opening)
        if _names_numbers(wanted):
            return Read(kind="by_id", is_opening=is_opening)
        named = (*_below("state", wanted), *_labels(asked))
        states = frozenset(_plain(self._state_name(each)) for each in named)
        return Read(kind=self._kind(states), states=states, is_opening=is_opening)

    def _kind(self, states: frozenset[str]) -> ReadKind:
        with self._lock:
            active, terminal = frozenset(self._active), frozenset(self._terminal)
        if states & (active - terminal) or not states & terminal:
            return "candidates"
        return "candidates" if states <= active and not terminal <= states else "terminal"


def _joined(reads: list[Read]) -> Read:
    return Read(
        kind=reads[0].kind,
        states=frozenset(state for each in reads for state in each.states),
        ids=frozenset(id_ for each in reads for id_ in each.ids),
        is_opening=any(each.is_opening for each in reads),
    )


def _labels(asked: Asked) -> Iterator[str]:
    """States that a list of GitHub is restricted to: labels that name one, or open and closed."""
    named = as_text(asked.arguments.get("labels"))
    labels = named.split(",") if named is not None else _texts([asked.arguments.get("labels")])
    of_states = [each.strip() for each in labels if each.strip().lower().startswith(STATE_LABEL)]
    yield from (each[len(STATE_LABEL) :] for each in of_states)
    if not of_states:
        openness = {"OPEN": "open", "CLOSED": "closed"}
        yield from (openness.get(each, each) for each in _texts([asked.arguments.get("states")]))
        state = as_text(asked.arguments.get("state"))
        if state not in (None, "all"):
            yield state


def _below(name: str, value: JsonValue) -> Iterator[str]:
    """The texts in every member of this name, wherever it stands in a filter."""
    for key, each in as_object(value).items():
        if key == name:
            yield from _texts(each)
        elif key in _CONNECTIVES:
            yield from _below(name, each)
    for each in as_array(value):
        yield from _below(name, each)


def _names_numbers(value: JsonValue) -> bool:
    members = as_object(value)
    inner = [each for key in _CONNECTIVES for each in as_array(members.get(key))]
    return "number" in members or any(_names_numbers(each) for each in inner)


def _texts(value: JsonValue) -> Iterator[str]:
    """Every text and number in a value of whatever depth, but what is excluded."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)
    wanted = [each for key, each in as_object(value).items() if key not in _EXCLUDING]
    for each in (*wanted, *as_array(value)):
        yield from _texts(each)


def _plain(name: str) -> str:
    return name.strip().lower()

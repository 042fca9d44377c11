"""What the values of settings may be, each rule with the words that describe it.

The same words stand in the settings reference and in every message about a wrong value, so that
neither can drift from the other. Types are strict: a boolean is no integer and a number is no text.
One coercion is made, because files written for other implementations rely on it: an integer may be
written as a string of digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    StrictBool,
    StrictInt,
    WithJsonSchema,
)
from pydantic import StrictStr as Text
from pydantic_core import PydanticCustomError

MAXIMUM_DURATION_MS: Final = 31_536_000_000
"""One year: longer is a slip of the keyboard, and far from what clocks and dates can hold."""

MAXIMUM_PORT: Final = 65_535

OWN_WORDS: Final = "own_words"
"""The type of a validation error whose own message is shown as it is."""

Applies: TypeAlias = Literal["live", "restart"]
"""When a change of a key takes effect: for what starts after the edit, or at the next start."""

_DIGITS: Final = re.compile(r"[-+]?[0-9]{1,18}")
_ENVIRONMENT_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Words:
    """`rule` completes "must be ..."; `item` does so for one item of a list or map."""

    rule: str
    item: str = ""


def _integer(*, minimum: int | None = None, maximum: int | None = None) -> WithJsonSchema:
    """How an editor sees an integer that may be written as digits; digits have no bounds there
    beyond that a lower one excludes what is negative or nothing."""
    bounds = {"minimum": minimum, "maximum": maximum}
    number: dict[str, JsonValue] = {"type": "integer"}
    number |= {name: value for name, value in bounds.items() if value is not None}
    digits = {None: "[-+]?[0-9]{1,18}", 0: r"\+?[0-9]{1,18}", 1: r"\+?0*[1-9][0-9]{0,17}"}[minimum]
    text: dict[str, JsonValue] = {"type": "string", "pattern": rf"^\s*{digits}\s*$"}
    return WithJsonSchema({"anyOf": [number, text]})


def _text(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern})


_SOME_TEXT: Final = r"\S"
_NO_NULL: Final = r"^[^\u0000]*$"


def _from_digits(value: object) -> object:
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        return int(value)
    return value


def _with_content(value: str) -> str:
    if not value.strip():
        raise PydanticCustomError(OWN_WORDS, "must not be empty")
    return value


def _for_a_shell(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError(OWN_WORDS, "must not contain the character U+0000")
    return value


def _environment_name(value: str) -> str:
    if not _ENVIRONMENT_NAME.fullmatch(value):
        raise PydanticCustomError(
            OWN_WORDS, "must be the name of an environment variable, without `$`"
        )
    return value


Milliseconds = Annotated[
    StrictInt,
    Field(ge=1, le=MAXIMUM_DURATION_MS),
    BeforeValidator(_from_digits),
    _integer(minimum=1, maximum=MAXIMUM_DURATION_MS),
    Words("an integer of at least 1 (milliseconds)"),
]
"""A duration; the upper bound is in the message only where it is what was broken."""

MillisecondsOrOff = Annotated[
    StrictInt,
    Field(le=MAXIMUM_DURATION_MS),
    BeforeValidator(_from_digits),
    _integer(maximum=MAXIMUM_DURATION_MS),
    Words("an integer (milliseconds; 0 or less switches it off)"),
]
Count = Annotated[
    StrictInt,
    Field(ge=1),
    BeforeValidator(_from_digits),
    _integer(minimum=1),
    Words("an integer of at least 1"),
]
CountOrNone = Annotated[
    StrictInt,
    Field(ge=0),
    BeforeValidator(_from_digits),
    _integer(minimum=0),
    Words("an integer of at least 0"),
]
Port = Annotated[
    StrictInt | None,
    Field(ge=0, le=MAXIMUM_PORT),
    BeforeValidator(_from_digits),
    _integer(minimum=0, maximum=MAXIMUM_PORT),
    Words(f"an integer from 0 to {MAXIMUM_PORT}"),
]
Switch = Annotated[StrictBool, Words("`true` or `false`")]
Kind = Annotated[Text | None, Words("text, the name of a tracker adapter")]
PathText = Annotated[Text | None, _text(r"^(?!~[^/])"), Words("text, a path or `$NAME`")]
Command = Annotated[
    Text,
    AfterValidator(_with_content),
    AfterValidator(_for_a_shell),
    _text(r"^(?=.*\S)[^\u0000]*$"),
    Words("text, a shell command"),
]
Script = Annotated[
    Annotated[Text, AfterValidator(_for_a_shell)] | None,
    _text(_NO_NULL),
    Words("text, a shell script"),
]
Name = Annotated[Text, AfterValidator(_with_content), _text(_SOME_TEXT), Words("text")]
OptionalName = Annotated[
    Annotated[Text, AfterValidator(_with_content)] | None, _text(_SOME_TEXT), Words("text")
]
Labels = Annotated[list[Text], Words("a list of text", item="text")]
States = Annotated[
    list[Annotated[Text, AfterValidator(_with_content), _text(_SOME_TEXT)]] | None,
    Words("a list of text, the names of states", item="text"),
]
EnvironmentNames = Annotated[
    list[
        Annotated[Text, AfterValidator(_environment_name), _text(f"^{_ENVIRONMENT_NAME.pattern}$")]
    ],
    Words("a list of text, names of environment variables", item="text"),
]
Map = Annotated[dict[str, JsonValue], Words("a map")]
OptionalMap = Annotated[dict[str, JsonValue] | None, Words("a map")]
StateLimits = Annotated[
    dict[str, JsonValue],
    Words("a map of state names to integers of at least 1"),
]
AgentPolicy = Annotated[Text | dict[str, JsonValue], Words("text or a map")]
Anything = Annotated[JsonValue, Words("text")]


def positive_limit(value: JsonValue) -> int | None:
    """The value as a limit of at least 1, or None where it is none."""
    number = _from_digits(value)
    if isinstance(number, int) and not isinstance(number, bool) and number >= 1:
        return number
    return None

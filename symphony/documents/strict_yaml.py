"""YAML as a settings file should mean it: the core schema of YAML 1.2, and nothing clever.

`no`, `on` and `2026-01-01` are text, `12:30:45` is no number, a key is given once, and every key
and list item knows the line it stands on. What could surprise or exhaust the reader is refused with
its line: anchors and aliases, tags, merge keys, keys that are not text, numbers that JSON cannot
carry, deep nesting. Parsing is PyYAML's; what its events mean is decided here.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

from symphony.documents.yaml_scalars import ScalarError, plain_value, quoted_text
from symphony.domain.json import JsonValue

MAXIMUM_DEPTH = 32
"""How deep maps and lists may nest. No setting needs five; recursion must stay far from its end."""

MAXIMUM_FAULTS = 20
"""After how many faults reading ends: a longer list helps nobody, and floods a log."""

KeyPath: TypeAlias = tuple[str | int, ...]

_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlFault:
    """One thing that is wrong. `line` counts from 1 in the text; `key` is dotted."""

    line: int
    message: str
    remedy: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlResult:
    """`value` is to be used only where `faults` is empty. `lines` holds the line of every key and
    every list item, counted from 1 in the text."""

    value: JsonValue
    lines: Mapping[KeyPath, int]
    faults: tuple[YamlFault, ...]


class _StopReadingError(Exception):
    """A bound is passed; nothing behind it is read."""


def dotted(path: KeyPath) -> str:
    """`("a", 0, "b")` as `a[0].b`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def parse_yaml(text: str) -> YamlResult:
    """Read one YAML document. Never raises: every mistake is a fault with its line."""
    reader = _Reader(text)
    value: JsonValue = None
    try:
        value = reader.read()
    except _StopReadingError:
        pass
    except (YAMLError, RecursionError) as error:
        reader.faults.append(_syntax_fault(error, reader))
    faults = sorted(reader.faults, key=lambda fault: fault.line)
    return YamlResult(value=value, lines=reader.lines, faults=tuple(faults))


@dataclass(slots=True)
class _Reader:
    text: str
    lines: dict[KeyPath, int] = field(default_factory=dict[KeyPath, int])
    faults: list[YamlFault] = field(default_factory=list[YamlFault])
    _breaks: list[int] = field(init=False)
    _events: Iterator[Event] = field(init=False)

    def __post_init__(self) -> None:
        self._breaks = [match.start() for match in re.finditer("\n", self.text)]
        self._events = yaml.parse(self.text, Loader=yaml.SafeLoader)

    def line_at(self, index: int) -> int:
        """The line of a character. PyYAML also counts breaks that no editor shows as lines."""
        return bisect_right(self._breaks, index - 1) + 1

    def line_of_event(self, event: Event) -> int:
        return 1 if event.start_mark is None else self.line_at(event.start_mark.index)

    def fault(self, event: Event, message: str, remedy: str = "", path: KeyPath = ()) -> None:
        self.faults.append(
            YamlFault(
                line=self.line_of_event(event),
                message=message,
                remedy=remedy,
                key=dotted(path) or None,
            )
        )
        if len(self.faults) >= MAXIMUM_FAULTS:
            raise _StopReadingError

    def read(self) -> JsonValue:
        documents, value = 0, None
        for event in self._events:
            if isinstance(event, StreamEndEvent):
                break
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents == 2:
                    self.fault(
                        event,
                        "a second YAML document starts here",
                        "Remove the marker; a closing line is exactly `---`.",
                    )
                    break
            elif isinstance(event, NodeEvent):
                value = self._value(event, ())
        return value

    def _value(self, event: Event, path: KeyPath) -> JsonValue:
        if isinstance(event, NodeEvent):
            self._refuse_sharing(event, path)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            return self._collection(event, path)
        return None

    def _refuse_sharing(self, event: NodeEvent, path: KeyPath) -> None:
        if event.anchor is not None:
            sign = "*" if isinstance(event, AliasEvent) else "&"
            self.fault(
                event,
                f"anchors and aliases are not supported; found `{sign}{event.anchor}`",
                "Write the value out, or put quotes around it if it is text.",
                path,
            )

    def _collection(
        self, event: MappingStartEvent | SequenceStartEvent, path: KeyPath
    ) -> JsonValue:
        if len(path) >= MAXIMUM_DEPTH:
            self.fault(event, f"nested more than {MAXIMUM_DEPTH} levels deep")
            raise _StopReadingError
        if event.tag is not None:
            self._refuse_tag(event, event.tag, path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        return self._mapping(path)

    def _sequence(self, path: KeyPath) -> JsonValue:
        items: list[JsonValue] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            place = (*path, len(items))
            self.lines[place] = self.line_of_event(event)
            items.append(self._value(event, place))
        return items

    def _mapping(self, path: KeyPath) -> JsonValue:
        members: dict[str, JsonValue] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._key(event, path)
            place = (*path, key)
            if key in members:
                self.fault(
                    event,
                    f"the key `{key}` is given twice, first on line {self.lines[place]}",
                    "Keep one of the two.",
                    place,
                )
            else:
                self.lines[place] = self.line_of_event(event)
            members[key] = self._value(next(self._events), place)
        return members

    def _key(self, event: Event, path: KeyPath) -> str:
        """The text of a key. A key that is not text is a fault, and read on under its spelling."""
        known = len(self.faults)
        # A key that is itself a map or list counts as a level, or `? ? ?` would nest for ever.
        value = self._value(event, path if isinstance(event, ScalarEvent) else (*path, "?"))
        if isinstance(event, ScalarEvent):
            if isinstance(value, str) and event.style is not None:
                return value
            if event.value == "<<" and event.style is None:
                self.fault(event, "merge keys (`<<`) are not supported", "Write the keys out.")
            elif not isinstance(value, str) and len(self.faults) == known:
                named = f"`{event.value}`" if event.value else "this one"
                self.fault(
                    event,
                    f"a key must be text; {named} is {kind_of(value)}",
                    f'Put it in quotes: "{event.value}".' if event.value else "Give it a name.",
                    path,
                )
            return event.value
        if len(self.faults) == known:
            self.fault(event, f"a key must be text; this is {kind_of(value)}", path=path)
        return ""

    def _scalar(self, event: ScalarEvent, path: KeyPath) -> JsonValue:
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            self._refuse_tag(event, event.tag, path)
        if event.style is not None or event.tag is not None:
            return self._typed(quoted_text, event, path)
        return self._typed(plain_value, event, path)

    def _typed(
        self, read: Callable[[str], JsonValue], event: ScalarEvent, path: KeyPath
    ) -> JsonValue:
        try:
            return read(event.value)
        except ScalarError as error:
            self.fault(event, str(error), error.remedy, path)
            return None

    def _refuse_tag(self, event: NodeEvent, tag: str, path: KeyPath) -> None:
        self.fault(
            event,
            f"the tag `{tag}` is not supported",
            "Remove it, or put quotes around the value if it is text.",
            path,
        )


def kind_of(value: object) -> str:
    """What a value is, in the words a person who writes YAML would use."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a map" if isinstance(value, Mapping) else "a list"


def _syntax_fault(error: YAMLError | RecursionError, reader: _Reader) -> YamlFault:
    if isinstance(error, ReaderError):
        line = reader.line_at(int(error.position))
        code = ord(reader.text[int(error.position)])
        return YamlFault(line=line, message=f"the control character U+{code:04X} is not allowed")
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else reader.line_at(mark.index)
        parts = [part for part in (error.context, error.problem) if part]
        if error.context_mark is not None and len(parts) == 2:
            parts[0] = f"{parts[0]} on line {reader.line_at(error.context_mark.index)}"
        return YamlFault(line=line, message=f"this is not valid YAML: {', '.join(parts)}")
    return YamlFault(line=1, message="this is not valid YAML")

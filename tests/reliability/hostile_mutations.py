"""Lines of a real agent, made wrong in every way that somebody has thought of.

The corpus beside this module holds one line of each shape that real Codex sessions sent, with the
paths of another machine. A `Mutator` is a function of its generator: the same seed makes the same
lines again. What it makes is bytes as they would stand on the wire, line break included, and it
promises nothing about them.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final, TypeAlias

from symphony.domain.json import JsonValue, as_object

_CORPUS: Final = Path(__file__).with_name("hostile_corpus.jsonl")
CORPUS: Final[Sequence[bytes]] = tuple(_CORPUS.read_bytes().splitlines())

Place: TypeAlias = "tuple[dict[str, JsonValue] | list[JsonValue], str | int]"
"""A container and the key or index of one value in it."""

_DEEP: Final = (3, 30, 900, 5_000, 100_000)
"""Levels: harmless, just within what a reader of JSON can take, and far beyond it."""
_LONG: Final = (100, 5_000, 200_000)
_NUMBERS: Final = (
    *("0", "-0", "-1", "1.0", "1e999", "-1e999", "1e-999", "2147483648", "9007199254740993"),
    *("18446744073709551616", "9" * 30, "9" * 400, "9" * 4_000, "9" * 4_300, "9" * 4_301, "NaN"),
    *("Infinity", "-Infinity", "0x10", "01", "1_000", "+1", "1.", ".5", "1e5"),
)
_TEXTS: Final = (
    *("", " ", "\\ud800", "\\udfff\\ud800", "\\u0000", "\\u001b[31m", "\\u202e", "\\r\\n", "\\\\"),
    *("\\u2028", "</script>", "{{ issue.title }}", "../../etc/passwd", "null", "é" * 50),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30", "-1", "x" * 3_000),
)
_METHODS: Final = (
    *("turn/completed", "turn/failed", "turn/cancelled", "turn/started", "thread/started"),
    *("error", "configWarning", "warning", "thread/tokenUsage/updated", "item/tool/call"),
    *("account/rateLimits/updated", "item/tool/requestUserInput", "mcpServer/elicitation/request"),
    *("item/permissions/requestApproval", "execCommandApproval", "applyPatchApproval"),
    *("initialize", "no/such/method", "", "item/agentMessage/delta"),
)
_NAMES: Final = ("id", "method", "params", "result", "error", "threadId", "turn", "turnId", "item")
_ENDING: Final = (b'"turn/completed"', b'"mcpServer/elicitation/request"')
_PLACEHOLDER: Final = "@wrong@"


class Mutator:
    """Wrong lines, one after the other, all drawn from one generator."""

    def __init__(self, random: Random, corpus: Sequence[bytes] = CORPUS) -> None:
        self._random = random
        self._corpus = corpus
        self._weights = tuple(itertools.accumulate(map(_weight, corpus)))
        self._of_bytes: Sequence[Callable[[bytes], bytes]] = (
            self._flip,
            self._cut,
            self._double,
            self._insert,
            self._interleave,
            self._pad,
            self._repeat_member,
        )
        self._of_values: Sequence[Callable[[JsonValue], bytes]] = (
            self._change_type,
            self._leave_out,
            self._add,
            self._nest,
            self._number,
            self._number,
            self._text,
            self._lengthen,
            self._rename,
            self._collide,
            self._cross,
        )

    def line(self) -> bytes:
        """Some line of the corpus, mostly wrong, with the break that ends it."""
        (raw,) = self._random.choices(self._corpus, cum_weights=self._weights)
        return self.mutate(raw) if self._random.random() < 0.9 else raw + b"\n"

    def mutate(self, raw: bytes) -> bytes:
        """This line, made wrong in one way or in several."""
        if self._random.random() < 0.7:
            value: JsonValue = json.loads(raw)
            raw = self._random.choice(self._of_values)(value)
        while self._random.random() < 0.35:
            raw = self._random.choice(self._of_bytes)(raw)
        return raw + self._random.choice((b"\n", b"\n", b"\n", b"\n", b"\r\n", b"\n\n", b" \n"))

    # Of the bytes.

    def _at(self, raw: bytes) -> int:
        return self._random.randrange(len(raw) + 1)

    def _flip(self, raw: bytes) -> bytes:
        wrong = bytearray(raw)
        for _ in range(self._random.choice((1, 1, 2, 10))):
            if wrong:
                wrong[self._random.randrange(len(wrong))] ^= 1 << self._random.randrange(8)
        return bytes(wrong)

    def _cut(self, raw: bytes) -> bytes:
        return raw[: self._at(raw)] if self._random.random() < 0.5 else raw[self._at(raw) :]

    def _double(self, raw: bytes) -> bytes:
        return self._random.choice((raw + raw, raw + b"\n" + raw, raw + b"\r" + raw))

    def _insert(self, raw: bytes) -> bytes:
        noise = (
            b"\0",
            b"\r",
            b"\n",
            b"\xff\xfe",
            b"\xed\xa0\x80",
            b"\xef\xbb\xbf",
            b"\x1b[2J",
            b"\t",
        )
        at = self._at(raw)
        return raw[:at] + self._random.choice(noise) + raw[at:]

    def _interleave(self, raw: bytes) -> bytes:
        """Two writers without a lock."""
        at = self._at(raw)
        return raw[:at] + self._random.choice(self._corpus) + raw[at:]

    def _pad(self, raw: bytes) -> bytes:
        return raw + b" " * self._size()

    def _repeat_member(self, raw: bytes) -> bytes:
        name = self._random.choice(_NAMES).encode()
        return raw[:-1] + b',"%s":%s}' % (name, self._random.choice((b"null", b"{}", b"[]", b"0")))

    # Of what they say.

    def _change_type(self, value: JsonValue) -> bytes:
        others: Sequence[JsonValue] = (None, True, 0, -1, 1.5, "text", [], {}, [{}], {"a": {}}, "0")
        return self._with(value, json.dumps(self._random.choice(others)))

    def _leave_out(self, value: JsonValue) -> bytes:
        container, key = self._place(value)
        if isinstance(container, dict):
            container.pop(str(key), None)
        else:
            del container[int(key)]
        return _encoded(value)

    def _add(self, value: JsonValue) -> bytes:
        container, _ = self._place(value)
        added: JsonValue = self._random.choice((None, {}, [], "more", 7, {"id": 0}))
        if isinstance(container, dict):
            container[self._random.choice(_NAMES)] = added
        else:
            container.append(added)
        return _encoded(value)

    def _nest(self, value: JsonValue) -> bytes:
        levels = self._random.choices(_DEEP, (30, 30, 30, 9, 1))[0]
        opening, closing = self._random.choice((("[", "]"), ('{"a":', "}")))
        return self._with(value, opening * levels + "1" + closing * levels)

    def _number(self, value: JsonValue) -> bytes:
        number = self._random.choice(_NUMBERS)
        places = [each for each in _places(value, 12) if _is_number(each)]
        if not places or self._random.random() < 0.3:
            return self._with(value, number)
        return _replaced(value, self._random.choice(places), number)

    def _text(self, value: JsonValue) -> bytes:
        return self._with(value, f'"{self._random.choice(_TEXTS)}"')

    def _lengthen(self, value: JsonValue) -> bytes:
        size = self._size()
        wide = f'"{"x" * size}"', f"[{'0,' * (size // 2)}0]"
        return self._with(value, self._random.choice(wide))

    def _size(self) -> int:
        return self._random.choices(_LONG, (70, 28, 2))[0]

    def _rename(self, value: JsonValue) -> bytes:
        message = dict(as_object(value) or {})
        message["method"] = self._random.choice(_METHODS)
        return _encoded(message)

    def _collide(self, value: JsonValue) -> bytes:
        """An id that is in use, was in use, or never will be."""
        message = dict(as_object(value) or {})
        message["id"] = self._random.choice((0, 1, 2, 3, 4, 5, "0", "1", -1, 10**30, True, 1.0))
        return _encoded(message)

    def _cross(self, value: JsonValue) -> bytes:
        """A part of one message in the place of a part of another."""
        other: JsonValue = json.loads(self._random.choice(self._corpus))
        return self._with(value, json.dumps(_value_at(self._place(other))))

    def _with(self, value: JsonValue, text: str) -> bytes:
        """The message with this text, which need not be JSON, in the place of one of its values."""
        return _replaced(value, self._place(value), text)

    def _place(self, value: JsonValue) -> Place:
        """Any value of the message; those near its top as often as all the others together."""
        places = list(_places(value, 2 if self._random.random() < 0.5 else 12))
        return self._random.choice(places)


def _weight(line: bytes) -> int:
    """What ends a session is rare, so that much comes before it."""
    return 1 if any(name in line for name in _ENDING) else 20


def _places(value: JsonValue, levels: int) -> Sequence[Place]:
    found: list[Place] = []
    if levels == 0:
        return found
    if isinstance(value, dict):
        for key, member in value.items():
            found += [(value, key), *_places(member, levels - 1)]
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += [(value, index), *_places(item, levels - 1)]
    return found


def _value_at(place: Place) -> JsonValue:
    container, key = place
    return container[str(key)] if isinstance(container, dict) else container[int(key)]


def _is_number(place: Place) -> bool:
    value = _value_at(place)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _replaced(value: JsonValue, place: Place, text: str) -> bytes:
    container, key = place
    if isinstance(container, dict):
        container[str(key)] = _PLACEHOLDER
    else:
        container[int(key)] = _PLACEHOLDER
    return _encoded(value).replace(b'"%s"' % _PLACEHOLDER.encode(), text.encode(), 1)


def _encoded(value: JsonValue) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()

"""Log lines of any implementation: `key=value` text, or JSON with the same keys.

Must not: know events or keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from conformance.fakes.json_values import JsonValue, as_object, read_json

_PAIR: Final = re.compile(r'([A-Za-z_][\w.]*)=("(?:[^"\\]|\\.)*"|\S*)')
_COLOR: Final = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """`values` are texts, nested members by dotted names; empty where the line has none."""

    text: str
    values: Mapping[str, str]

    def has(self, *words: str) -> bool:
        """Whether each word is somewhere in the line, in any case."""
        return all(word.lower() in self.text.lower() for word in words)


def log_lines(text: str) -> Sequence[LogLine]:
    """The lines that are not empty, without colours."""
    plain = _COLOR.sub("", text).splitlines()
    return [LogLine(text=each, values=_values(each)) for each in plain if each.strip()]


def _values(line: str) -> dict[str, str]:
    if line.lstrip().startswith("{"):
        try:
            return dict(_flat("", read_json(line)))
        except ValueError:
            return {}
    return {name: _unquoted(value) for name, value in _PAIR.findall(line)}


def _flat(prefix: str, value: JsonValue) -> Sequence[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, each in as_object(value).items():
        if isinstance(each, Mapping):
            found += _flat(f"{prefix}{name}.", each)
        else:
            found.append((f"{prefix}{name}", each if isinstance(each, str) else json.dumps(each)))
    return found


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value.strip('"')

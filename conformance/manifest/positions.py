"""Find the line of a key in TOML text, for messages.

The parser that comes with Python keeps no positions. This looks for headers and keys as people
write them; an unusual notation gives None, never a wrong line for a key that stands elsewhere.
Must not: be used to read values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_HEADER: Final = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY: Final = re.compile(r"\s*([\w\"'.*-]+)\s*=")


def line_of(text: str, key: Sequence[str]) -> int | None:
    """The line, from 1, of `key` or of the nearest table or key that holds it."""
    wanted = ".".join(key)
    best: tuple[int, int] | None = None
    for number, name in _names(text):
        fits = wanted == name or wanted.startswith(f"{name}.")
        if fits and (best is None or len(name) > best[0]):
            best = (len(name), number)
    return best[1] if best else None


def _names(text: str) -> Sequence[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _bare(header[1])
            found.append((number, table))
        elif key := _KEY.match(line):
            found.append((number, f"{table}.{_bare(key[1])}" if table else _bare(key[1])))
    return found


def _bare(name: str) -> str:
    return name.replace('"', "").replace("'", "").replace(" ", "")

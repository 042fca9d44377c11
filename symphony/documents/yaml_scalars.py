"""What a single YAML value means: the core schema of YAML 1.2, where JSON can carry it. Pure."""

from __future__ import annotations

import math
import re
from typing import Final

from symphony.domain.json import JsonValue

_SMALLEST_INTEGER: Final = -(2**63)
_LARGEST_INTEGER: Final = 2**63 - 1
"""What every reader of JSON can hold in a 64-bit integer."""

_LONGEST_INTEGER: Final = 24
"""Python refuses to convert thousands of digits, so the length is judged before the value."""

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGERS: Final = (
    (re.compile(r"[-+]?[0-9]+"), 10),
    (re.compile(r"0o[0-7]+"), 8),
    (re.compile(r"0x[0-9a-fA-F]+"), 16),
)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class ScalarError(ValueError):
    """The value cannot be carried; the text says why, `remedy` what to write instead."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def plain_value(text: str) -> JsonValue:
    """What an unquoted value means. Raises `ScalarError`."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _NOT_FINITE.fullmatch(text):
        raise ScalarError(f"`{text}` is not a finite number", f'As text, write "{text}".')
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(text):
            return _integer(text, base)
    return _float(text) if _FLOAT.fullmatch(text) else text


def quoted_text(text: str) -> str:
    """The text of a quoted value. Raises `ScalarError`.

    JSON writes some characters as a pair of escapes, which PyYAML leaves apart; half of such a pair
    is no character, and nothing could write it out again.
    """
    if not _SURROGATE.search(text):
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise ScalarError("an escape stands for half a character", "Write both halves.") from None


def _integer(text: str, base: int) -> int:
    number = int(text.replace("0o", "", 1), base) if len(text) <= _LONGEST_INTEGER else None
    if number is None or not _SMALLEST_INTEGER <= number <= _LARGEST_INTEGER:
        raise ScalarError(
            "the integer does not fit into 64 bits", "If it is text, put it in quotes."
        )
    return number


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ScalarError("the number is too large", "If it is text, put it in quotes.")
    return number

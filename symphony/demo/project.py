"""The project that the demo's issues are about: a module of two functions, its tests, its page.

Small enough to read in a minute, real enough to have bugs. The tests pass as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_MODULE = '''\
"""Durations as people write them: `1h30m` is 5400 seconds."""

import re

UNITS = {
    "h": 3600,
    "m": 60,
    "s": 1,
}


def parse(text):
    """The seconds in a text such as `1h30m`."""
    total = 0
    for number, unit in re.findall(r"(\\d+)([a-z])", text):
        total += int(number) * UNITS[unit]
    return total


def show(seconds):
    """The shortest text for so many seconds."""
    text = ""
    for unit, size in UNITS.items():
        count, seconds = divmod(seconds, size)
        if count:
            text += f"{count}{unit}"
    return text
'''

_TESTS = """\
import unittest

import durations


class Parse(unittest.TestCase):
    def test_adds_up_the_parts(self):
        self.assertEqual(durations.parse("1h30m"), 5400)


class Show(unittest.TestCase):
    def test_leaves_out_what_is_zero(self):
        self.assertEqual(durations.show(5400), "1h30m")


if __name__ == "__main__":
    unittest.main()
"""

_PAGE = """\
# durations

Durations as people write them. One module, no dependencies.

Run the tests with `python3 -m unittest`.
"""

FILES: Mapping[str, str] = MappingProxyType(
    {
        "durations.py": _MODULE,
        "test_durations.py": _TESTS,
        "README.md": _PAGE,
        ".gitignore": "__pycache__/\n",
    }
)
"""Path in the repository -> text."""

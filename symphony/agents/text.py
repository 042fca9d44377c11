"""Foreign text made fit for one line of a log or a terminal."""

from __future__ import annotations

import re
from typing import Final

_ESCAPE_SEQUENCES: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])"
)
"""Colours, cursor movements and window titles: CSI, OSC and two-character sequences."""
_CUT: Final = "…"


def one_line(text: str, max_characters: int) -> str:
    """The text without escape sequences and control characters, white space folded, cut short."""
    # Four times the goal is enough to fill it in all but absurd cases, and bounds the work.
    plain = text[: 4 * max_characters]
    if not plain.isprintable():
        plain = _ESCAPE_SEQUENCES.sub("", plain)
        plain = "".join(c if c.isprintable() else " " for c in plain)
    folded = " ".join(plain.split())
    if len(folded) > max_characters or len(text) > 4 * max_characters:
        return folded[: max_characters - 1].rstrip() + _CUT
    return folded

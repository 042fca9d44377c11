"""Whether there is a terminal that can be redrawn, and a person who wants that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TextIO

_DUMB: Final = frozenset({"", "dumb", "unknown"})


def can_show(environment: Mapping[str, str], *streams: TextIO | None) -> bool:
    """Both standard streams are terminals, and the environment asks for nothing plainer."""
    if environment.get("TERM", "") in _DUMB:
        return False
    if environment.get("NO_COLOR") or environment.get("CI"):
        return False
    return all(_is_terminal(stream) for stream in streams)


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # It is closed.
        return False

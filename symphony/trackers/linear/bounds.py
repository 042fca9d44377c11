"""The bounds of the talk with Linear, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Times in seconds. Tests pass smaller ones."""

    connect_seconds: float = 10.0
    """For a connection with its handshake; a host that is down takes all of it."""

    silence_seconds: float = 20.0
    """Between two pieces of an answer. Linear answers within a second or two."""

    request_seconds: float = 30.0
    """For one request as a whole, redirects included: an answer that drips is cut off too."""

    answer_bytes: int = 16 * 1024 * 1024
    """Of one answer, unpacked. A page of 200 issues with long descriptions has 4 to 8 MB."""

    redirects: int = 3
    """In a row. One is unusual."""

    connections: int = 8
    """Open at once. More reads and tools than that wait for each other."""

    idle_seconds: float = 60.0
    """For which a connection is kept: longer than the usual poll interval, so that a poll needs no
    new handshake."""

    pages: int = 400
    """Of one read: 20,000 issues, and more where further pages are larger than the first. More is
    not a board that anybody looks at."""

    nested_pages: int = 20
    """Of labels or relations of one issue: 1,000 of them."""


DEFAULT_BOUNDS = Bounds()

"""The mark by which a process tree is recognised as ours.

Every child carries `SYMPHONY_OWNER` in its environment and hands it down to whatever it starts, so
that a grandchild in a session of its own, whose parent is gone, still tells where it came from. A
daemon that runs inside another daemon's agent adds its mark behind the one it inherited: ending the
outer tree then ends the inner one as well. Marks are not secret and are no protection against a
child that hides on purpose (it may clear its environment). Standard library only.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

OWNER_VARIABLE: Final = "SYMPHONY_OWNER"
_BETWEEN_FIELDS: Final = ":"
_BETWEEN_MARKS: Final = ","
_FINGERPRINT_LENGTH: Final = 16
"""Hex digits, 64 bits: two roots on one machine never meet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerMark:
    """Who started a tree: `root` is the fingerprint of the workspace root, `daemon` the instance
    of the daemon, `run` names one tree within it. Whatever shares all three ends together."""

    root: str
    daemon: str
    run: str

    def render(self) -> str:
        """The mark as one word of the variable."""
        fields = (self.root, self.daemon, self.run)
        # A file name that is not text may be part of one (`IssueId` of an issue in a folder).
        return _BETWEEN_FIELDS.join(
            quote(field, safe="", errors="backslashreplace") for field in fields
        )


def parse_marks(value: str) -> tuple[OwnerMark, ...]:
    """All marks in the value of the variable, outermost first; what is no mark is left out."""
    marks = (_parse_mark(word) for word in value.split(_BETWEEN_MARKS))
    return tuple(mark for mark in marks if mark is not None)


def _parse_mark(word: str) -> OwnerMark | None:
    fields = word.split(_BETWEEN_FIELDS)
    if len(fields) != 3:
        return None
    root, daemon, run = (unquote(field) for field in fields)
    return OwnerMark(root=root, daemon=daemon, run=run)


def marked_value(inherited: str | None, owner: OwnerMark) -> str:
    """The value for a child of a process that has `inherited` in its own environment."""
    words = [] if inherited is None else [mark.render() for mark in parse_marks(inherited)]
    own = owner.render()
    return _BETWEEN_MARKS.join([*(word for word in words if word != own), own])


def innermost_mark(environment: Mapping[str, str]) -> OwnerMark | None:
    """The mark that names the tree which this environment is for."""
    marks = parse_marks(environment.get(OWNER_VARIABLE, ""))
    return marks[-1] if marks else None


def root_fingerprint(root: str) -> str:
    """A short name for a workspace root, the same for every path that leads to it."""
    real = os.path.realpath(root)
    return hashlib.sha256(os.fsencode(real)).hexdigest()[:_FINGERPRINT_LENGTH]


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonInstance:
    """One life of one daemon. The start time tells it from a later process with the same pid."""

    pid: int
    started_at_ticks: int
    nonce: str

    def render(self) -> str:
        """The form that `OwnerMark.daemon` carries."""
        return f"{self.pid}-{self.started_at_ticks}-{self.nonce}"


def parse_daemon(text: str) -> DaemonInstance | None:
    """The instance behind `OwnerMark.daemon`, or None where it was made in another way."""
    parts = text.split("-")
    if len(parts) != 3 or not (parts[0].isdecimal() and parts[1].isdecimal()):
        return None
    return DaemonInstance(pid=int(parts[0]), started_at_ticks=int(parts[1]), nonce=parts[2])


def new_daemon_nonce() -> str:
    """What makes two instances differ where neither pid nor start time does."""
    return secrets.token_hex(8)

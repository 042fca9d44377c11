"""The name of an issue's workspace directory.

A pure function of the identifier: the same in every run and on every machine. Requirements:
`workspace.key.*`, `workspace.contain.dots`. An identifier that somebody chose to look like the key
of another one is not told from it; identifiers come from the tracker, which does not do that.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, NewType

WorkspaceKey = NewType("WorkspaceKey", str)
"""A directory name: 1 to 255 of the characters `A-Z a-z 0-9 . _ -`, neither `.` nor `..`."""

LONGEST_KEY: Final = 255
"""What Linux and macOS file systems allow for one name, in bytes; all our characters take one."""
SUFFIX_LENGTH: Final = 20
"""Hex digits: 80 bits of the identifier's hash."""
LONGEST_READABLE_PART: Final = 100
"""How much of a changed identifier stands before the suffix: enough to recognise it, and short
enough to leave room for paths inside of the workspace."""
_SUFFIXED: Final = re.compile(rf".*-[0-9a-f]{{{SUFFIX_LENGTH}}}", re.DOTALL)
_NOT_ALLOWED: Final = re.compile(r"[^A-Za-z0-9._-]", re.ASCII)


def workspace_key(identifier: str) -> WorkspaceKey:
    """The key of any identifier, also of an empty one and of `.` and `..`."""
    sanitised = _NOT_ALLOWED.sub("_", identifier)
    unchanged = sanitised == identifier and identifier not in {"", ".", ".."}
    if unchanged and len(identifier) <= LONGEST_KEY:
        return WorkspaceKey(identifier)
    # `surrogatepass`: an identifier read from a file name may hold what is no valid text.
    digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()
    return WorkspaceKey(f"{sanitised[:LONGEST_READABLE_PART]}-{digest[:SUFFIX_LENGTH]}")


def identifier_of(key: str) -> str | None:
    """The identifier whose key this is, the inverse of `workspace_key`; None where the key ends as
    those of changed identifiers do, for these cannot be told from it."""
    return None if _SUFFIXED.fullmatch(key) else key

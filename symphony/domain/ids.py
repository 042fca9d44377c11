"""Identities. Each is opaque to the code that carries it (`issue.id.opaque`)."""

from __future__ import annotations

from typing import NewType

IssueId = NewType("IssueId", str)
"""The dispatch identity that an adapter chose; key of every map in the scheduler."""

IssueIdentifier = NewType("IssueIdentifier", str)
"""What a person calls the issue, such as `ABC-123`; names the workspace and log lines."""

RunId = NewType("RunId", int)
"""The epoch of one run: counts up within one daemon, never reused. Events that carry the id of a
run that is no longer current are dropped."""

ThreadId = NewType("ThreadId", str)
TurnId = NewType("TurnId", str)
SessionId = NewType("SessionId", str)
"""`<thread id>-<turn id>`."""


def session_id(thread: ThreadId, turn: TurnId) -> SessionId:
    """Compose the session id that logs and snapshots show (`session.identity.composed`)."""
    return SessionId(f"{thread}-{turn}")

"""One turn of ours among the turns that a connection tells about. Pure.

Sub-agents run on threads of their own, on the same connection, and their turns end there too. Only
the end that names our thread and our turn ends ours (`turn.outcome.foreign`). An end may arrive in
the same read as the answer that names the turn, and is remembered until then.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Final

from symphony.agents.errors import AgentError, Category
from symphony.agents.messages import TurnEnd
from symphony.domain.ids import ThreadId, TurnId

_EARLY_ENDS: Final = 16
"""Ends of our thread that arrive before the turn has a name: one, in any sane order of things."""


class TurnWatch:
    """Waits for the end of the turn that was asked for last."""

    def __init__(self, thread: ThreadId) -> None:
        self._thread = thread
        self._early: deque[TurnEnd] = deque(maxlen=_EARLY_ENDS)
        self.turn_id: TurnId | None = None
        self.end: TurnEnd | None = None

    def name(self, turn: TurnId) -> None:
        """The answer to `turn/start` named the turn."""
        self.turn_id = turn
        for end in self._early:
            self._match(end)

    def observe(self, end: TurnEnd) -> bool:
        """Whether our turn is over now."""
        if self.turn_id is None:
            self._early.append(end)
        else:
            self._match(end)
        return self.end is not None

    def _match(self, end: TurnEnd) -> None:
        known = _with_older_ids(end, self._thread, self.turn_id)
        if self.end is None and (known.thread_id, known.turn_id) == (self._thread, self.turn_id):
            self.end = end


def _with_older_ids(end: TurnEnd, thread: ThreadId, turn: TurnId | None) -> TurnEnd:
    """Older versions told failures without ids; they had no sub-agents to confuse them with."""
    if end.status not in {"failed", "interrupted"}:
        return end
    return replace(end, thread_id=end.thread_id or thread, turn_id=end.turn_id or turn)


def failure_of(end: TurnEnd) -> tuple[str, AgentError] | None:
    """The event name and the error of a turn that did not complete; None for one that did."""
    if end.status == "completed":
        return None
    reason = end.message or "the agent gave no reason"
    if end.status == "interrupted":
        text = f"the turn was interrupted: {reason}" if end.message else "the turn was interrupted"
        return "turn_cancelled", AgentError(Category.TURN_CANCELLED, text)
    if end.status == "failed":
        return "turn_failed", AgentError(Category.TURN_FAILED, f"the turn failed: {reason}")
    text = f"the turn ended with the status {end.status!r}, which means nothing to us: {reason}"
    return "turn_ended_with_error", AgentError(Category.TURN_FAILED, text)

"""When things happened to agents: what several scenarios ask of the timeline.

Guarantees: an end that was noticed late does not make an overlap. Must not: judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from conformance.agents.session import AgentSession
from conformance.lab.lab import Lab

NOTICED_LATE_S: Final = 0.25
"""How long after its death a process may still seem to live; times `scale`."""


def most_at_once(sessions: Sequence[AgentSession], *, scale: float = 1.0) -> int:
    """The largest number of these sessions whose processes lived at one moment."""
    slack = NOTICED_LATE_S * scale
    return max(
        (sum(_lived(each, one.started_at, slack) for each in sessions) for one in sessions),
        default=0,
    )


def last_sent_at(lab: Lab, session: AgentSession) -> float:
    """When the session wrote its last message: it is noted before the first byte goes out, so that
    nobody can know of it earlier. Where it wrote none, when it began."""
    sent = lab.timeline.events("agent", "sent", subject=session.name)
    own = [each.at for each in sent if each.data["number"] == session.number]
    return own[-1] if own else session.started_at


def _lived(session: AgentSession, moment: float, slack: float) -> bool:
    if session.started_at > moment:
        return False
    return session.ended_at is None or session.ended_at > moment + slack

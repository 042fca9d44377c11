"""Free slots: a global limit and a limit per state (`slots.*`).

A run holds its slot until its processes are gone, a run that is being stopped included. The state
of a run is the one that was last read for its issue.
"""

from __future__ import annotations

from collections import Counter

from symphony.domain.issue import state_key
from symphony.scheduler.state import SchedulerState


class Slots:
    """A view of the free slots that counts down as runs are started in one pass."""

    def __init__(self, state: SchedulerState) -> None:
        agent = state.settings.agent
        self._limits = agent.max_concurrent_agents_by_state
        self._free = max(agent.max_concurrent_agents - len(state.running), 0)
        self._used = Counter(state_key(entry.issue.state) for entry in state.running.values())

    @property
    def free(self) -> int:
        """Free slots of the global limit."""
        return self._free

    def state_is_full(self, state_name: str) -> bool:
        """Whether the limit of this state, if it has one, is reached."""
        key = state_key(state_name)
        limit = self._limits.get(key)
        return limit is not None and self._used[key] >= limit

    def available(self, state_name: str) -> bool:
        """Whether a run for an issue in this state may start now."""
        return self._free > 0 and not self.state_is_full(state_name)

    def take(self, state_name: str) -> None:
        """Count a run that is started now."""
        self._free -= 1
        self._used[state_key(state_name)] += 1

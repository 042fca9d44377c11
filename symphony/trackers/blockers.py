"""When an issue waits for another one: the rule that adapters with blockers share.

Pure functions. A blocker holds an issue back only before work on it has begun, as the first state
of the board says; an issue that is already in progress goes on (`issue.dispatchable.derived`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from symphony.domain.issue import BlockerRef, state_key

USUAL_UNSTARTED_STATES = frozenset({"todo", "to do", "open", "new", "backlog"})
"""Names that boards use for work that nobody has begun, as `state_key` writes them."""


def unstarted_states(active_states: Collection[str]) -> frozenset[str]:
    """Which of the active states mean that nobody has begun: those with a usual name, else the
    first. In the form of `state_key`."""
    keys = [state_key(state) for state in active_states]
    usual = frozenset(keys) & USUAL_UNSTARTED_STATES
    return usual or frozenset(keys[:1])


def is_open(blocker: BlockerRef, terminal: Collection[str]) -> bool:
    """Whether the blocker still blocks. One whose state nobody knows does: what cannot be verified
    does not run. `terminal` is in the form of `state_key`."""
    return blocker.state is None or state_key(blocker.state) not in terminal


def must_wait(
    state: str,
    blockers: Iterable[BlockerRef],
    *,
    unstarted: Collection[str],
    terminal: Collection[str],
) -> bool:
    """Whether an issue in this state has to wait for one of its blockers."""
    return state_key(state) in unstarted and any(is_open(each, terminal) for each in blockers)

"""One life of a simulated world from its seed, and how it is told where it goes wrong."""

from __future__ import annotations

from symphony.scheduler.events import (
    Answer,
    CandidatesRead,
    Event,
    IssuesRead,
    ReadFailure,
    TerminalRead,
    WorkflowAccepted,
)
from tests.support.simulation.ends import spend
from tests.support.simulation.render import regression_test
from tests.support.simulation.shrink import lived
from tests.support.simulation.world import World


def live(seed: str, events: int) -> World:
    """One life: so many events with faults, then a good end of one kind or the other.

    Whatever breaks is told with the seed, the last events, and a test that shows it in short.
    """
    world = World(seed)
    try:
        spend(world, events)
    except Exception as error:
        history = "\n".join(f"{at:>9} {in_short(event)}" for at, event in world.last)
        case = lived(seed, events)
        test = "it does not happen again" if case is None else regression_test(case)
        raise AssertionError(
            f"{error}\nseed {seed!r}, the last events:\n{history}\n\nAs a test:\n\n{test}"
        ) from error
    return world


def in_short(event: Event) -> str:
    """One line about an event: of settings the revision, of issues the id and the state."""
    match event:
        case IssuesRead(purpose=purpose, ids=ids, answer=answer):
            return f"IssuesRead {purpose} {ids}: {_answer_in_short(answer)}"
        case CandidatesRead(tick=tick, answer=answer):
            return f"CandidatesRead {tick}: {_answer_in_short(answer)}"
        case TerminalRead(answer=answer):
            return f"TerminalRead: {_answer_in_short(answer)}"
        case WorkflowAccepted(settings=bound):
            return f"WorkflowAccepted {bound.revision}: {bound.agent} {bound.tracker}"
        case _:
            return str(event)


def _answer_in_short(answer: Answer) -> str:
    if isinstance(answer, ReadFailure):
        return f"failed, Retry-After {answer.retry_after_ms}"
    return ", ".join(f"{known.id} {known.state}" for known in answer)

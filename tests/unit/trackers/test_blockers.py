"""When an issue waits for another one."""

from __future__ import annotations

import pytest

from symphony.domain.issue import BlockerRef
from symphony.trackers.blockers import must_wait, unstarted_states


@pytest.mark.parametrize(
    ("active", "unstarted"),
    [
        (("Todo", "In Progress"), {"todo"}),
        (("In Progress", "To Do", "Rework"), {"to do"}),
        (("Open", "Backlog", "Doing"), {"open", "backlog"}),
        (("Ready", "Doing"), {"ready"}),
        ((), set[str]()),
    ],
)
def test_unstarted_are_the_states_of_a_usual_name_else_the_first(
    active: tuple[str, ...], unstarted: set[str]
) -> None:
    assert unstarted_states(active) == unstarted


@pytest.mark.parametrize(
    ("state", "blocker", "waits"),
    [
        ("Todo", "In Progress", True),
        ("TODO ", "Todo", True),
        ("Todo", "done", False),
        ("Todo", None, True),
        ("In Progress", "Todo", False),
        ("In Progress", None, False),
    ],
)
def test_only_an_unstarted_issue_waits_and_only_for_what_is_not_known_to_be_done(
    state: str, blocker: str | None, waits: bool
) -> None:
    done = BlockerRef(id="a", state="Done")
    blockers = [done, BlockerRef(id="b", state=blocker)]
    assert must_wait(state, blockers, unstarted={"todo"}, terminal={"done"}) is waits
    assert must_wait(state, [], unstarted={"todo"}, terminal={"done"}) is False

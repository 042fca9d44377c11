"""What is told of an issue is what the scheduler does with it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from symphony.domain.issue import Issue
from symphony.domain.run import Failed
from symphony.scheduler.commands import ReadCandidates, StartRun
from symphony.scheduler.events import PollRequested, RunEnded, WorkflowRejected
from symphony.scheduler.explain import plan
from tests.support.scheduling import Driver, issue, settings

_FAILED = Failed(category="turn_failed", message="it broke")
_STATES = ("Todo", "todo ", "In Progress", "Rework", "Backlog", "Done")
_LABELS = st.sampled_from([(), ("agent",), ("agent", "urgent")])


@st.composite
def _boards(draw: st.DrawFn) -> tuple[Issue, ...]:
    count = draw(st.integers(min_value=0, max_value=12))
    return tuple(
        issue(
            f"A-{number}",
            state=draw(st.sampled_from(_STATES)),
            priority=draw(st.sampled_from([None, 0, 1, 2, 4, 9])),
            labels=draw(_LABELS),
            created=draw(st.sampled_from([None, 0, 1, 2])),
            dispatchable=draw(st.booleans()),
            identifier=draw(st.sampled_from([None, None, None, "A-0", " "])),
        )
        for number in range(count)
    )


@given(
    board=_boards(),
    later=_boards(),
    slots=st.integers(min_value=1, max_value=5),
    in_state=st.integers(min_value=1, max_value=3),
    required=_LABELS,
    broken=st.booleans(),
)
@hypothesis_settings(max_examples=300, deadline=None)
def test_what_is_planned_is_what_the_next_poll_does(
    board: tuple[Issue, ...],
    later: tuple[Issue, ...],
    slots: int,
    in_state: int,
    required: tuple[str, ...],
    broken: bool,
) -> None:
    world = Driver(settings=settings(slots=slots, by_state={"todo": in_state}, labels=required))
    world.withhold(ReadCandidates)
    world.begin()
    world.offer(*board)
    for number, entry in enumerate(list(world.state.running.values())):
        if number % 2:
            world.send(RunEnded(run_id=entry.run_id, outcome=_FAILED))
    world.send(PollRequested())
    world.advance(0)
    if broken:
        world.send(WorkflowRejected(reason="line 3"))
    planned = plan(world.state, later)
    commands = world.offer(*later)

    started = [command.request.issue.id for command in commands if isinstance(command, StartRun)]
    assert started == [each.issue.id for each in planned if each.would_run]
    told = {row.issue.id: row.code for row in world.snapshot.skipped}
    claimed = {*world.state.running, *world.state.retrying, *world.state.parked}
    for each in planned:
        if each.block is not None and each.issue.id not in claimed:
            assert told[each.issue.id] == each.block.code


def test_a_plan_changes_nothing() -> None:
    world = Driver(issue("A"), settings=settings(slots=1)).begin()
    before = world.snapshot
    plan(world.state, (issue("A"), issue("B")))
    assert world.snapshot == before


def test_an_explanation_names_every_rule_and_the_place_in_the_order() -> None:
    world = Driver(settings=settings(slots=1)).begin()
    first, second = plan(world.state, (issue("B", created=5), issue("A", created=1)))
    assert (first.issue.identifier, first.place, first.would_run) == ("A", 1, True)
    assert second.place == 2
    assert second.block is not None
    assert second.block.code == "no_global_slot"
    assert [rule.code for rule in second.rules if not rule.passed] == ["no_global_slot"]

"""Our turn among the turns that a connection tells about."""

from __future__ import annotations

import pytest

from symphony.agents.errors import Category
from symphony.agents.messages import TurnEnd
from symphony.agents.turn import TurnWatch, failure_of
from symphony.domain.ids import ThreadId, TurnId

THREAD, TURN = ThreadId("thread"), TurnId("turn")


def end(
    status: str = "completed", thread: str | None = "thread", turn: str | None = "turn"
) -> TurnEnd:
    return TurnEnd(
        thread_id=ThreadId(thread) if thread else None,
        turn_id=TurnId(turn) if turn else None,
        status=status,
    )


def watch() -> TurnWatch:
    watching = TurnWatch(THREAD)
    watching.name(TURN)
    return watching


def test_the_end_that_names_our_thread_and_turn_ends_our_turn() -> None:
    assert watch().observe(end())


@pytest.mark.proves("turn.outcome.foreign")
@pytest.mark.parametrize(
    "foreign",
    [end(thread="sub"), end(turn="other"), end(thread=None), end(turn=None), end("failed", "sub")],
)
def test_another_end_does_not(foreign: TurnEnd) -> None:
    watching = watch()
    assert not watching.observe(foreign)
    assert watching.observe(end())


def test_an_end_that_comes_before_the_name_is_remembered() -> None:
    watching = TurnWatch(THREAD)
    assert not watching.observe(end(turn="other"))
    assert not watching.observe(end())
    watching.name(TURN)
    assert watching.end == end()


def test_the_first_end_counts() -> None:
    watching = watch()
    watching.observe(end("failed"))
    watching.observe(end("completed"))
    assert watching.end is not None
    assert watching.end.status == "failed"


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_a_failure_of_an_older_version_needs_no_ids(status: str) -> None:
    assert watch().observe(end(status, thread=None, turn=None))


@pytest.mark.proves("turn.outcome.failed")
@pytest.mark.parametrize(
    ("status", "event", "category"),
    [
        ("failed", "turn_failed", Category.TURN_FAILED),
        ("interrupted", "turn_cancelled", Category.TURN_CANCELLED),
        ("unknown", "turn_ended_with_error", Category.TURN_FAILED),
        ("inProgress", "turn_ended_with_error", Category.TURN_FAILED),
    ],
)
def test_every_status_but_completed_is_a_failure(
    status: str, event: str, category: Category
) -> None:
    failure = failure_of(end(status))
    assert failure is not None
    assert failure[0] == event
    assert failure[1].category is category


def test_a_completed_turn_is_no_failure() -> None:
    assert failure_of(end()) is None

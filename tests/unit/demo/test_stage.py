"""When the show is over: what counts as quiet, and what is said of issues that are left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symphony.demo.stage import is_quiet, why_stuck
from symphony.scheduler.snapshot import Snapshot
from tests.support.demo_snapshots import EMPTY, blocked, issue, retry, running, waiting


@pytest.mark.parametrize(
    "busy",
    [
        replace(EMPTY, running=(running(issue()),)),
        replace(EMPTY, retrying=(retry(issue()),)),
        replace(EMPTY, cleaning=(issue(),)),
        replace(EMPTY, skipped=(waiting(issue()),)),
        replace(EMPTY, skipped=(waiting(issue(), "no_state_slot"),)),
    ],
)
def test_a_board_on_which_something_can_still_happen_is_not_quiet(busy: Snapshot) -> None:
    assert not is_quiet(busy)


def test_a_board_on_which_only_people_can_help_is_quiet_and_says_with_what() -> None:
    left = replace(
        EMPTY,
        blocked=(blocked(issue("DUR-3"), "days or weeks?"),),
        skipped=(waiting(issue("DUR-4"), "not_dispatchable", "it is held back"),),
    )
    assert is_quiet(left)
    assert why_stuck(left) == "DUR-3 needs a person: days or weeks?; DUR-4: it is held back"
    assert is_quiet(EMPTY)

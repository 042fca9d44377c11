"""A mutant of each of several areas is killed by exactly the ids that it is listed with.

All of them take half an hour (`make mutants`); these are quick ones, so that every change of the
suite or the daemon meets some. What a loaded machine leaves unjudged is tried once more.
"""

from __future__ import annotations

import pytest

from tests.mutants.gate import judge, lines
from tests.mutants.registry import find_mutant

QUICK = (
    "order_priority_reversed",
    "active_wins_over_terminal",
    "cap_off_by_one",
    "state_cap_counts_first_state",
)


@pytest.mark.parametrize("name", QUICK)
def test_a_small_defect_is_noticed_by_the_sentences_that_it_breaks(name: str) -> None:
    mutant = find_mutant(name)
    verdict = judge(mutant, everything=False, workers=2)
    if not verdict.ok:
        verdict = judge(mutant, everything=False, workers=1)
    assert verdict.ok, "\n".join(lines(verdict))

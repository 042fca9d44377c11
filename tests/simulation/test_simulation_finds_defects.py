"""What the simulator is worth: each rule is broken on purpose, and it has to notice."""

from __future__ import annotations

import re

import pytest

from symphony.scheduler.step import step
from tests.support.simulation.bench import Step
from tests.support.simulation.defects import DEFECTS, Defect
from tests.support.simulation.render import NAME, as_test
from tests.support.simulation.script import replay
from tests.support.simulation.shrink import Case, lived, shrink

# As many events as each run of CI has for all of its worlds together.
BUDGET = 100_000
EVENTS_PER_LIFE = 1_000
SHORT = 30


def first_found(decide: Step) -> Case:
    """The first life in which a rule breaks."""
    for number in range(BUDGET // EVENTS_PER_LIFE):
        case = lived(f"defects/{number}", EVENTS_PER_LIFE, decide=decide)
        if case is not None:
            return case
    raise AssertionError(f"nothing is found within {BUDGET} events")


def named(name: str) -> Defect:
    return next(defect for defect in DEFECTS if defect.name == name)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_the_simulator_finds(defect: Defect) -> None:
    case = first_found(defect.decide)
    assert re.search(defect.rule, case.complaint.words), case.complaint


def test_a_defect_is_gone_after_its_step() -> None:
    for defect in DEFECTS:
        lived("gone", 50, decide=defect.decide, to_the_end=False)
    assert lived("gone", 200) is None


@pytest.mark.parametrize(
    "name", ["a running issue is started again", "one run too many", "the wall clock decides"]
)
def test_what_breaks_a_rule_is_made_short_and_becomes_a_test(name: str) -> None:
    defect = named(name)
    case = first_found(defect.decide)
    small, script = shrink(case, decide=defect.decide)
    assert script is not None
    assert len(script) <= min(SHORT, len(case.script))
    with pytest.raises(AssertionError, match=defect.rule):
        replay(small.bound, *script, decide=defect.decide)
    run_as_test(as_test(small, script))


def test_what_is_never_done_becomes_a_small_world() -> None:
    defect = named("nobody hears an answer")
    case = first_found(defect.decide)
    small, script = shrink(case, decide=defect.decide)
    assert script is None
    assert small.issues <= case.issues
    assert small.events < case.events
    again = lived(
        small.seed, small.events, faults=small.faults, issues=small.issues, decide=defect.decide
    )
    assert again is not None
    assert again.complaint.place == small.complaint.place
    run_as_test(as_test(small, None))


def test_the_script_of_a_life_leads_to_the_same_end() -> None:
    defect = named("a workspace goes before its processes")
    case = first_found(defect.decide)
    with pytest.raises(AssertionError, match=re.escape(case.complaint.words[:30])):
        replay(case.bound, *case.script, decide=defect.decide)


def run_as_test(text: str) -> None:
    """What was printed is a test that the scheduler without the defect passes."""
    module: dict[str, object] = {}
    exec(compile(text, "printed.py", "exec"), module)  # noqa: S102
    test = module[NAME]
    assert callable(test)
    test()
    assert step.__module__ == "symphony.scheduler.step"

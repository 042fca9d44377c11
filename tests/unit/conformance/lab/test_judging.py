"""Verdicts: what a breach is, and what is the suite's own fault."""

from __future__ import annotations

import pytest

from conformance.lab.judging import HarnessError, Judgements, UnmetError
from conformance.lab.machine import Machine
from conformance.lab.timeline import Timeline
from conformance.outcomes import Outcome

MUST = "workspace.path.under_root"
SHOULD = "security.agent_env.absent"
MAY = "tracker.reads.extra"
INFO = "tracker.pages.order"


def judgements(*checks: str, scale: float = 1.0) -> Judgements:
    return Judgements("a_scenario", checks, Timeline(), Machine(scale))


def outcome(found: Judgements, index: int = 0) -> Outcome:
    return found.findings()[index].outcome


@pytest.mark.parametrize(
    ("id_", "good", "bad"),
    [
        (MUST, Outcome.PASS, Outcome.FAIL),
        (SHOULD, Outcome.PASS, Outcome.WARN),
        (MAY, Outcome.INFO, Outcome.INFO),
        (INFO, Outcome.INFO, Outcome.INFO),
    ],
)
def test_the_level_decides_what_a_breach_is(id_: str, good: Outcome, bad: Outcome) -> None:
    kept, broken = judgements(id_), judgements(id_)
    with kept.judging(id_) as judge:
        judge.holds(True, expected="it is so")
    with broken.judging(id_) as judge:
        judge.equal(1, 2, "the number")
    assert (outcome(kept), outcome(broken)) == (good, bad)
    assert broken.findings()[0].expected == "the number is 2"
    assert broken.findings()[0].seen == "1"


def test_a_breach_ends_its_block_and_nothing_else() -> None:
    found = judgements(MUST)
    reached: list[str] = []
    with found.judging(MUST) as judge:
        judge.holds(False, expected="it is so", seen="not so")
        reached.append("the rest of the block")
    reached.append("after it")
    assert reached == ["after it"]


def test_of_several_verdicts_on_one_id_the_worst_stands() -> None:
    found = judgements(MUST)
    for ok in (True, False, True):
        with found.judging(MUST) as judge:
            judge.holds(ok, expected="it is so")
    assert [each.outcome for each in found.findings()] == [Outcome.FAIL]


def test_an_id_that_was_not_declared_is_an_error_of_the_suite() -> None:
    with pytest.raises(HarnessError, match="without declaring"), judgements(MUST).judging(SHOULD):
        pass


def test_an_id_that_was_never_judged_is_an_error_of_the_suite() -> None:
    found = judgements(MUST, SHOULD)
    found.not_applicable(SHOULD, "the policy is not declared")
    found.complete()
    assert {each.id: each.outcome for each in found.findings()} == {
        MUST: Outcome.HARNESS_ERROR,
        SHOULD: Outcome.NOT_APPLICABLE,
    }


def test_a_step_that_does_not_come_about_leaves_earlier_verdicts_alone() -> None:
    found = judgements(MUST, SHOULD)
    with found.judging(MUST):
        pass
    found.untestable(UnmetError("an agent starts", "none did"))
    assert [outcome(found, 0), outcome(found, 1)] == [Outcome.PASS, Outcome.UNTESTABLE]


def test_an_error_of_the_suite_is_never_silent() -> None:
    judged, doubtful = judgements(MUST, SHOULD), judgements(MUST, SHOULD)
    for each in (judged, doubtful):
        for id_ in (MUST, SHOULD):
            with each.judging(id_):
                pass
    judged.broken("an exception")
    doubtful.broken("an agent had a defect", proves_nothing=True)
    assert [each.outcome for each in judged.findings()] == [Outcome.HARNESS_ERROR, Outcome.PASS]
    assert [each.outcome for each in doubtful.findings()] == [Outcome.HARNESS_ERROR] * 2


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.9, Outcome.PASS), (1.5, Outcome.INCONCLUSIVE), (9.0, Outcome.FAIL)],
)
def test_too_late_is_inconclusive_within_a_bound(seconds: float, expected: Outcome) -> None:
    found = judgements(MUST)
    with found.judging(MUST) as judge:
        judge.within(seconds, 1.0, "it comes")
    assert outcome(found) is expected
    assert found.findings()[0].measured_s == seconds


def test_a_slower_machine_gets_more_patience() -> None:
    found = judgements(MUST, scale=4.0)
    with found.judging(MUST) as judge:
        judge.within(9.0, 1.0, "it comes")
    assert outcome(found) is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(("seconds", "expected"), [(9.98, Outcome.PASS), (9.8, Outcome.FAIL)])
def test_too_early_is_a_breach(seconds: float, expected: Outcome) -> None:
    found = judgements(MUST)
    with found.judging(MUST) as judge:
        judge.at_least(seconds, 10.0, "the retry comes")
    assert outcome(found) is expected


def test_order_is_that_of_events() -> None:
    timeline = Timeline()
    first, second = (timeline.add("scenario", "note", text) for text in ("one", "two"))
    found = Judgements("a_scenario", (MUST, SHOULD), timeline, Machine())
    with found.judging(MUST) as judge:
        judge.before(first, second, "one comes before two")
    with found.judging(SHOULD) as judge:
        judge.before(second, first, "two comes before one")
    assert [each.outcome for each in found.findings()] == [Outcome.PASS, Outcome.WARN]
    assert found.findings()[1].seen == "one and then two"


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("keep", "a session goes on"),
        ("any", "a session goes on"),
        ("restart", "a session goes on, although its manifest declares 'restart'"),
    ],
)
def test_a_choice_that_the_manifest_denies_is_told_and_breaks_nothing(
    declared: str, told: str
) -> None:
    found = judgements(MAY)
    with found.judging(MAY) as judge:
        judge.chosen("a session goes on", "keep", declared)
    assert outcome(found) is Outcome.INFO
    assert found.findings()[0].seen == told

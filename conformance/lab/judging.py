"""Verdicts of one scenario: each about one requirement, with what was expected and what was seen.

Guarantees: what does not come about inside `judging` is the finding of that id and of no other;
levels decide what a breach is (a broken MUST fails, a broken SHOULD warns, a MAY cannot be broken).
An id that was not declared, or was declared and never judged, is the suite's own error. Must not:
wait for anything.

    with judgements.judging("workspace.path.under_root") as judge:
        judge.equal(session.cwd, expected, "the working directory of the agent")
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from conformance.catalogue import Catalogue, Level, Requirement, Verdict, load_catalogue
from conformance.lab.machine import Machine
from conformance.lab.timeline import Event, Timeline
from conformance.outcomes import Finding, Outcome, worst

SHOWN_EVENTS: Final = 40
"""How much of the timeline goes with a finding that somebody has to look into."""
EARLY_S: Final = 0.05
"""By how much a time may seem too short because its beginning was noticed late; times `scale`."""
LATE_S: Final = 3.0
"""By how much, and `LATE_SHARE` of the bound, a time may be too long before it is nobody's but the
implementation's fault; times `scale`."""
LATE_SHARE: Final = 0.5


class UnmetError(Exception):
    """Something did not come about. `expected` and `seen` are sentences for people."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected: {expected}; seen: {seen}")
        self.expected = expected
        self.seen = seen


Unmet = UnmetError


class HarnessError(Exception):
    """The suite, or a scenario of it, is at fault; never the implementation."""


@dataclass(slots=True, kw_only=True)
class Judge:
    """Of one requirement. What is wrong ends the block of `judging` that it was made for."""

    requirement: Requirement
    machine: Machine
    outcome: Outcome
    expected: str = ""
    notes: list[str] = field(default_factory=list[str])
    measured_s: float | None = None

    def holds(self, ok: object, *, expected: str, seen: object = "") -> None:
        """`ok` is true. Say what was seen in words or as the value itself."""
        if not ok:
            raise UnmetError(expected, str(seen) or "it is not so")

    def equal(self, actual: object, wanted: object, what: str) -> None:
        """`actual` is `wanted`; `what` names it."""
        self.holds(actual == wanted, expected=f"{what} is {wanted!r}", seen=f"{actual!r}")

    def contains(self, whole: Collection[object] | str, part: object, what: str) -> None:
        """`part` is in `whole`, which `what` names."""
        is_in = str(part) in whole if isinstance(whole, str) else part in whole
        self.holds(is_in, expected=f"{what} contains {part!r}", seen=f"{whole!r}")

    def lacks(self, whole: Collection[object] | str, part: object, what: str) -> None:
        """`part` is not in `whole`, which `what` names."""
        is_in = str(part) in whole if isinstance(whole, str) else part in whole
        self.holds(not is_in, expected=f"{what} does not contain {part!r}", seen=f"{whole!r}")

    def before(self, first: Event | None, second: Event | None, what: str) -> None:
        """Both were seen, and in this order; `what` says it in words."""
        self.holds(
            first and second and first.number < second.number,
            expected=what,
            seen=" and then ".join(
                each.text if each else "nothing"
                for each in sorted((first, second), key=lambda e: e.number if e else 0)
            ),
        )

    def measured(self, seconds: float) -> None:
        """A time that the report shows."""
        self.measured_s = seconds

    def at_least(self, seconds: float, minimum: float, what: str) -> None:
        """It took that long. Measure from an event that comes before the implementation can know of
        the beginning; too early is a breach."""
        self.measured(seconds)
        slack = EARLY_S * self.machine.scale
        self.holds(
            seconds >= minimum - slack,
            expected=f"{what} after no less than {minimum:g} s",
            seen=f"after {seconds:.3f} s",
        )

    def within(self, seconds: float, bound: float, what: str) -> None:
        """It took no longer. A little too late is inconclusive, because the machine may be slow."""
        self.measured(seconds)
        if seconds <= bound:
            return
        expected = f"{what} within {bound:g} s"
        seen = f"after {seconds:.3f} s"
        limit = bound + (LATE_S + LATE_SHARE * bound) * self.machine.scale
        self.holds(seconds <= limit, expected=expected, seen=seen)
        self.undecided(expected, f"{seen}, which this machine may have caused")

    def undecided(self, expected: str, seen: str) -> None:
        """What would decide it did not come about, which this machine may have caused."""
        self.outcome = worst((self.outcome, Outcome.INCONCLUSIVE))
        self.expected = expected
        self.info(seen)

    def info(self, text: str) -> None:
        """A note for the report, which judges nothing."""
        self.notes.append(text)

    def chosen(self, text: str, seen: str, declared: str) -> None:
        """What an implementation does where it may choose, and whether its manifest says so."""
        agrees = declared in (seen, "any")
        self.info(text if agrees else f"{text}, although its manifest declares {declared!r}")


class Judgements:
    """What one scenario found. `checks` are the ids that it said it would judge."""

    def __init__(
        self, scenario: str, checks: Sequence[str], timeline: Timeline, machine: Machine
    ) -> None:
        self._scenario = scenario
        self._checks = tuple(_requirement(each) for each in checks)
        self._timeline = timeline
        self._machine = machine
        self._findings: list[Finding] = []

    @contextmanager
    def judging(self, name: str) -> Generator[Judge]:
        """Judge this requirement by what follows; a breach ends the block, not the scenario."""
        requirement = self._declared(name)
        judge = self._judge(requirement, _at_best(requirement))
        try:
            yield judge
        except UnmetError as unmet:
            judge.notes.insert(0, unmet.seen)
            self._note(requirement, _breach(requirement), unmet.expected, judge)
        else:
            self._note(requirement, judge.outcome, judge.expected, judge)

    def not_applicable(self, name: str, reason: str) -> None:
        """It binds only those who declare something that the manifest does not."""
        requirement = self._declared(name)
        judge = self._judge(requirement, Outcome.NOT_APPLICABLE)
        judge.info(reason)
        self._note(requirement, judge.outcome, "", judge)

    def untestable(self, unmet: UnmetError) -> None:
        """The scenario ended early: what it had not judged yet cannot be."""
        self._note_rest(Outcome.UNTESTABLE, unmet.expected, unmet.seen)

    def broken(self, explanation: str, *, proves_nothing: bool = False) -> None:
        """The suite failed: what was not judged yet is its error, and at least one id is; all are
        where what was judged before `proves_nothing`."""
        rest = self._checks if proves_nothing else self._unjudged()
        for each in rest or self._checks[:1]:
            self._findings.append(
                self._finding(each.id, Outcome.HARNESS_ERROR, "the suite works", explanation)
            )

    def complete(self) -> None:
        """The scenario came to its end."""
        self._note_rest(
            Outcome.HARNESS_ERROR,
            "a scenario judges every id that it declares",
            "it ended without judging this one",
        )

    def findings(self) -> Sequence[Finding]:
        """One for each id: the worst, and of equal ones the earliest."""
        best: dict[str, Finding] = {}
        for each in self._findings:
            known = best.get(each.id)
            if known is None or each.outcome.rank > known.outcome.rank:
                best[each.id] = each
        return list(best.values())

    def _judge(self, requirement: Requirement, outcome: Outcome) -> Judge:
        return Judge(requirement=requirement, machine=self._machine, outcome=outcome)

    def _declared(self, name: str) -> Requirement:
        found = next((each for each in self._checks if each.id == name), None)
        if found is None:
            raise HarnessError(f"the scenario {self._scenario} judges {name} without declaring it")
        return found

    def _unjudged(self) -> Sequence[Requirement]:
        known = {each.id for each in self._findings}
        return [each for each in self._checks if each.id not in known]

    def _note_rest(self, outcome: Outcome, expected: str, seen: str) -> None:
        for each in self._unjudged():
            self._findings.append(self._finding(each.id, outcome, expected, seen))

    def _note(self, of: Requirement, outcome: Outcome, expected: str, judge: Judge) -> None:
        seen = "; ".join(judge.notes)
        self._timeline.add("scenario", "verdict", f"{of.id}: {outcome.value}", subject=of.id)
        self._findings.append(self._finding(of.id, outcome, expected, seen, judge.measured_s))

    def _finding(
        self, id_: str, outcome: Outcome, expected: str, seen: str, measured_s: float | None = None
    ) -> Finding:
        needs_proof = outcome.rank >= Outcome.WARN.rank
        return Finding(
            id=_requirement(id_).id,
            outcome=outcome,
            scenario=self._scenario,
            expected=expected,
            seen=seen,
            timeline=self._timeline.shown(SHOWN_EVENTS) if needs_proof else (),
            measured_s=measured_s,
        )


def severest(findings: Iterable[Finding]) -> Outcome:
    """The outcome that stands for a scenario."""
    return worst(each.outcome for each in findings)


@cache
def _catalogue() -> Catalogue:
    return load_catalogue()


def _requirement(name: str) -> Requirement:
    return _catalogue().require(name)


def _at_best(requirement: Requirement) -> Outcome:
    judges_nothing = requirement.verdict is Verdict.INFO or requirement.level is Level.MAY
    return Outcome.INFO if judges_nothing else Outcome.PASS


def _breach(requirement: Requirement) -> Outcome:
    if _at_best(requirement) is Outcome.INFO or requirement.level is Level.DOCUMENT:
        return Outcome.INFO
    return Outcome.WARN if requirement.level is Level.SHOULD else Outcome.FAIL

"""From a world in which a rule broke to the shortest script that still breaks it.

First the world is made smaller: fewer events, fewer faults, fewer issues. Then what happened in it
is written down and lines are left out, as long as the same rule breaks at the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path

from symphony.domain.settings import Settings
from symphony.scheduler.events import ReadFailure
from symphony.scheduler.step import step
from tests.support.simulation.bench import Step
from tests.support.simulation.ends import spend
from tests.support.simulation.faults import Faults
from tests.support.simulation.script import Answers, At, Ends, Fires, Recorder, Removes, Reports
from tests.support.simulation.script import replay as play
from tests.support.simulation.simplify import simplified
from tests.support.simulation.world import World

# Small worlds differ more by their seed than by what was left out of them.
SEEDS_FOR_EACH_CUT = 3
FEW_ISSUES = (1, 2, 3, 5, 8)
FEW_EVENTS = (25, 50, 100, 200, 400, 800)
# A person waits for the result: so many worlds and scripts are tried at most.
WORLDS_TO_TRY = 150
SCRIPTS_TO_TRY = 2_000


@dataclass(frozen=True, slots=True)
class Complaint:
    """Which rule broke: the place that said so is the same however the words differ."""

    place: str
    words: str

    @staticmethod
    def of(error: BaseException) -> Complaint:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = "nowhere"
        if trace is not None:
            where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        return Complaint(where, str(error).split("\n", maxsplit=1)[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A life in which a rule breaks. `script` is what happened up to then; `at_the_end` tells that
    it broke when all should have been done or stopped."""

    seed: str
    events: int
    at_the_end: bool
    faults: Faults
    issues: int
    complaint: Complaint
    bound: Settings
    script: tuple[At, ...]


def lived(
    seed: str,
    events: int,
    *,
    faults: Faults | None = None,
    issues: int | None = None,
    decide: Step = step,
    to_the_end: bool = True,
) -> Case | None:
    """Live this life once more and write it down; None where no rule breaks."""
    world = World(seed, faults=faults, issues=issues, decide=decide)
    world.recorder = Recorder()
    bad, bound = world.faults, world.settings
    try:
        spend(world, events, to_the_end=to_the_end)
    except Exception as error:
        return Case(
            seed=seed,
            events=events,
            at_the_end=world.events > events,
            faults=bad,
            issues=world.issues,
            complaint=Complaint.of(error),
            bound=bound,
            script=tuple(world.recorder.script),
        )
    return None


def shrink(case: Case, *, decide: Step = step) -> tuple[Case, tuple[At, ...] | None]:
    """The smallest world found, and its shortest script. None instead of a script where the rule
    is one about what never happens: a world has to go on for it to be broken."""
    small = _Worlds(decide).smaller(case)
    scripts_left = SCRIPTS_TO_TRY

    def breaks(bound: Settings, script: Iterable[At]) -> bool:
        nonlocal scripts_left
        scripts_left -= 1
        return scripts_left >= 0 and _played(bound, script, decide) == small.complaint.place

    if not breaks(small.bound, small.script):
        return small, None
    script = shorter(small.script, partial(breaks, small.bound))
    bound, script = simplified(small.bound, script, breaks)
    return replace(small, bound=bound), script


def shorter(script: tuple[At, ...], breaks: Callable[[Iterable[At]], bool]) -> tuple[At, ...]:
    """As few lines as possible, with as few issues in them as possible."""
    before = None
    while before != script:
        before = script
        script = _without_issues(_fewer(script, breaks), breaks)
    return script


def _played(bound: Settings, script: Iterable[At], decide: Step) -> str | None:
    try:
        play(bound, *script, decide=decide)
    except Exception as error:
        return Complaint.of(error).place
    return None


# The world.


class _Worlds:
    """Tries smaller worlds, for as long as its patience lasts."""

    def __init__(self, decide: Step) -> None:
        self._decide = decide
        self._left = WORLDS_TO_TRY

    def smaller(self, case: Case) -> Case:
        case = self._with_fewer_events(case)
        harmless = Faults()
        case = self._first(case, [replace(case, faults=harmless)])
        for field in fields(Faults):
            calm = replace(case.faults, **{field.name: getattr(harmless, field.name)})
            if calm != case.faults:
                case = self._first(case, [replace(case, faults=calm)])
        few = [replace(case, issues=count) for count in FEW_ISSUES if count < case.issues]
        return self._with_fewer_events(self._first(case, few))

    def _with_fewer_events(self, case: Case) -> Case:
        few = [replace(case, events=count) for count in FEW_EVENTS if count < case.events]
        return self._first(case, few)

    def _first(self, case: Case, cuts: Iterable[Case]) -> Case:
        """The first cut after which the same rule breaks; the case itself where there is none."""
        root = case.seed.split("+")[0]
        seeds = (case.seed, *(f"{root}+{number}" for number in range(SEEDS_FOR_EACH_CUT)))
        for cut in cuts:
            for seed in seeds:
                found = self._lived(replace(cut, seed=seed))
                if found is not None and found.complaint.place == case.complaint.place:
                    return found
        return case

    def _lived(self, cut: Case) -> Case | None:
        self._left -= 1
        if self._left < 0:
            return None
        return lived(
            cut.seed,
            cut.events,
            faults=cut.faults,
            issues=cut.issues,
            decide=self._decide,
            to_the_end=cut.at_the_end,
        )


# The script.


def _fewer(script: tuple[At, ...], breaks: Callable[[Iterable[At]], bool]) -> tuple[At, ...]:
    """Leave out ever smaller parts, from the end, for as long as anything can be left out."""
    size = max(len(script) // 2, 1)
    while True:
        left_out = False
        end = len(script)
        while end > 0:
            start = max(end - size, 0)
            rest = script[:start] + script[end:]
            if rest and breaks(rest):
                script, left_out = rest, True
            end = start
        if size == 1 and not left_out:
            return script
        size = size if left_out and size == 1 else max(size // 2, 1)


def _without_issues(
    script: tuple[At, ...], breaks: Callable[[Iterable[At]], bool]
) -> tuple[At, ...]:
    """Leave out whole issues, then single mentions of them in answers."""
    for issue in sorted({key for at in script for key in _mentioned(at)}):
        rest = tuple(_unmentioned(at, issue) for at in script if not _is_about(at, issue))
        if rest != script and breaks(rest):
            script = rest
    for index, at in enumerate(script):
        for shorter_answer in _shorter_answers(at):
            rest = (*script[:index], shorter_answer, *script[index + 1 :])
            if breaks(rest):
                script = rest
                break
    return script


def _mentioned(at: At) -> list[str]:
    line = at.line
    if isinstance(line, Answers) and isinstance(line.answer, tuple):
        return [one.id for one in line.answer]
    return []


def _is_about(at: At, issue: str) -> bool:
    line = at.line
    return isinstance(line, Fires | Answers | Reports | Ends | Removes) and line.issue == issue


def _unmentioned(at: At, issue: str) -> At:
    line = at.line
    if not isinstance(line, Answers) or not isinstance(line.answer, tuple):
        return at
    kept = tuple(one for one in line.answer if one.id != issue)
    return replace(at, line=replace(line, answer=kept))


def _shorter_answers(at: At) -> list[At]:
    """The same answer without all, or without each one, of its issues."""
    line = at.line
    if not isinstance(line, Answers) or not line.answer or isinstance(line.answer, ReadFailure):
        return []
    answer = line.answer
    cuts = [(), *(answer[:index] + answer[index + 1 :] for index in range(len(answer)))]
    return [replace(at, line=replace(line, answer=cut)) for cut in cuts]

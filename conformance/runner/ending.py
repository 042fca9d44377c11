"""How the implementation ended after a scenario, judged by the way.

Guarantees: an agent that outlives an orderly stop breaks `cli.stop.agents_ended`, and an
implementation that its stop signal does not end breaks `cli.exit.signal`, in whichever scenario it
happens. Says nothing where the scenario itself killed the implementation. Must not: end anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from conformance.catalogue import RequirementId
from conformance.lab.judging import SHOWN_EVENTS
from conformance.lab.play import Played
from conformance.outcomes import Finding, Outcome
from conformance.scenario import Scenario

AGENTS_ENDED: Final = RequirementId("cli.stop.agents_ended")
ENDS_BY_SIGNAL: Final = RequirementId("cli.exit.signal")


def judge_ending(scenario: Scenario, played: Played) -> Iterator[Finding]:
    """A finding for each of the two that is broken."""
    if played.was_killed:
        return
    if _was_forced(played):
        yield Finding(
            id=ENDS_BY_SIGNAL,
            outcome=Outcome.WARN,
            scenario=scenario.name,
            expected="the stop signal ends the implementation within its grace",
            seen="it still ran afterwards, and was killed",
            timeline=played.timeline.shown(SHOWN_EVENTS),
        )
        return
    agents = [event.data.get("pid") for event in played.timeline.events("agent", "start")]
    if left := [str(each) for each in played.leftovers if each.pid in agents]:
        yield Finding(
            id=AGENTS_ENDED,
            outcome=Outcome.FAIL,
            scenario=scenario.name,
            expected="an orderly stop ends every agent that was started",
            seen=f"still running afterwards: {', '.join(left)}",
            timeline=played.timeline.shown(SHOWN_EVENTS),
        )


def left_behind(played: Played) -> str:
    """Names every process that was left, agent or not; an empty text where there was none."""
    left = ", ".join(map(str, played.leftovers))
    return f"left behind: {left}" if left else ""


def _was_forced(played: Played) -> bool:
    """Only a stop that is not heeded ends in SIGKILL where no scenario asked for it."""
    signals = played.timeline.events("target", "signal")
    return any(event.text.endswith("SIGKILL") for event in signals)

"""What a run of the suite says of one requirement.

Guarantees: outcomes are ordered, and what is known of a requirement is only ever raised: of several
findings the worst stands. Must not: decide what an outcome means for the exit code; that is a
matter of levels and baselines.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from conformance.catalogue import RequirementId


class Outcome(StrEnum):
    """From what says nothing to what says most; the order of the members is their rank."""

    NOT_RUN = "not_run"
    """No check of it was part of this run."""
    NOT_APPLICABLE = "not_applicable"
    """It binds only those who declare a capability that this implementation does not declare."""
    INFO = "info"
    """Recorded, not judged."""
    PASS = "pass"  # noqa: S105 - a verdict
    WARN = "warn"
    """A SHOULD is broken."""
    UNTESTABLE = "untestable"
    """An earlier step of the scenario did not come about, so that the check was never reached."""
    INCONCLUSIVE = "inconclusive"
    """Seen too late to be told from a slow machine."""
    FAIL = "fail"
    HARNESS_ERROR = "harness_error"
    """The suite itself is at fault."""

    @property
    def rank(self) -> int:
        """Its place in the order, from 0."""
        return list(Outcome).index(self)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome that stands."""
    return max(outcomes, key=lambda outcome: outcome.rank, default=Outcome.NOT_RUN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one scenario found of one requirement.

    `expected` and `seen` are sentences for people; both are empty where there is nothing to argue
    with. `timeline` holds the last events before the verdict, a line each, oldest first.
    `measured_s` is a time that was measured for it, in seconds.
    """

    id: RequirementId
    outcome: Outcome
    scenario: str
    expected: str = ""
    seen: str = ""
    timeline: tuple[str, ...] = ()
    measured_s: float | None = None

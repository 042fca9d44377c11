"""Which scenarios a run plays, and which requirements do not bind this implementation.

Guarantees: a pattern that matches neither an id nor a scenario is refused, and so is a selection
that leaves nothing to play; what is left out because the manifest does not declare it has a reason
that names the capability. Must not: start anything.
"""

from __future__ import annotations

import difflib
import fnmatch
import importlib
import pkgutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from conformance.catalogue import Catalogue, Profile, Requirement, RequirementId
from conformance.scenario import Scenario, registered


class SelectionError(Exception):
    """Nothing can be played as it was asked for; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the implementation says of itself, and the tracker of this run."""

    dialect: str
    capabilities: frozenset[str]
    profiles: frozenset[Profile]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """`not_applicable` gives a reason for each requirement that binds others only; an id that some
    chosen scenario checks all the same is not among them."""

    scenarios: tuple[Scenario, ...]
    not_applicable: Mapping[RequirementId, str]

    @property
    def checks(self) -> frozenset[RequirementId]:
        """Every id that some chosen scenario judges."""
        return frozenset(check for each in self.scenarios for check in each.checks)


def all_scenarios() -> Sequence[Scenario]:
    """Import every module of the package of scenarios, and return what they registered."""
    package = importlib.import_module("conformance.scenarios")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
    return registered()


def select(
    scenarios: Sequence[Scenario],
    catalogue: Catalogue,
    offer: Offer,
    *,
    patterns: Sequence[str] = (),
    profiles: Collection[Profile] = (),
) -> Selection:
    """The scenarios for these patterns (none: all) and profiles (none: all that are offered).

    Raises `SelectionError`.
    """
    _refuse_undeclared(profiles, offer)
    asked = [each for each in scenarios if not profiles or each.profile in profiles]
    wanted = _matched(asked, catalogue, patterns) if patterns else asked
    reasons = {each.name: reason for each in wanted if (reason := unfit(each, offer)) is not None}
    chosen = tuple(each for each in wanted if each.name not in reasons)
    if not chosen:
        raise SelectionError(_nothing_left(wanted, reasons, patterns))
    return Selection(
        scenarios=chosen,
        not_applicable=_not_applicable(scenarios, catalogue, offer),
    )


def unfit(scenario: Scenario, offer: Offer) -> str | None:
    """Why a scenario makes no sense for this implementation; None where it does."""
    if scenario.profile not in offer.profiles:
        return f"the {scenario.profile} profile is not declared"
    if missing := sorted(scenario.needs - offer.capabilities):
        return f"the manifest does not declare {', '.join(missing)}"
    if scenario.dialects and offer.dialect not in scenario.dialects:
        return f"it is judged with the {' or '.join(sorted(scenario.dialects))} tracker only"
    return None


def binds(requirement: Requirement, offer: Offer) -> bool:
    """Whether the implementation offers the profile that the requirement belongs to."""
    return requirement.profile in offer.profiles


def _refuse_undeclared(profiles: Collection[Profile], offer: Offer) -> None:
    if undeclared := sorted(set(profiles) - offer.profiles):
        raise SelectionError(
            f"the implementation does not offer the {' and '.join(undeclared)} profile: "
            "declare the capability in its manifest, or leave --profile away"
        )


def _matched(
    scenarios: Sequence[Scenario], catalogue: Catalogue, patterns: Sequence[str]
) -> list[Scenario]:
    names: set[str] = set()
    for pattern in patterns:
        ids = {requirement.id for requirement in catalogue.matching(pattern)}
        found = {
            each.name
            for each in scenarios
            if fnmatch.fnmatchcase(each.name, pattern) or ids.intersection(each.checks)
        }
        if not ids and not found:
            raise SelectionError(_unmatched(pattern, scenarios, catalogue))
        names |= found
    return [each for each in scenarios if each.name in names]


def _unmatched(pattern: str, scenarios: Iterable[Scenario], catalogue: Catalogue) -> str:
    known = [*(requirement.id for requirement in catalogue), *(each.name for each in scenarios)]
    close = difflib.get_close_matches(pattern, known, n=3)
    hint = "did you mean " + ", ".join(close) if close else "`symphony-conformance list` shows ids"
    return f"the pattern {pattern!r} matches no requirement and no scenario; {hint}"


def _nothing_left(
    wanted: Sequence[Scenario], reasons: Mapping[str, str], patterns: Sequence[str]
) -> str:
    if wanted:
        listed = "; ".join(f"{name}: {reason}" for name, reason in sorted(reasons.items()))
        return f"nothing is left to play, because of what the manifest says: {listed}"
    if patterns:
        return (
            f"no scenario checks {' '.join(patterns)}; "
            "`symphony-conformance explain ID` says why, where there is a reason"
        )
    return "no scenario belongs to these profiles"


def _not_applicable(
    scenarios: Sequence[Scenario], catalogue: Catalogue, offer: Offer
) -> dict[RequirementId, str]:
    reasons = {
        requirement.id: f"the {requirement.profile} profile is not declared"
        for requirement in catalogue
        if not binds(requirement, offer)
    }
    fit = {check for each in scenarios if unfit(each, offer) is None for check in each.checks}
    for each in scenarios:
        reason = unfit(each, offer)
        for check in each.checks:
            if reason is not None and check not in fit:
                reasons.setdefault(check, reason)
    return reasons

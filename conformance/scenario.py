"""Scenarios: plain async functions that say beforehand which requirements they judge.

Guarantees: every id that a scenario names exists in the catalogue, else importing it fails; names
are unique. Must not: run anything.

    @scenario(
        "A failed turn is tried again after its backoff",
        checks=("retry.backoff.failure", "turn.failed.attempt"),
        lane=Lane.REAL_TIME,
    )
    async def a_failed_turn_backs_off(lab: Lab) -> None:
        ...
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from conformance.catalogue import Catalogue, Profile, RequirementId, load_catalogue

if TYPE_CHECKING:
    from conformance.lab.lab import Lab

Play: TypeAlias = "Callable[[Lab], Awaitable[None]]"


class Lane(StrEnum):
    """Where a scenario runs."""

    FAST = "fast"
    """Everything that it waits for is configured to take less than a second."""
    REAL_TIME = "real_time"
    """It waits for a delay that the specification fixes (1, 10 or 20 s); these start first."""
    ALONE = "alone"
    """It loads the machine or measures so closely that nothing else may run beside it."""


class ScenarioError(Exception):
    """A scenario that cannot be: it names an unknown requirement, or a name that is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One function of the suite.

    `checks`: the ids that it judges. `needs`: capabilities that the manifest has to declare, else
    its checks are not applicable. `dialects`: trackers for which it makes sense; empty: all.
    """

    name: str
    title: str
    checks: tuple[RequirementId, ...]
    lane: Lane
    profile: Profile
    needs: frozenset[str]
    dialects: frozenset[str]
    play: Play


_scenarios: dict[str, Scenario] = {}


@cache
def _catalogue() -> Catalogue:
    return load_catalogue()


def scenario(
    title: str,
    *,
    checks: Sequence[str],
    lane: Lane = Lane.FAST,
    profile: Profile = Profile.CORE,
    needs: Sequence[str] = (),
    dialects: Sequence[str] = (),
) -> Callable[[Play], Play]:
    """Make an async function a scenario. Raises `ScenarioError`."""

    def register(play: Play) -> Play:
        name = play.__name__
        if name in _scenarios and _scenarios[name].play.__module__ != play.__module__:
            raise ScenarioError(f"there are two scenarios named {name}")
        _scenarios[name] = Scenario(
            name=name,
            title=title,
            checks=tuple(_catalogue().require(each).id for each in checks),
            lane=lane,
            profile=profile,
            needs=frozenset(needs),
            dialects=frozenset(dialects),
            play=play,
        )
        return play

    return register


def registered() -> Sequence[Scenario]:
    """Every scenario that was imported, by name."""
    return [_scenarios[name] for name in sorted(_scenarios)]

"""What a mutant is, and where all of them are listed.

Guarantees: names are unique; a mutant that is registered has not changed anything yet. Must not:
import the daemon, so that the list can be had without it.

    @mutant("cap_off_by_one", kills=("slots.global.limit",), about="One session too many runs.")
    def _() -> None:
        replace(...)
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

AREAS: Final = (
    "scheduling",
    "slots",
    "retries",
    "retry_claims",
    "following",
    "start_and_stop",
    "sessions",
    "streams",
    "turns",
    "requests",
    "workspaces",
    "hooks",
    "hook_scripts",
    "workflow_file",
    "config",
    "templates",
    "reload",
    "invalid_reload",
    "reads",
    "records",
    "processes",
    "logs",
    "tools",
    "usage",
    "http",
)
"""The modules of this package that hold mutants, in the order in which they are listed."""

Dialect: TypeAlias = Literal["linear", "github"]


class MutantError(Exception):
    """A mutant that cannot be: its name is taken or unknown, or what it changes is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One defect. `kills` are the ids that must be found broken by it, and no others may be.
    `dialect` is the tracker that shows it. `apply` makes the change in this process."""

    name: str
    area: str
    kills: tuple[str, ...]
    about: str
    dialect: Dialect
    apply: Callable[[], None]


_mutants: Final[dict[str, Mutant]] = {}


def mutant(
    name: str, *, kills: Sequence[str], about: str, dialect: Dialect = "linear"
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register the function that makes the change. Raises `MutantError` for a name that is taken
    and for a defect that breaks nothing."""

    def register(apply: Callable[[], None]) -> Callable[[], None]:
        if name in _mutants:
            raise MutantError(f"there are two mutants called {name}")
        if not kills:
            raise MutantError(f"the mutant {name} breaks nothing")
        area = apply.__module__.rpartition(".")[2]
        _mutants[name] = Mutant(
            name=name, area=area, kills=tuple(kills), about=about, dialect=dialect, apply=apply
        )
        return apply

    return register


def all_mutants(areas: Iterable[str] = AREAS) -> Sequence[Mutant]:
    """Every mutant of these areas. Imports what they change."""
    wanted = tuple(areas)
    for area in wanted:
        importlib.import_module(f"tests.mutants.{area}")
    return [each for area in wanted for each in _mutants.values() if each.area == area]


def find_mutant(name: str) -> Mutant:
    """Raises `MutantError` where there is none of this name."""
    all_mutants()
    if name not in _mutants:
        raise MutantError(f"there is no mutant called {name}; `list` shows all of them")
    return _mutants[name]

"""Links from requirements to documentation: what nobody can see from outside.

Guarantees: every id or pattern means at least one requirement of the right level. Must not: follow
a link.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Annotated, TypeAlias

from pydantic import Field

from conformance.catalogue import Catalogue, Level, load_catalogue

Links: TypeAlias = dict[str, Annotated[str, Field(min_length=1)]]
"""From a requirement's id, or a pattern with `*`, to an address or a path."""


class UnfitRequirementError(ValueError):
    """A link stands at an id that is none, or that has another level. `key` is its place."""

    def __init__(self, key: str, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.key = key
        self.remedy = remedy


@cache
def _catalogue() -> Catalogue:
    return load_catalogue()


def check_links(table: str, links: Mapping[str, str], levels: Collection[Level]) -> None:
    """Raise `UnfitRequirementError` for the first id of `links` that has no place in `table`."""
    for name in links:
        found = _catalogue().matching(name)
        key = f'{table}."{name}"'
        if not found:
            similar = _catalogue().similar(name)
            remedy = f"did you mean {similar[0]}?" if similar else "`list` shows every id"
            raise UnfitRequirementError(key, f"no requirement is called {name!r}", remedy)
        if not any(requirement.level in levels for requirement in found):
            other = "attested" if table == "documentation" else "documentation"
            problem = f"{name} has the level {found[0].level}"
            raise UnfitRequirementError(key, problem, f"it belongs into [{other}]")

"""Hostile programs end with the right exit code, in bounded time, and leave nothing behind."""

from __future__ import annotations

import pytest

from conformance.selftest.hostile import BEHAVIOURS
from conformance.selftest.zoo import ZOO, Animal, visit


def test_every_behaviour_is_judged() -> None:
    assert {animal.name for animal in ZOO} == set(BEHAVIOURS)


@pytest.mark.parametrize("animal", ZOO, ids=lambda animal: animal.name)
def test_the_suite_is_not_impressed(animal: Animal) -> None:
    seen = visit(animal)
    assert seen.code in animal.expected, seen.said
    assert seen.leftovers == ()

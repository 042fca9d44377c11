"""The mutants are what they say: named once, listed with ids that exist, and able to apply."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from conformance.catalogue import Level, load_catalogue
from tests.mutants.gate import LAUNCHER, manifest_text
from tests.mutants.registry import AREAS, all_mutants

TOP = Path(__file__).resolve().parents[3]
MUTANTS = all_mutants()
FEWEST = 60
LIMIT_S = 120.0


def test_there_are_enough_mutants_and_every_area_has_some() -> None:
    counts = Counter(each.area for each in MUTANTS)
    assert len(MUTANTS) >= FEWEST
    assert [area for area in AREAS if counts[area] < 3] == []


def test_every_module_of_mutants_is_listed() -> None:
    words = "from tests.mutants.registry import mutant\n"
    modules = (TOP / "tests" / "mutants").glob("*.py")
    holding = {each.stem for each in modules if words in each.read_text(encoding="utf-8")}
    assert holding == set(AREAS)


def test_names_are_unique_and_can_be_arguments() -> None:
    names = [each.name for each in MUTANTS]
    assert len(set(names)) == len(names)
    assert [name for name in names if not name.isidentifier()] == []


def test_each_is_listed_with_ids_that_can_be_broken() -> None:
    catalogue = load_catalogue()
    levels = {
        (each.name, name): catalogue.require(name).level for each in MUTANTS for name in each.kills
    }
    toothless = [pair for pair, level in levels.items() if level in (Level.MAY, Level.DOCUMENT)]
    assert toothless == []


def test_each_says_in_a_sentence_what_is_wrong() -> None:
    assert [each.name for each in MUTANTS if not each.about.endswith(".")] == []


@pytest.mark.parametrize("area", AREAS)
def test_each_mutant_of_the_area_applies(area: str) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "tests.mutants.check", area],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert checked.stdout + checked.stderr == ""
    assert checked.returncode == 0


def test_a_manifest_starts_the_mutant_in_the_place_of_the_daemon() -> None:
    text = manifest_text("order_newest_first")
    assert f'command = ["{{python}}", "{LAUNCHER}", "order_newest_first", "{{workflow}}"]' in text


def test_the_launcher_works_from_any_directory(tmp_path: Path) -> None:
    words = [sys.executable, str(LAUNCHER)]
    ran = subprocess.run(
        [*words, "order_newest_first", "--version"],
        cwd=tmp_path,
        env={"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert (ran.returncode, ran.stdout.partition(" ")[0]) == (0, "symphony")


def test_an_unknown_mutant_is_refused() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.mutants.program", "no_such_mutant"],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert ran.returncode == 2
    assert "no_such_mutant" in ran.stderr

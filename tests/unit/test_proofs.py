"""Which test proves which requirement, read from the tests themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.catalogue import load_catalogue

TOP = Path(__file__).resolve().parents[2]
REQUIREMENTS = {requirement.id: requirement for requirement in load_catalogue()}

# Sentences about the daemon that no test of it can show, each with the reason.
NOT_PROVABLE: dict[str, str] = {}


def proofs(path: Path) -> Iterator[tuple[str, int]]:
    """The ids named by `proves(...)` marks in one file, with their lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr != "proves":
                continue
            for argument in node.args:
                assert isinstance(argument, ast.Constant), f"{path}:{node.lineno}: not a literal"
                yield str(argument.value), argument.lineno


def every_proof() -> dict[str, list[str]]:
    """Where each id is named."""
    found: dict[str, list[str]] = {}
    for path in sorted((TOP / "tests").rglob("test_*.py")):
        for name, line in proofs(path):
            found.setdefault(name, []).append(f"{path.relative_to(TOP)}:{line}")
    return found


def test_every_id_that_a_test_names_is_in_the_specification() -> None:
    unknown = {name: places for name, places in every_proof().items() if name not in REQUIREMENTS}
    assert not unknown


def test_every_id_that_the_code_names_is_in_the_specification() -> None:
    areas = "|".join({name.split(".")[0] for name in REQUIREMENTS})
    pattern = re.compile(rf"`((?:{areas})\.[a-z0-9_]+\.[a-z0-9_]+)`")
    unknown = [
        f"{path.relative_to(TOP)}: {name}"
        for path in sorted((TOP / "symphony").rglob("*.py"))
        for name in pattern.findall(path.read_text(encoding="utf-8"))
        if name not in REQUIREMENTS and not name.startswith(("tracker.provider", "config.toml"))
    ]
    assert not unknown


@pytest.mark.parametrize("profile", ["core", "tools"])
def test_every_must_of_the_profile_is_proved_by_some_test(profile: str) -> None:
    proved = every_proof()
    missing = [
        name
        for name, requirement in REQUIREMENTS.items()
        if requirement.level == "MUST"
        and requirement.profile == profile
        and name not in proved
        and name not in NOT_PROVABLE
    ]
    assert not missing, f"{len(missing)} unproved: {missing}"

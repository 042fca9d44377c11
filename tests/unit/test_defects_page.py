"""The page of defects seen elsewhere names tests and requirements that exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from conformance.catalogue import load_catalogue

TOP = Path(__file__).parents[2]
PAGE = TOP / "docs" / "defects-elsewhere.md"
REFERENCE = re.compile(r"`(tests/[^`:]+\.py)::(\w+)`")
REQUIREMENT = re.compile(r"`([a-z_]+\.[a-z_]+\.[a-z0-9_]+)`")


def rows() -> Iterator[tuple[str, str, str]]:
    """Defect, requirements and tests of each row, as they are written."""
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("|") and not line.startswith(("| defect |", "|---")):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            assert len(cells) == 3, f"three cells are needed: {line}"
            yield cells[0], cells[1], cells[2]


ROWS = list(rows())


@cache
def functions_of(path: str) -> frozenset[str]:
    """The functions at the top level of a file, where pytest finds the tests of this project."""
    file = TOP / path
    if not file.is_file():
        return frozenset()
    body = ast.parse(file.read_text("utf-8")).body
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in body if isinstance(node, kinds))


def test_there_are_rows() -> None:
    assert len(ROWS) > 50
    assert len({defect for defect, _, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize("tests", [row[2] for row in ROWS], ids=[row[0] for row in ROWS])
def test_every_defect_has_tests_that_exist_or_says_why_not(tests: str) -> None:
    if tests.startswith("next: "):
        return
    references = REFERENCE.findall(tests)
    assert references, "a test or `next: ` with the reason is needed"
    assert ", ".join(f"`{path}::{name}`" for path, name in references) == tests
    missing = [
        f"{path}::{name}"
        for path, name in references
        if not name.startswith("test_") or name not in functions_of(path)
    ]
    assert not missing


def test_every_requirement_that_the_page_names_is_in_the_specification() -> None:
    known = {requirement.id for requirement in load_catalogue()}
    named = [name for _, cell, _ in ROWS for name in REQUIREMENT.findall(cell)]
    assert set(named) <= known

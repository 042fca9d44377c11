"""The scheduler knows no provider, and does not look into what a provider attached."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import symphony.scheduler

SOURCES = sorted(Path(symphony.scheduler.__path__[0]).glob("*.py"))
PROVIDERS = {"linear", "github", "files", "jira", "memory"}


def words_of(path: Path) -> set[str]:
    """Attributes, names and texts that the code of one file uses; prose does not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set() if id(node) in prose else set(node.value.lower().split())
    return found


@pytest.mark.proves("tracker.core.neutral")
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_decision_looks_at_provider_data_or_names_a_provider(path: Path) -> None:
    words = words_of(path)
    assert not words & {"native_ref", "provider", "kind_of_tracker", *PROVIDERS}


def test_the_scan_would_notice_a_provider() -> None:
    assert SOURCES
    assert "transitions" in {path.stem for path in SOURCES}
    assert "retrying" in words_of(next(path for path in SOURCES if path.stem == "retries"))

"""The reference of the manifest names everything that a manifest can hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from conformance.manifest import sections
from conformance.manifest.model import Manifest
from conformance.manifest.placeholders import (
    COMMAND_PLACEHOLDERS,
    FRONT_MATTER_PLACEHOLDERS,
    VERSION_PLACEHOLDERS,
)
from conformance.manifest.sections import Capability

PAGE = Path(__file__).parents[4] / "docs" / "conformance" / "manifest.md"
TABLES: tuple[type[BaseModel], ...] = (
    sections.Implementation,
    sections.Build,
    sections.Launch,
    sections.Http,
    sections.Logs,
    sections.Tracker,
    sections.Policies,
    sections.Limits,
)


@pytest.fixture
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("table", TABLES, ids=lambda each: each.__name__.lower())
def test_each_key_of_a_table_has_a_row_in_its_chapter(page: str, table: type[BaseModel]) -> None:
    chapter = page.split(f"## `[{table.__name__.lower()}]`\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", chapter, re.MULTILINE)) == set(table.model_fields)


def test_each_table_of_the_manifest_is_on_the_page(page: str) -> None:
    for name, field in Manifest.model_fields.items():
        assert f"`{field.alias or name}`" in page or f"`[{name}]`" in page


def test_each_capability_and_placeholder_is_on_the_page(page: str) -> None:
    for capability in Capability:
        assert f"| `{capability.value}` |" in page
    placeholders = COMMAND_PLACEHOLDERS | FRONT_MATTER_PLACEHOLDERS | VERSION_PLACEHOLDERS
    assert placeholders == set(re.findall(r"`\{(\w+)\}`", page))

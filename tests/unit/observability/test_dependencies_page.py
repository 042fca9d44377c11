"""Every dependency has its line of reason, and none is explained that is not there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

TOP = Path(__file__).parents[3]
NAME = re.compile(r"[A-Za-z0-9._-]+")


def declared() -> set[str]:
    project = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]
    lines: list[str] = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        lines += extra
    matches = [NAME.match(line) for line in lines]
    return {match[0] for match in matches if match is not None}


def explained() -> set[str]:
    page = (TOP / "docs" / "decisions" / "0001-dependencies.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


def test_the_page_on_dependencies_names_exactly_those_that_are_declared() -> None:
    assert explained() == declared()

"""The providers' full public schemas, where they are at hand: in `shared/schemas` beside the
checkout. They are large and not part of this tree; a test that needs one skips without it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema

DIRECTORY = Path(__file__).resolve().parents[3] / "shared" / "schemas"


def full_text(name: str) -> str:
    """The text of `NAME.graphql`; skips the test, loudly, where it is not there."""
    path = DIRECTORY / f"{name}.graphql"
    if not path.exists():
        pytest.skip(f"NOT CHECKED against the full schema: {path} is not there")
    return path.read_text(encoding="utf-8")


@cache
def _build(text: str) -> GraphQLSchema:
    return build_schema(text, assume_valid=True)


def full_schema(name: str) -> GraphQLSchema:
    """The schema in `NAME.graphql`, or a skipped test."""
    return _build(full_text(name))

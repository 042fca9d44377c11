"""An editor that knows the schema says of a front matter what the loader says."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import jsonschema
import pytest

from symphony.cli.schema import schema_text
from symphony.documents.front_matter import parse_document
from symphony.domain.json import JsonObject, as_object
from symphony.domain.problems import ProblemError
from symphony.workflow.json_schema import front_matter_schema
from symphony.workflow.loader import load_workflow
from symphony.workflow.schema import sections
from tests.support.workflows import ADAPTERS, ENVIRONMENT

CORPUS: Final = Path(__file__).parent / "corpus"
PUBLISHED: Final = Path(__file__).parents[3] / "docs" / "workflow.schema.json"
SCHEMA: Final = front_matter_schema(ADAPTERS)

# What the loader refuses for more than the map itself tells: the states that an adapter brings.
BEYOND: Final = {"missing_states.md"}


def _map_of(path: Path) -> JsonObject | None:
    """None where there is no map that a schema could judge."""
    try:
        return parse_document(path.read_bytes(), path=None).metadata
    except ProblemError:
        return None


def _loads(path: Path) -> bool:
    try:
        load_workflow(path, environment=ENVIRONMENT, adapter_defaults=ADAPTERS)
    except ProblemError:
        return False
    return True


def _is_good(found: JsonObject) -> bool:
    try:
        jsonschema.validate(found, dict(SCHEMA))
    except jsonschema.ValidationError:
        return False
    return True


FILES: Final = [
    pytest.param(path, id=path.name)
    for path in sorted(CORPUS.glob("*/*.md"))
    if path.name not in BEYOND and _map_of(path) is not None
]


def test_there_are_enough_files_to_agree_on() -> None:
    assert len(list(CORPUS.glob("*/*.md"))) >= 60
    assert len(FILES) >= 40


@pytest.mark.parametrize("path", FILES)
def test_schema_and_loader_agree(path: Path) -> None:
    found = _map_of(path)
    assert found is not None
    assert _is_good(dict(found)) is _loads(path)


def test_the_schema_is_one_and_is_published_as_it_is_printed() -> None:
    jsonschema.Draft202012Validator.check_schema(dict(SCHEMA))
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text()


def test_every_key_says_what_it_means_and_when_an_edit_applies() -> None:
    properties = as_object(SCHEMA["properties"]) or {}
    for name, section in sections().items():
        members = as_object((as_object(properties[name]) or {})["properties"]) or {}
        assert set(members) == set(section.model_fields)
        for key, told in members.items():
            member = as_object(told) or {}
            assert member["description"], f"{name}.{key}"
            assert member["x-applies"] in ("live", "restart")

"""docs/configuration.md says what the program does, and the project's own WORKFLOW.md is good."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path
from typing import Final

import pytest

from symphony.domain.issue import Issue
from symphony.workflow import doubts, kind, loader, template_check, validation
from symphony.workflow.loader import load_workflow
from symphony.workflow.rules import Words
from symphony.workflow.schema import FrontMatter, sections
from symphony.workflow.section import applies
from symphony.workflow.settings_reference import (
    default_text,
    example_of,
    render_settings_reference,
    with_reference,
)
from symphony.workflow.template import parse_template
from symphony.workflow.template_language import (
    FILTERS,
    MAXIMUM_ITERATIONS,
    MAXIMUM_PROMPT_CHARACTERS,
)
from tests.support.workflows import ADAPTERS, BARE_ISSUE, ENVIRONMENT, FULL_ISSUE, loaded

TOP: Final = Path(__file__).parents[3]
PAGE: Final = (TOP / "docs" / "configuration.md").read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_models() -> None:
    update = "from symphony.workflow.settings_reference import update_page"
    assert with_reference(PAGE) == PAGE, (
        f"run: .venv/bin/python -c \"{update}; update_page('docs/configuration.md')\""
    )


@pytest.mark.parametrize(
    ("section", "name"),
    [(section, name) for section, model in sections().items() for name in model.model_fields],
)
def test_every_key_has_words_a_default_an_example_and_a_moment(section: str, name: str) -> None:
    field = sections()[section].model_fields[name]
    assert field.description
    assert field.description.endswith(".")
    assert any(isinstance(entry, Words) for entry in field.metadata)
    assert default_text(field) not in ("", "`null`")
    assert applies(field) in ("live", "restart")
    metadata = {section: {name: example_of(field)}}
    assert FrontMatter.model_validate(metadata).model_fields_set == {section}


def test_every_section_is_in_the_tables() -> None:
    reference = render_settings_reference()
    assert all(f"### `{section}`" in reference for section in FrontMatter.model_fields)
    assert set(sections()) == set(FrontMatter.model_fields)


@pytest.mark.parametrize(
    "code",
    [
        loader.MISSING_FILE,
        kind.MISSING_KIND,
        kind.UNSUPPORTED_KIND,
        kind.MISSING_STATES,
        validation.INVALID_SETTING,
        validation.UNKNOWN_SETTING,
        validation.IGNORED_STATE_LIMIT,
        doubts.DOUBTFUL_SETTING,
        template_check.PARSE_ERROR,
        template_check.RENDER_ERROR,
        "workflow_parse_error",
        "workflow_front_matter_not_a_map",
    ],
)
def test_every_code_is_explained(code: str) -> None:
    assert f"| `{code}` |" in PAGE


def test_what_templates_have_is_listed() -> None:
    listed = re.search(r"Filters: (.*?)\. Of Jinja's tests", PAGE, re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"`(\w+)`", listed.group(1))) == FILTERS - {"d"}
    for field in dataclasses.fields(Issue):
        assert f"`issue.{field.name}`" in PAGE
    assert f"{MAXIMUM_PROMPT_CHARACTERS:,}" in PAGE
    assert f"{MAXIMUM_ITERATIONS:,}" in PAGE


EXAMPLES: Final = re.findall(r"```jinja\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_templates_work(example: str) -> None:
    template = parse_template(f"Work.\n{example}")
    assert template.problems == ()
    for issue in (FULL_ISSUE, BARE_ISSUE):
        assert template.render(issue, 2)


def test_the_example_of_a_file_loads() -> None:
    example = re.search(r"```markdown\n(---\n.*?)```", PAGE, re.DOTALL)
    assert example is not None
    assert loaded(example.group(1)).warnings == ()


def test_the_projects_own_workflow_is_good() -> None:
    workflow = load_workflow(
        TOP / "WORKFLOW.md", environment=ENVIRONMENT, adapter_defaults=ADAPTERS
    )
    assert workflow.warnings == ()
    for issue in (FULL_ISSUE, BARE_ISSUE):
        assert issue.identifier in workflow.template.render(issue, None)


def test_the_folder_that_the_projects_own_workflow_names_is_there() -> None:
    workflow = load_workflow(
        TOP / "WORKFLOW.md", environment=ENVIRONMENT, adapter_defaults=ADAPTERS
    )
    path = workflow.settings.tracker.provider["path"]
    assert isinstance(path, str)
    assert os.path.isdir(TOP / path)

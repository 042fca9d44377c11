"""Mutants of reading WORKFLOW.md: its two parts, its values, and what is said of its mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace as changed
from typing import Any

from symphony.documents import front_matter, yaml_scalars
from symphony.documents.front_matter import Document, StrictFrontMatter
from symphony.domain.json import JsonValue
from symphony.domain.problems import Problem
from symphony.runtime import reload
from symphony.workflow import loader, template, validation
from symphony.workflow.template import PromptTemplate
from symphony.workflow.validation import UNKNOWN_SETTING, CheckedFrontMatter
from tests.mutants.patching import replace
from tests.mutants.registry import mutant


@mutant(
    "prompt_ends_at_three_hyphens",
    kills=("workflow.front_matter.split",),
    about="A further line of three hyphens ends the prompt.",
)
def _() -> None:
    original = StrictFrontMatter.split

    def split(self: StrictFrontMatter, text: str) -> tuple[str, str]:
        block, body = original(self, text)
        return block, body.partition("\n---\n")[0]

    replace(StrictFrontMatter, "split", split)


@mutant(
    "byte_order_mark_hides_settings",
    kills=("workflow.front_matter.fence",),
    about="A byte order mark keeps the first line from opening the front matter.",
)
def _() -> None:
    replace(front_matter, "_BYTE_ORDER_MARK", "\0")


@mutant(
    "no_is_false",
    kills=("workflow.front_matter.scalars",),
    about="A plain `no`, `off` or `on` is a truth value.",
)
def _() -> None:
    original = yaml_scalars.plain_value
    words = {"no": False, "off": False, "yes": True, "on": True}

    def plain_value(text: str) -> JsonValue:
        return words[text] if text in words else original(text)

    replace(yaml_scalars, "plain_value", plain_value)


@mutant(
    "blanks_around_the_prompt",
    kills=("workflow.body.trimmed",),
    about="Blanks before and after the body belong to the prompt.",
)
def _() -> None:
    parse = template.parse_template
    render = PromptTemplate.render
    around: dict[str, tuple[str, str]] = {}

    def parse_template(body: str, **where: Any) -> PromptTemplate:
        parsed = parse(body, **where)
        before = body[: len(body) - len(body.lstrip())].replace("\n", "")
        after = body[len(body.rstrip()) :].replace("\n", "")
        around[parsed.source] = (before, after)
        return parsed

    def padded(self: PromptTemplate, *arguments: Any) -> str:
        before, after = around.get(self.source, ("", ""))
        return f"{before}{render(self, *arguments)}{after}"

    replace(template, "parse_template", parse_template)
    replace(PromptTemplate, "render", padded)


def _told(change: Callable[[Problem], Problem]) -> None:
    """Tell of the problems of a file in another way."""
    original = reload.problem_fields

    def problem_fields(problem: Problem) -> Mapping[str, str | int | None]:
        return original(change(problem))

    replace(reload, "problem_fields", problem_fields)


@mutant(
    "problems_without_class",
    kills=("workflow.error.class_names",),
    about="What is told of a mistake does not name its class.",
)
def _() -> None:
    _told(lambda problem: changed(problem, code="invalid"))


@mutant(
    "problems_without_place",
    kills=("workflow.error.location",),
    about="What is told of a mistake names neither line nor key.",
)
def _() -> None:
    _told(lambda problem: changed(problem, line=None, key=None))


@mutant(
    "missing_file_is_not_named",
    kills=("workflow.path.missing",),
    about="That a workflow file is missing is told without its path.",
)
def _() -> None:
    def unnamed(problem: Problem) -> Problem:
        return changed(problem, path=None) if problem.code == loader.MISSING_FILE else problem

    _told(unnamed)


@mutant(
    "unknown_key_is_refused",
    kills=("config.unknown_keys.ignored",),
    about="A key that nobody knows makes the file invalid.",
)
def _() -> None:
    original = validation.check_front_matter

    def check(document: Document, path: str) -> CheckedFrontMatter:
        checked = original(document, path)
        unknown = tuple(each for each in checked.warnings if each.code == UNKNOWN_SETTING)
        if not unknown:
            return checked
        return changed(checked, values=None, problems=(*checked.problems, *unknown))

    replace(validation, "check_front_matter", check)

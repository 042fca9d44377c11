"""Mutants of prompts: what a template sees, and what it may not say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symphony.domain.issue import Issue
from symphony.domain.json import JsonValue
from symphony.workflow import prompt_input, template, template_check, template_language
from symphony.workflow.template_check import ANYTHING
from symphony.workflow.template_language import PromptEnvironment
from tests.mutants.patching import private, replace, replace_item
from tests.mutants.registry import mutant


def _variables(change: Callable[[dict[str, JsonValue]], None]) -> None:
    """Let templates see other values."""
    original = prompt_input.prompt_variables

    def prompt_variables(issue: Issue, attempt: int | None) -> dict[str, JsonValue]:
        variables = original(issue, attempt)
        change(variables)
        return variables

    replace(prompt_input, "prompt_variables", prompt_variables)


def _issue(change: Callable[[dict[str, Any]], None]) -> None:
    """Let templates see another issue."""
    original = private(prompt_input, "_issue")

    def issue_values(issue: Issue) -> dict[str, Any]:
        values: dict[str, Any] = original(issue)
        change(values)
        return values

    replace(prompt_input, "_issue", issue_values)


@mutant(
    "unknown_field_is_nothing",
    kills=("template.variable.unknown", "template.variable.host_members"),
    about="A field of `issue` that does not exist prints nothing.",
)
def _() -> None:
    original = PromptEnvironment.member

    def member(self: PromptEnvironment, obj: object, name: object) -> object:
        is_missing = _is_map(obj) and name not in private(obj, "keys")()
        return None if is_missing else original(self, obj, name)

    replace(PromptEnvironment, "member", member)
    replace_item(_shapes(), "issue", ANYTHING)


@mutant(
    "host_members_are_known",
    kills=("template.variable.host_members",),
    about="A template finds methods of the host language's objects, such as `issue.items`.",
)
def _() -> None:
    original = PromptEnvironment.member

    def member(self: PromptEnvironment, obj: object, name: object) -> object:
        is_method = _is_map(obj) and str(name) in methods
        if is_method and name not in private(obj, "keys")():
            return private(obj, str(name))
        return original(self, obj, name)

    shape = _shapes()["issue"]
    members = dict(shape.members or {})
    methods = [name for name in dir(dict) if not name.startswith("_")]
    replace(PromptEnvironment, "member", member)
    more = {**members, **dict.fromkeys(methods, ANYTHING)}
    replace_item(_shapes(), "issue", type(shape)(members=more))


def _is_map(value: object) -> bool:
    return type(value) is dict


def _as_it_is(value: object, *_: object) -> object:
    return value


def _shapes() -> Any:
    return prompt_input.VARIABLES


@mutant(
    "unknown_filter_is_skipped",
    kills=("template.filter.unknown",),
    about="A filter that does not exist leaves its value as it is.",
)
def _() -> None:
    class Lenient(dict[str, Any]):
        def __contains__(self, name: object) -> bool:
            return True

        def __missing__(self, name: str) -> Any:
            del name
            return _as_it_is

        def get(self, name: str, default: object = None) -> Any:
            del default
            return self[name]

    environment = private(template, "_ENVIRONMENT")
    lenient = Lenient(environment.filters)
    replace_item(private(environment, "__dict__"), "filters", lenient)
    check = private(template_check, "_Check")
    known = private(check, "_known")

    def is_known(self: object, what: str, *more: Any) -> None:
        if what != "filter":
            known(self, what, *more)

    replace(check, "_known", is_known)


@mutant(
    "null_prints_none",
    kills=("template.issue.null_text",),
    about="A null value is printed as `None`.",
)
def _() -> None:
    original = template_language.as_prompt_text

    def as_prompt_text(value: object) -> str:
        return "None" if value is None else original(value)

    replace(template_language, "as_prompt_text", as_prompt_text)


@mutant(
    "fresh_attempt_is_one",
    kills=("template.attempt.fresh",),
    about="In a fresh dispatch `attempt` is 1.",
)
def _() -> None:
    def one(variables: dict[str, JsonValue]) -> None:
        if variables["attempt"] is None:
            variables["attempt"] = 1

    _variables(one)


@mutant(
    "branch_name_is_missing",
    kills=("template.issue.fields",),
    about="`issue.branch_name` does not exist in a template.",
)
def _() -> None:
    _issue(lambda values: values.__delitem__("branch_name"))


@mutant(
    "labels_are_one_text",
    kills=("template.issue.fields",),
    about="`issue.labels` is one text, over whose characters a loop goes.",
)
def _() -> None:
    def join(values: dict[str, Any]) -> None:
        values["labels"] = ", ".join(values["labels"])

    _issue(join)


@mutant(
    "null_fields_are_missing",
    kills=("template.issue.nullable", "template.issue.null_text"),
    about="A field of `issue` without a value is not defined.",
)
def _() -> None:
    def drop(values: dict[str, Any]) -> None:
        for name in [each for each, value in values.items() if value is None]:
            del values[name]

    _issue(drop)

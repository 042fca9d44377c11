"""Prompt templates: what they see, what they print, and every way in which they are wrong."""

from __future__ import annotations

import dataclasses
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony.domain.issue import Issue
from symphony.domain.json import JsonObject
from symphony.domain.problems import Problem, ProblemError
from symphony.domain.settings import DEFAULT_PROMPT
from symphony.workflow.prompt_input import VARIABLES, prompt_variables
from symphony.workflow.template import (
    MAXIMUM_PROBLEMS,
    MAXIMUM_TEMPLATE_CHARACTERS,
    continuation_prompt,
    parse_template,
)
from symphony.workflow.template_language import (
    BUDGET,
    FILTERS,
    MAXIMUM_ITERATIONS,
    MAXIMUM_PROMPT_CHARACTERS,
)
from tests.support.workflows import BARE_ISSUE, FULL_ISSUE

# Where the body of the tests' workflow file begins.
BODY_LINE: Final = 10


def rendered(body: str, *, issue: Issue = FULL_ISSUE, attempt: int | None = None) -> str:
    template = parse_template(body, path="WORKFLOW.md", body_line=BODY_LINE)
    assert template.problems == ()
    return template.render(issue, attempt)


def checked(body: str) -> tuple[Problem, ...]:
    """What is wrong with the template before any issue is known."""
    return parse_template(body, path="WORKFLOW.md", body_line=BODY_LINE).problems


def failure(body: str, *, issue: Issue = FULL_ISSUE, attempt: int | None = None) -> Problem:
    """Why rendering fails, for a template in which nothing is wrong beforehand."""
    template = parse_template(body, path="WORKFLOW.md", body_line=BODY_LINE)
    assert template.problems == ()
    with pytest.raises(ProblemError) as caught:
        template.render(issue, attempt)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.proves("template.issue.fields")
def test_a_template_sees_exactly_the_fields_of_an_issue() -> None:
    names = {field.name for field in dataclasses.fields(Issue)}
    members = VARIABLES["issue"].members
    assert members is not None
    assert set(members) == {*names, "pull_requests"}
    values = prompt_variables(FULL_ISSUE, None)["issue"]
    assert isinstance(values, dict)
    assert set(values) == {*names, "pull_requests"}


PULL_REQUEST: Final[JsonObject] = {
    "number": 12,
    "repository": "acme/widgets",
    "state": "open",
    "is_draft": False,
    "url": "https://example.org/12",
    "branch": "ada/fix",
}


def test_a_template_sees_the_pull_requests_that_the_tracker_linked() -> None:
    linked = dataclasses.replace(BARE_ISSUE, native_ref={"pull_requests": [PULL_REQUEST]})
    body = "{% for each in issue.pull_requests %}#{{ each.number }} {{ each.branch }}{% endfor %}!"
    assert rendered(body, issue=linked) == "#12 ada/fix!"
    assert checked("{{ issue.pull_requests[0].branch }}") == ()
    assert checked("{{ issue.pull_requests[0].brunch }}") != ()


@pytest.mark.parametrize(
    "native_ref", [None, {}, {"pull_requests": None}, {"pull_requests": "12"}, {"path": "a.md"}]
)
def test_where_no_pull_requests_are_known_the_list_of_them_is_empty(
    native_ref: JsonObject | None,
) -> None:
    issue = dataclasses.replace(BARE_ISSUE, native_ref=native_ref)
    assert rendered("{{ issue.pull_requests }}", issue=issue) == "[]"


@pytest.mark.proves("template.issue.fields")
@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("issue.id", "id-1"),
        ("issue.identifier", "ABC-1"),
        ("issue.description", "First line\nSecond line"),
        ("issue.priority", "2"),
        ("issue.state", "In Progress"),
        ("issue.branch_name", "abc-1"),
        ("issue.url", "https://example.org/ABC-1"),
        ("issue.assignee_id", "ada"),
        ("issue.dispatchable", "true"),
        ("issue.created_at", "2026-01-02T03:04:05Z"),
        ("issue.updated_at", "2026-01-02T03:04:05.600000Z"),
        ("issue.labels", '["agent", "ui"]'),
        ("issue.labels[1]", "ui"),
        ("issue.labels | join(', ')", "agent, ui"),
        ("issue.labels | length", "2"),
        ("issue.labels | map('upper')", '["AGENT", "UI"]'),
        ("issue.blocked_by[0].identifier", "ABC-0"),
        ("issue.blocked_by | selectattr('state') | map(attribute='id') | first", "id-0"),
        ("issue.native_ref.board.column + 1", "4"),
        ("issue['native_ref']['board']['column']", "3"),
        ("issue.native_ref", '{"board": {"column": 3}, "items": ["a"]}'),
        ("issue.native_ref['items'][0]", "a"),
        ("issue.native_ref | tojson", '{"board": {"column": 3}, "items": ["a"]}'),
        ("issue.title | truncate(10, true)", "Fix the..."),
        ("issue.state == 'In Progress'", "true"),
        ("'ui' in issue.labels", "true"),
    ],
)
def test_fields_can_be_printed_and_worked_with(expression: str, text: str) -> None:
    assert rendered("{{ " + expression + " }}") == text


@pytest.mark.proves("template.issue.fields")
def test_lists_can_be_walked_through() -> None:
    body = (
        "{% for label in issue.labels %}{{ loop.index }}:{{ label }}"
        "{% if not loop.last %}, {% endif %}{% endfor %}"
        "{% for blocker in issue.blocked_by %} [{{ blocker.identifier }}]"
        "{% else %} free{% endfor %}"
    )
    assert rendered(body) == "1:agent, 2:ui [ABC-0] []"
    assert rendered(body, issue=BARE_ISSUE) == " free"


NULLABLE: Final = (
    *("native_ref", "description", "priority", "branch_name", "url", "assignee_id"),
    *("created_at", "updated_at"),
)


@pytest.mark.proves("template.issue.nullable", "template.issue.null_text")
@pytest.mark.parametrize("name", NULLABLE)
def test_a_field_without_a_value_can_be_tested_and_prints_nothing(name: str) -> None:
    body = (
        f"[{{{{ issue.{name} }}}}]{{% if issue.{name} %}}set{{% else %}}unset{{% endif %}}"
        f" {{{{ issue.{name} is none }}}} {{{{ issue.{name} | default('-', true) }}}}"
    )
    assert rendered(body, issue=BARE_ISSUE) == "[]unset true -"


@pytest.mark.proves("template.issue.null_text")
@pytest.mark.parametrize("name", ["upper", "lower", "title", "trim", "string", "capitalize"])
def test_null_passes_through_text_filters_as_nothing(name: str) -> None:
    body = "[{{ issue.description | " + name + " }}]"
    assert rendered(body, issue=BARE_ISSUE) == "[]"


def test_null_joined_to_text_adds_nothing() -> None:
    assert rendered("{{ 'at ' ~ issue.url ~ '!' }}", issue=BARE_ISSUE) == "at !"


@pytest.mark.proves("template.attempt.fresh")
def test_attempt_is_null_in_a_fresh_run() -> None:
    assert rendered("{% if attempt %}again{% else %}fresh{% endif %}[{{ attempt }}]") == "fresh[]"


@pytest.mark.proves("template.attempt.later")
def test_attempt_is_an_integer_later() -> None:
    assert rendered("{{ attempt }} {{ attempt + 1 }} {{ attempt is integer }}", attempt=2) == (
        "2 3 true"
    )


@pytest.mark.proves("template.variable.unknown", "template.variable.untaken_branch")
@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("nobody", "nobody"),
        ("isue.title", "isue"),
        ("issue.titel", "issue.titel"),
        ("issue['titel']", "issue.titel"),
        ("issue.title.text", "issue.title.text"),
        ("issue.labels.first", "issue.labels.first"),
        ("issue.blocked_by[0].name", "issue.blocked_by[0].name"),
        ("(issue.blocked_by | first).name", "(...).name"),
        ("attempt.number", "attempt.number"),
        ("loop.index", "loop"),
        (BUDGET, BUDGET),
        ("nobody | default('x')", "nobody"),
        ("'x' if nobody else 'y'", "nobody"),
        ("nobody is defined", "nobody"),
    ],
)
def test_an_unknown_name_is_found_in_a_branch_that_is_not_taken(
    expression: str, named: str
) -> None:
    (problem,) = checked("One\n{% if false %}\n{{ " + expression + " }}\n{% endif %}")
    assert (problem.code, problem.line) == ("template_render_error", BODY_LINE + 2)
    assert f"`{named}` does not exist" in problem.message


@pytest.mark.proves("template.variable.host_members")
@pytest.mark.parametrize(
    "name",
    ["items", "keys", "values", "get", "__class__", "__init__", "copy", "pop", "_x"],
)
def test_members_of_python_objects_are_out_of_reach(name: str) -> None:
    (problem,) = checked("{{ issue." + name + " }}")
    assert problem.code == "template_render_error"
    assert "does not exist" in failure("{{ issue.native_ref.board." + name + " }}").message
    assert "does not exist" in failure("{{ issue.native_ref['items'][0]." + name + " }}").message


@pytest.mark.proves("template.variable.host_members")
def test_a_key_of_the_data_wins_over_a_method_of_that_name() -> None:
    assert rendered("{{ issue.native_ref.items }}") == '["a"]'


@pytest.mark.proves("template.filter.unknown", "template.variable.untaken_branch")
@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("issue.title | upcase", "the filter `upcase` does not exist"),
        ("issue.title | attr('x')", "the filter `attr` does not exist"),
        ("issue.title | center(1000000000)", "the filter `center` does not exist"),
        ("issue.labels | map('upcase')", "the filter `upcase` does not exist"),
        ("issue.labels | select('shiny')", "the test `shiny` does not exist"),
        ("issue.title is shiny", "the test `shiny` does not exist"),
        ("issue.title is callable", "the test `callable` does not exist"),
    ],
)
def test_an_unknown_filter_or_test_is_found_in_a_branch_that_is_not_taken(
    expression: str, message: str
) -> None:
    (problem,) = checked("{% if false %}\n{{ " + expression + " }}{% endif %}")
    assert (problem.code, problem.line) == ("template_render_error", BODY_LINE + 1)
    assert problem.message == message


def test_a_misspelt_name_comes_with_the_right_one() -> None:
    (problem,) = checked("{{ issue.identifer }}")
    assert problem.remedy == "Did you mean `identifier`?"


def test_every_mistake_of_a_template_is_reported_with_its_line() -> None:
    problems = checked("{{ a }}\n\n{{ issue.b }}\n{% set c = 1 %}{{ c }}{{ issue.id | d2 }}")
    assert [problem.line for problem in problems] == [BODY_LINE, BODY_LINE + 2, BODY_LINE + 3]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("{% if %}x{% endif %}", 0),
        ("a\nb {% for x in issue.labels %}", 1),
        ("a\n\n{{ issue.title", 2),
        ("{% assign x = 1 %}", 0),
        ("a\n{% unless attempt %}{% endunless %}", 1),
        ("{{ issue.title | default: 'x' }}", 0),
        ("{% endif %}", 0),
        ("{{ " + "(" * 3_000 + "1" + ")" * 3_000 + " }}", 0),
    ],
)
def test_a_malformed_template_is_a_parse_error_with_its_line(body: str, line: int) -> None:
    (problem,) = checked(body)
    assert (problem.code, problem.line) == ("template_parse_error", BODY_LINE + line)
    assert problem.remedy


@pytest.mark.parametrize(
    "body",
    [
        "{% include 'x' %}",
        "{% import 'x' as x %}",
        "{% from 'x' import y %}",
        "{% extends 'x' %}",
        "{% block x %}{% endblock %}",
        "{% macro x() %}{% endmacro %}",
        "{% call issue.x() %}{% endcall %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% for x in issue.labels recursive %}{{ x }}{% endfor %}",
        "{{ issue.title.upper() }}",
        "{{ range(3) }}",
        "{{ issue.native_ref.board() }}",
        "{{ 2 ** 8 }}",
        "{% set issue.title = 1 %}",
    ],
)
def test_what_a_prompt_has_no_use_for_is_refused(body: str) -> None:
    assert "template_parse_error" in {problem.code for problem in checked(body)}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("a\n{{ issue.native_ref.missing }}", "`missing` does not exist here"),
        ("a\n{{ issue.native_ref.missing.more }}", "`missing` does not exist here"),
        ("a\n{{ issue.labels[9] }}", "`9` does not exist here"),
        ("a\n{{ 1 // 0 }}", "division"),
        ("a\n{{ issue.title - 1 }}", "unsupported"),
        ("a\n{{ 'x' * 1000000000 }}", "numbers only"),
        ("a\n{{ '%1000000000d' % 1 }}", "numbers only"),
        ("a\n{{ issue.labels + issue.labels }}", "numbers only"),
        ("a\n{% for x in 5 %}{% endfor %}", "not iterable"),
        ("a\n{% if attempt %}{% set x = 1 %}{% endif %}{{ x }}", "'x' is undefined"),
    ],
)
def test_what_only_rendering_can_tell_fails_the_run_with_its_line(body: str, message: str) -> None:
    problem = failure(body)
    assert (problem.code, problem.line) == ("template_render_error", BODY_LINE + 1)
    assert message in problem.message


def test_rendering_a_template_with_problems_raises_them() -> None:
    template = parse_template("{{ a }}{{ b }}")
    with pytest.raises(ProblemError) as caught:
        template.render(FULL_ISSUE, None)
    assert caught.value.problems == template.problems


def test_what_an_issue_says_is_never_evaluated() -> None:
    hostile = dataclasses.replace(
        FULL_ISSUE,
        title="{{ attempt }}{% for x in issue.labels %}",
        description="{{ ''.__class__.__mro__ }} {# gone #}",
        labels=("{{ 7 * 7 }}",),
    )
    assert rendered(
        "{{ issue.title }}|{{ issue.description }}|{{ issue.labels[0] }}", issue=hostile
    ) == (f"{hostile.title}|{hostile.description}|{hostile.labels[0]}")


@given(title=st.text(min_size=1), description=st.none() | st.text())
def test_any_text_of_an_issue_arrives_unchanged(title: str, description: str | None) -> None:
    issue = dataclasses.replace(FULL_ISSUE, title=title, description=description)
    prompt = parse_template("<{{ issue.title }}|{{ issue.description }}>").render(issue, None)
    assert prompt == f"<{title}|{description or ''}>"


def test_loops_are_bounded_in_all_their_passes_together() -> None:
    nested = "{% for a in issue.title %}" * 6 + "{% endfor %}" * 6
    assert str(MAXIMUM_ITERATIONS) in failure("x" + nested).message


def test_the_prompt_is_bounded() -> None:
    issue = dataclasses.replace(FULL_ISSUE, description="x" * (MAXIMUM_PROMPT_CHARACTERS // 2))
    assert len(rendered("{{ issue.description }}" * 2, issue=issue)) == MAXIMUM_PROMPT_CHARACTERS
    problem = failure("{{ issue.description }}" * 3, issue=issue)
    assert str(MAXIMUM_PROMPT_CHARACTERS) in problem.message


def test_the_fixed_text_of_a_template_counts_too() -> None:
    body = "{% for a in issue.title %}{% for b in issue.title %}" + "x" * 4_000
    assert str(MAXIMUM_PROMPT_CHARACTERS) in failure(body + "{% endfor %}{% endfor %}").message


def test_text_that_doubles_is_bounded() -> None:
    doubling = "{% set x = x ~ x %}" * 64
    assert str(MAXIMUM_PROMPT_CHARACTERS) in failure("{% set x = 'ab' %}" + doubling).message


def test_text_that_replacing_makes_longer_is_bounded() -> None:
    issue = dataclasses.replace(FULL_ISSUE, description="x" * 2_000)
    body = "{{ issue.description | replace('x', issue.description) }}"
    assert str(MAXIMUM_PROMPT_CHARACTERS) in failure(body, issue=issue).message


@pytest.mark.parametrize(
    ("filter_", "text"),
    [
        ("replace('a', 'bb')", "bbnbbnbb"),
        ("replace('a', none, 2)", "nna"),
        ("replace('', '-')", "-a-n-a-n-a-"),
        ("replace('q', 'x')", "anana"),
        ("replace('a', 'x', 0)", "anana"),
    ],
)
def test_replacing_works_as_it_does_in_python(filter_: str, text: str) -> None:
    assert rendered("{{ 'anana' | " + filter_ + " }}") == text


def test_the_template_itself_is_bounded() -> None:
    (problem,) = checked("x" * (MAXIMUM_TEMPLATE_CHARACTERS + 1))
    assert problem.code == "template_parse_error"
    assert str(MAXIMUM_TEMPLATE_CHARACTERS) in problem.message


def test_the_list_of_mistakes_is_bounded() -> None:
    assert len(checked("{{ x }}" * 100)) == MAXIMUM_PROBLEMS


@pytest.mark.proves("template.body.fallback")
@pytest.mark.parametrize("body", ["", "  \n\t\n"])
def test_an_empty_body_gives_the_default_prompt(body: str) -> None:
    assert rendered(body) == DEFAULT_PROMPT


def test_a_prompt_that_comes_out_empty_fails_the_run() -> None:
    assert "empty" in failure("{% if attempt %}again{% endif %}").message


@pytest.mark.proves("workflow.body.trimmed")
def test_space_around_the_body_is_no_part_of_the_prompt() -> None:
    template = parse_template("\r\n\n  Work.\r\nOn.  \n\n", body_line=4)
    assert template.source == "Work.\nOn."
    assert template.first_line == 6


def test_notes_and_raw_text_are_what_they_say() -> None:
    assert rendered("{# not sent #}{% raw %}{{ x }}{% endraw %}") == "{{ x }}"


def test_set_with_and_filter_blocks_work() -> None:
    body = (
        "{% set name = issue.identifier | lower %}{{ name }} "
        "{% set block %}<{{ name }}>{% endset %}{{ block }} "
        "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %} "
        "{% filter upper %}{{ name }}{% endfilter %} "
        "{% for a, b in [[1, 2]] %}{{ a }}{{ b }}{% endfor %}"
    )
    assert rendered(body) == "abc-1 <abc-1> 3 ABC-1 12"


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_filter_that_is_offered_is_accepted(name: str) -> None:
    assert checked("{{ issue.labels | " + name + " }}") == ()


@pytest.mark.proves("turn.continuation.guidance")
def test_later_turns_get_guidance_instead_of_the_task() -> None:
    text = continuation_prompt(issue=FULL_ISSUE, turn=2, maximum_turns=5)
    assert "ABC-1" in text
    assert '"In Progress"' in text
    assert "turn 2 of at most 5" in text
    assert FULL_ISSUE.title not in text
    assert str(FULL_ISSUE.description) not in text

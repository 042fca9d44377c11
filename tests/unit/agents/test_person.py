"""An operator's words, in the form in which an agent asks for them."""

from __future__ import annotations

import pytest

from symphony.agents.person import choices, form
from symphony.domain.json import JsonObject, JsonValue

ONE_FIELD: JsonObject = {
    "requestedSchema": {"properties": {"name": {"type": "string"}}, "required": ["name"]}
}
TWO_FIELDS: JsonObject = {
    "requestedSchema": {
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name"],
    }
}
NUMBER: JsonObject = {"requestedSchema": {"properties": {"age": {"type": "integer"}}}}
ADDRESS: JsonObject = {"url": "https://login.example"}


def accepted(content: JsonObject) -> JsonObject:
    return {"action": "accept", "content": content, "_meta": None}


def test_the_one_question_gets_the_words() -> None:
    params: JsonObject = {"questions": [{"id": "colour", "question": "Which?"}]}
    assert choices(params, "Blue") == {"answers": {"colour": {"answers": ["Blue"]}}}


@pytest.mark.parametrize(
    "questions", [[], [{"id": "a"}, {"id": "b"}], [{"question": "Which?"}], ["text"], None]
)
def test_what_is_not_one_question_with_a_name_gets_no_answer(questions: JsonValue) -> None:
    assert choices({"questions": questions}, "Blue") is None


@pytest.mark.parametrize(
    ("params", "text", "content"),
    [
        (ONE_FIELD, "Ada", {"name": "Ada"}),
        (ONE_FIELD, '{"name": "Ada"}', {"name": "Ada"}),
        (TWO_FIELDS, '{"name": "Ada", "age": 36}', {"name": "Ada", "age": 36}),
        (TWO_FIELDS, '{"name": "Ada"}', {"name": "Ada"}),
        (NUMBER, '{"age": 36}', {"age": 36}),
        (ADDRESS, " Yes ", {}),
    ],
)
def test_words_that_fit_the_form_fill_it(
    params: JsonObject, text: str, content: JsonObject
) -> None:
    assert form(params, text) == accepted(content)


@pytest.mark.parametrize(
    ("params", "text"),
    [
        (TWO_FIELDS, "Ada"),
        (TWO_FIELDS, '{"age": 36}'),
        (TWO_FIELDS, '{"name": "Ada", "more": 1}'),
        (NUMBER, "36 perhaps"),
        (ADDRESS, "I am not sure"),
        (ONE_FIELD, "[" * 100_000),
    ],
)
def test_nothing_is_made_up_for_words_that_do_not_fit(params: JsonObject, text: str) -> None:
    given = form(params, text)
    assert given is None or given == accepted({"name": text})


@pytest.mark.parametrize("params", [ONE_FIELD, TWO_FIELDS, ADDRESS])
def test_a_no_declines_any_form(params: JsonObject) -> None:
    assert form(params, "No") == {"action": "decline", "content": None, "_meta": None}

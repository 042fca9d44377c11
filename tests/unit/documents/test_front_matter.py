"""Front matter read exactly: what is one, where its lines are, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony.documents.front_matter import (
    MAXIMUM_DOCUMENT_BYTES,
    MAXIMUM_FRONT_MATTER_CHARACTERS,
    Document,
    DocumentCodes,
    parse_document,
)
from symphony.documents.strict_yaml import MAXIMUM_DEPTH, MAXIMUM_FAULTS
from symphony.domain.json import JsonValue
from symphony.domain.problems import Problem, ProblemError


def read(text: str | bytes) -> Document:
    return parse_document(text, path="WORKFLOW.md")


def refusal(text: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(ProblemError) as caught:
        read(text)
    return caught.value.problems


def value_of(written: str) -> JsonValue:
    return read(f"---\nkey: {written}\n---\n").metadata["key"]


@pytest.mark.proves("workflow.front_matter.split")
def test_the_first_two_marker_lines_enclose_the_settings_and_the_rest_is_body() -> None:
    document = read("---\na: 1\n---\nAbove\n---\nBelow\n")
    assert document.metadata == {"a": 1}
    assert document.body == "Above\n---\nBelow\n"
    assert document.body_line == 4
    assert document.has_front_matter


@pytest.mark.proves("workflow.front_matter.absent")
@pytest.mark.parametrize("text", ["", "Prompt.", "\n---\na: 1\n---\n", "text\n---\na: 1\n---\n"])
def test_without_a_marker_on_the_first_line_everything_is_body(text: str) -> None:
    document = read(text)
    assert document == Document(metadata={}, body=text, has_front_matter=False, body_line=1)


@pytest.mark.proves("workflow.front_matter.fence")
@pytest.mark.parametrize("first", ["----", "--- draft", "--- ", " ---", "--", "***"])
def test_a_first_line_that_only_resembles_the_marker_opens_nothing(first: str) -> None:
    text = f"{first}\na: 1\n---\nbody"
    assert read(text).body == text


@pytest.mark.proves("workflow.front_matter.fence")
def test_a_byte_order_mark_and_other_line_ends_hide_nothing() -> None:
    plain = read("---\na: x\nb: y\n---\nbody")
    marked = read(b"\xef\xbb\xbf---\r\na: x\r\nb: y\r\n---\r\nbody")
    assert marked == plain


@pytest.mark.proves("workflow.front_matter.absent")
@pytest.mark.parametrize("block", ["", "\n\n", "# nothing but a note\n", "null\n", "~\n"])
def test_an_empty_block_is_an_empty_map(block: str) -> None:
    document = read(f"---\n{block}---\nbody")
    assert document.metadata == {}
    assert document.body == "body"


@pytest.mark.parametrize(("text", "body_line"), [("---\n---", 2), ("---\n---\n", 3)])
def test_a_file_may_end_with_its_front_matter(text: str, body_line: int) -> None:
    document = read(text)
    assert (document.body, document.body_line) == ("", body_line)


@pytest.mark.proves("workflow.front_matter.map")
@pytest.mark.parametrize("block", ["- a\n", "text\n", "42\n", "[]\n", "true\n", "2026-01-01\n"])
def test_a_root_that_is_no_map_is_refused(block: str) -> None:
    (problem,) = refusal(f"---\n{block}---\nbody")
    assert problem.code == "workflow_front_matter_not_a_map"
    assert problem.line == 2


@pytest.mark.proves("workflow.front_matter.unterminated")
@pytest.mark.parametrize("text", ["---", "---\n", "---\na: 1\n", "---\na: 1\n--\nbody"])
def test_an_unterminated_block_is_refused_with_its_line(text: str) -> None:
    (problem,) = refusal(text)
    assert (problem.code, problem.line) == ("workflow_parse_error", 1)
    assert "never closed" in problem.message


def test_a_closing_line_with_something_too_much_is_pointed_out() -> None:
    (problem,) = refusal("---\na: 1\n--- \nbody")
    assert "Line 3" in problem.remedy


@pytest.mark.proves("workflow.yaml.invalid", "workflow.error.location")
@pytest.mark.parametrize(
    ("block", "line"),
    [
        ("a: b: c", 2),
        ("a: 1\nb: }", 3),
        ("a: 1\n\n\tb: 2", 4),
        ("a: 'x\nb: 1", 4),
        ("a: [1,\n2", 4),
        ("%YAML 1.1", 3),
        ("a: 1\nb", 4),
        ("a: \x01", 2),
        ("a: |\n  x\n y: 1", 4),
    ],
)
def test_broken_yaml_is_refused_with_the_line_of_the_file(block: str, line: int) -> None:
    (problem,) = refusal(f"---\n{block}\n---\nbody")
    assert problem.code == "workflow_parse_error"
    assert problem.line == line
    assert problem.path == "WORKFLOW.md"


@pytest.mark.proves("workflow.front_matter.scalars")
@pytest.mark.parametrize(
    "word", ["no", "No", "off", "on", "yes", "y", "N", "2026-01-01", "2026-01-01T10:00:00Z"]
)
def test_words_that_older_yaml_converts_stay_text(word: str) -> None:
    assert value_of(word) == word


@pytest.mark.parametrize("word", ["12:30:45", "1_000", "0b11", "0x", "1e", "NaN", "inf", "="])
def test_what_only_older_yaml_takes_for_a_number_stays_text(word: str) -> None:
    assert value_of(word) == word


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("-17", -17),
        ("+3", 3),
        ("0o17", 15),
        ("0xFF", 255),
        ("1.5", 1.5),
        ("-1e3", -1000.0),
        (".5", 0.5),
        ("'5'", "5"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("! 5", "5"),
        ("[a, 1, null]", ["a", 1, None]),
        ("{b: {c: no}}", {"b": {"c": "no"}}),
        ("$NAME", "$NAME"),
        ("~/work", "~/work"),
    ],
)
def test_the_core_schema_of_yaml_1_2_decides_on_types(written: str, value: JsonValue) -> None:
    found = value_of(written)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "written",
    [
        ".inf",
        "-.INF",
        ".nan",
        "1e999",
        "-1e999",
        "9223372036854775808",
        "9" * 5000,
        "0x" + "f" * 30,
    ],
)
def test_numbers_that_json_cannot_carry_are_refused(written: str) -> None:
    (problem,) = refusal(f"---\nkey: {written}\n---\n")
    assert (problem.line, problem.key) == (2, "key")


def test_the_largest_integers_are_read() -> None:
    assert value_of("9223372036854775807") == 2**63 - 1
    assert value_of("-9223372036854775808") == -(2**63)


def test_a_key_given_twice_is_refused_with_both_lines() -> None:
    (problem,) = refusal("---\na: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n---\n")
    assert (problem.line, problem.key) == (6, "b.c")
    assert "line 4" in problem.message


@pytest.mark.parametrize("key", ["1", "1.5", "true", "null", "~", "? [a]\n", "? {a: 1}\n"])
def test_a_key_that_is_not_text_is_refused(key: str) -> None:
    (problem,) = refusal(f"---\n{key}: x\n---\n")
    assert "a key must be text" in problem.message
    assert problem.line == 2


def test_words_that_look_like_booleans_may_be_keys() -> None:
    assert read("---\non: 1\n'2': 3\n---\n").metadata == {"on": 1, "2": 3}


@pytest.mark.parametrize(
    "block", ["a: &x 1", "a: *x", "<<: {a: 1}", "a: !!int '5'", "a: !!binary aGk=", "a: !own 5"]
)
def test_anchors_aliases_merge_keys_and_tags_are_refused(block: str) -> None:
    (problem, *_) = refusal(f"---\n{block}\n---\n")
    assert problem.line == 2
    assert "not supported" in problem.message


def test_every_mistake_of_a_block_is_reported_in_the_order_of_its_lines() -> None:
    problems = refusal("---\na: &x 1\n2: b\na: .nan\n---\n")
    assert [problem.line for problem in problems] == [2, 3, 4, 4]


def test_the_list_of_mistakes_is_bounded() -> None:
    block = "\n".join(f"{number}: x" for number in range(100))
    assert len(refusal(f"---\n{block}\n---\n")) == MAXIMUM_FAULTS


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
@pytest.mark.parametrize("depth", [MAXIMUM_DEPTH + 1, 5_000])
def test_deep_nesting_is_refused_before_it_exhausts_anything(opening: str, depth: int) -> None:
    (problem,) = refusal(f"---\n{opening * depth}\n---\n")
    assert "levels deep" in problem.message


def test_nesting_up_to_the_bound_is_read() -> None:
    depth = MAXIMUM_DEPTH - 1
    assert json.dumps(value_of("[" * depth + "]" * depth)) == "[" * depth + "]" * depth


def test_too_large_a_block_is_refused() -> None:
    (problem,) = refusal(f"---\na: {'x' * MAXIMUM_FRONT_MATTER_CHARACTERS}\n---\n")
    assert str(MAXIMUM_FRONT_MATTER_CHARACTERS) in problem.message


def test_too_large_a_file_is_refused() -> None:
    (problem,) = refusal(b"x" * (MAXIMUM_DOCUMENT_BYTES + 1))
    assert str(MAXIMUM_DOCUMENT_BYTES) in problem.message


def test_bytes_that_are_not_utf8_are_refused_with_their_place() -> None:
    (problem,) = refusal(b"---\na: 1\nb: caf\xe9\n---\n")
    assert problem.code == "workflow_parse_error"
    assert problem.line == 3
    assert "byte 15 (0xe9)" in problem.message


def test_a_second_document_in_the_block_is_refused() -> None:
    (problem,) = refusal("---\na: 1\n--- b\n---\n")
    assert problem.line == 3


def test_lines_are_those_of_the_file() -> None:
    document = read("---\n\n# note\na:\n  b: |\n    one\n    two\n  c:\n    - x\n    - y\n---\n")
    assert document.line_of("a") == 4
    assert document.line_of("a", "b") == 5
    assert document.line_of("a", "c") == 8
    assert document.line_of("a", "c", 1) == 10
    assert document.line_of("a", "d") is None


def test_breaks_that_no_editor_counts_move_no_line() -> None:
    document = read('---\na: "x\u2028y\u0085z"\nb: 1\n---\n')
    assert document.line_of("b") == 3


def test_the_codes_are_the_callers_choice() -> None:
    codes = DocumentCodes(parse_error="issue_unreadable", not_a_map="issue_not_a_map")
    cases = {"---\na: b: c\n---": codes.parse_error, "---\n- a\n---": codes.not_a_map}
    for text, code in cases.items():
        with pytest.raises(ProblemError) as caught:
            parse_document(text, path=None, codes=codes)
        assert caught.value.code == code


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcxyz-_", min_size=1), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(value=JSON_VALUES)
def test_json_is_read_as_what_it_says(value: JsonValue) -> None:
    # YAML is a superset of JSON but for a few characters that need their escape.
    assert value_of(json.dumps(value)) == value


def lines_of(text: str | bytes) -> list[int | None]:
    """Every line that reading this text gives: of keys, or of problems."""
    try:
        return list(parse_document(text, path=None).lines.values())
    except ProblemError as error:
        return [problem.line for problem in error.problems]


@given(data=st.binary(max_size=200))
def test_no_bytes_cause_anything_but_a_document_or_problems(data: bytes) -> None:
    assert all(line is not None and line >= 1 for line in lines_of(b"---\n" + data + b"\n---\n"))


@given(block=st.text("ab:-[]{}&*!|>'\"%@`#,?\n\t 01.~<=\\", max_size=60))
def test_no_yaml_causes_anything_but_a_document_or_problems(block: str) -> None:
    text = f"---\n{block}\n---\n"
    assert all(1 <= (line or 0) <= text.count("\n") for line in lines_of(text))


@pytest.mark.parametrize("written", ['"\\ud83d\\ude00"', '"\\U0001F600"', '"😀"', "😀"])
def test_every_spelling_of_a_character_is_that_character(written: str) -> None:
    assert value_of(written) == "😀"


@pytest.mark.parametrize("written", ['"\\ud83d"', '"\\ude00\\ud83d"'])
def test_half_a_character_is_refused(written: str) -> None:
    (problem,) = refusal(f"---\nkey: {written}\n---\n")
    assert (problem.line, problem.key) == (2, "key")

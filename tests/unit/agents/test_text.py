"""Foreign text for one line, the last lines of a stream, and results of tools."""

from __future__ import annotations

from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from symphony.agents.last_lines import LastLines
from symphony.agents.text import one_line
from symphony.agents.tool_result import render_tool_result
from symphony.domain.tools import ToolResult


def test_colours_titles_and_control_characters_are_taken_out() -> None:
    text = "\x1b[2m2026\x1b[0m \x1b]0;title\x07ERROR\x00\tbad\r\nthing\u202e"
    assert one_line(text, 100) == "2026 ERROR bad thing"


def test_a_cut_is_shown() -> None:
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("x" * 1_000_000, 10) == "x" * 9 + "…"


@given(text=st.text(), limit=st.integers(2, 50))
def test_a_line_is_printable_and_within_its_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert line.isprintable()
    assert len(line) <= limit


def test_the_last_lines_are_kept_and_earlier_ones_forgotten() -> None:
    last = LastLines(lines=2, characters=10)
    for number in range(1000):
        last.feed(b"line %d\n" % number)
    last.feed(b"\x1b[31mbegun")
    assert last.text() == "line 998 | line 999 | begun"


def test_lines_are_given_out_once_complete_and_cut() -> None:
    last = LastLines(lines=2, characters=5)
    assert last.feed(b"ab") == []
    assert last.feed(b"c\n" + b"x" * 1000 + b"\nrest") == [b"abc", b"x" * 20]
    assert last.text() == "abc | xxxx… | rest"


@given(pieces=st.lists(st.binary(max_size=50)))
def test_any_bytes_are_bounded(pieces: list[bytes]) -> None:
    last = LastLines(lines=3, characters=10)
    for piece in pieces:
        last.feed(piece)
    assert len(last.text()) <= 4 * 13


def test_a_result_is_text_as_it_is_or_json() -> None:
    read_only = MappingProxyType({"a": (1, None)})
    for content, text in (("words", "words"), ({"a": "é"}, '{"a": "é"}'), (None, "null")):
        result = ToolResult(success=True, content=content)
        assert render_tool_result(result, max_bytes=100) == text
    result = ToolResult(success=True, content=read_only)
    assert render_tool_result(result, max_bytes=100) == '{"a": [1, null]}'


def test_a_long_result_is_cut_between_characters_and_says_so() -> None:
    result = ToolResult(success=True, content="é" * 100)
    text = render_tool_result(result, max_bytes=11)
    assert text == "é" * 5 + "\n[The result was cut: 11 of 200 bytes are shown.]"

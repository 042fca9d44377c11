"""One field of the front matter changes, and nothing else does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symphony.documents.edit import NOT_EDITABLE, quoted, set_field
from symphony.documents.front_matter import parse_document
from symphony.domain.problems import ProblemError

BODY = "\nBody\n---\nstate: not this one\n"


def edited(front_matter: str, key: str, value: str | Sequence[str]) -> str:
    """The front matter after the change; the body must be the same."""
    text = set_field(f"---\n{front_matter}---\n{BODY}", key, value)
    assert text.startswith("---\n")
    assert text.endswith(f"---\n{BODY}")
    return text.removeprefix("---\n").removesuffix(f"---\n{BODY}")


@pytest.mark.parametrize(
    ("before", "key", "value", "after"),
    [
        ("state: Todo\n", "state", "In Progress", "state: In Progress\n"),
        ("state:   Todo # now\n", "state", "Done", "state:   Done # now\n"),
        ("state: 'To Do'\n", "state", "Done", "state: 'Done'\n"),
        ('state: "To Do"\n', "state", 'a "b"', 'state: "a \\"b\\""\n'),
        ("state:\nx: 1\n", "state", "Done", "state: Done\nx: 1\n"),
        ("state: # none\n", "state", "Done", "state: Done # none\n"),
        ('"state" : Todo\n', "state", "Done", '"state" : Done\n'),
        ("state: >-\n  To\n  Do\n\nx: 1\n", "state", "Done", "state: Done\n\nx: 1\n"),
        ("state: Todo\n", "state", "no", "state: 'no'\n"),
        ("state: Todo\n", "state", "it's", "state: 'it''s'\n"),
        ("state: Todo\n", "state", "a: b #c", "state: 'a: b #c'\n"),
        ("state: Todo\n", "state", "a\tb", 'state: "a\\u0009b"\n'),
        ("at: 2026-01-01\n", "at", "2026-02-02T10:00:00Z", "at: 2026-02-02T10:00:00Z\n"),
        ("at: '2026-01-01'\n", "at", "2026-02-02", "at: '2026-02-02'\n"),
        ("x: 1\n", "at", "2026-02-02", "x: 1\nat: '2026-02-02'\n"),
        ("labels: [a, b] # two\n", "labels", ["c d"], "labels: [c d] # two\n"),
        ("labels: [a,\n  b]\nx: 1\n", "labels", [], "labels: []\nx: 1\n"),
        ("labels: a, b\n", "labels", ["c", "d"], "labels: [c, d]\n"),
        ("labels:\n- a\n- b\n# next\nx: 1\n", "labels", ["c"], "labels:\n- c\n# next\nx: 1\n"),
        ("labels:\n    - a\n", "labels", ["c", "d:e"], "labels:\n    - c\n    - 'd:e'\n"),
        ("labels: # all\n  - a\n  - b\n", "labels", [], "labels: [] # all\n"),
        ("labels:\n  - a # why\n", "labels", ["b"], "labels:\n  - b # why\n"),
        ("x: 1\n", "labels", ["a", "b"], "x: 1\nlabels: [a, b]\n"),
        ("  x: 1\n", "state", "Done", "  x: 1\n  state: Done\n"),
        ("", "state", "Done", "state: Done\n"),
        ("# nothing yet\n", "state", "Done", "# nothing yet\nstate: Done\n"),
        ("{state: Todo, x: [1]}\n", "state", "a, b", "{state: 'a, b', x: [1]}\n"),
    ],
)
def test_only_the_value_of_the_key_changes(
    before: str, key: str, value: str | Sequence[str], after: str
) -> None:
    assert edited(before, key, value) == after


def test_line_endings_and_the_byte_order_mark_stay() -> None:
    text = "\ufeff---\r\nstate: Todo\r\nlabels:\r\n  - a\r\n---\r\nBody\r\n"
    text = set_field(text, "state", "Done")
    text = set_field(text, "labels", ["b", "c"])
    text = set_field(text, "updated", "now")
    assert text == (
        "\ufeff---\r\nstate: Done\r\nlabels:\r\n  - b\r\n  - c\r\nupdated: now\r\n---\r\nBody\r\n"
    )


@pytest.mark.parametrize(
    "text",
    ["no front matter\n", "---\n{x: 1}\n---\n", "---\n? state # a: b\n: Todo\n---\n"],
)
def test_what_cannot_be_changed_on_its_own_is_refused(text: str) -> None:
    with pytest.raises(ProblemError) as caught:
        set_field(text, "state", "Done")
    assert caught.value.code == NOT_EDITABLE


def test_a_document_that_does_not_parse_is_refused() -> None:
    with pytest.raises(ProblemError):
        set_field("---\nstate: Todo\nstate: Done\n---\n", "state", "Done")


# A loaded machine is slow, not wrong.
PATIENTLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Everything that a YAML file may hold as a character, surrogates aside.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUE = st.one_of(ANY_TEXT, st.lists(ANY_TEXT, max_size=4))
KEYS = st.lists(
    st.sampled_from(["state", "labels", "title", "id", "on", "a b", "ключ", "updated_at"]),
    unique=True,
    max_size=6,
)


@dataclass(frozen=True)
class Entry:
    """One field as it stands in a file, with the line break of the file left open as `\\n`."""

    key: str
    text: str


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    written: list[Entry] = []
    for key in draw(KEYS):
        item = quoted(draw(TEXT), draw(st.sampled_from([None, "'", '"'])))
        value = draw(
            st.sampled_from(
                [
                    f" {item}",
                    f"   {item} # remark",
                    "",
                    " # nothing",
                    " []",
                    f" [{item}, x]",
                    f"\n- {item}\n- y",
                    f" # list\n    - {item} # one\n    # two\n    - y",
                    "\n  inner: 1\n  other: [2]",
                    " |\n  text\n\n  more",
                    " >-\n  folded\n  text",
                    " true",
                    " 0x1F",
                ]
            )
        )
        after = draw(st.sampled_from(["", "\n", "# a remark\n"]))
        written.append(Entry(key, f"{quoted(key)}:{value}\n{after}"))
    return written


@PATIENTLY
@given(
    entries(),
    st.sampled_from(["state", "labels", "new"]),
    VALUE,
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\ufeff"]),
    ANY_TEXT,
)
def test_any_edit_keeps_every_other_character(
    fields: list[Entry], key: str, value: str | list[str], newline: str, mark: str, body: str
) -> None:
    chunks = [(field.key, field.text.replace("\n", newline)) for field in fields]
    head, tail = f"{mark}---{newline}", f"---{newline}{body}"
    text = head + "".join(chunk for _, chunk in chunks) + tail
    before = parse_document(text, path=None)
    after_text = set_field(text, key, value)
    after = parse_document(after_text, path=None)
    assert after.metadata == {**before.metadata, key: value}
    assert after.body == before.body == body
    position = next((i for i, (name, _) in enumerate(chunks) if name == key), len(chunks))
    assert after_text.startswith(head + "".join(chunk for _, chunk in chunks[:position]))
    assert after_text.endswith("".join(chunk for _, chunk in chunks[position + 1 :]) + tail)


@PATIENTLY
@given(ANY_TEXT, st.sampled_from([None, "", "'", '"']))
def test_quoted_text_reads_as_itself_in_block_and_flow(text: str, style: str | None) -> None:
    document = parse_document(f"---\na: {quoted(text, style)}\nb: [{quoted(text)}]\n---\n", path="")
    assert document.metadata == {"a": text, "b": [text]}

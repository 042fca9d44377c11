"""One Markdown file as one issue."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from symphony.trackers.files.normalize import (
    IssueFile,
    UnusableFileError,
    parse_issue_file,
    possible_ids,
    with_quoted_handles,
)

BOARD_TASK = """\
---
id: BACK-355.06
title: 'Web UI: Display and edit task type'
status: To Do
assignee:
  - '@codex'
created_date: '2026-01-01 23:38'
updated_date: '2026-05-11 14:01'
labels:
  - Web
dependencies:
  - task-355.01
parent_task_id: BACK-355
priority: medium
ordinal: 130000
---

## Description

<!-- SECTION:DESCRIPTION:BEGIN -->
Show the type on cards.
<!-- SECTION:DESCRIPTION:END -->
"""


def parsed(front_matter: str, body: str = "", name: str = "one.md") -> IssueFile:
    return parse_issue_file(name, f"---\nstate: Todo\n{front_matter}\n---\n{body}".encode())


def titled(front_matter: str) -> IssueFile:
    return parsed(f"title: A title\n{front_matter}")


def refusal(text: str | bytes, name: str = "one.md") -> UnusableFileError:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(UnusableFileError) as caught:
        parse_issue_file(name, data)
    return caught.value


def test_a_task_of_a_backlog_board_is_read_as_it_is() -> None:
    issue = parse_issue_file("back-355.06 - Web-UI-Display.md", BOARD_TASK.encode())
    assert issue == IssueFile(
        name="back-355.06 - Web-UI-Display.md",
        id=issue.id,
        identifier=issue.identifier,
        title="Web UI: Display and edit task type",
        state="To Do",
        description=BOARD_TASK.split("---\n\n")[1].strip(),
        priority=3,
        branch_name=None,
        url=None,
        assignees=("codex",),
        labels=("web",),
        blockers=("task-355.01",),
        created_at=datetime(2026, 1, 1, 23, 38, tzinfo=UTC),
        updated_at=datetime(2026, 5, 11, 14, 1, tzinfo=UTC),
    )
    assert (issue.id, issue.identifier) == ("back-355.06", "BACK-355.06")


def test_id_and_identifier_are_the_stem_where_the_file_says_nothing_else() -> None:
    issue = parsed("title: A", name="fix - the thing.md")
    assert issue.id == issue.identifier == "fix - the thing"
    issue = parsed("title: A\nid: ABC-1", name="anything.md")
    assert (issue.id, issue.identifier) == ("anything", "ABC-1")


def test_a_new_title_in_the_file_name_keeps_the_id() -> None:
    names = ["task-7 - Old.md", "task-7 - New - really.md"]
    assert {parsed("title: A\nid: TASK-7", name=name).id for name in names} == {"task-7"}
    assert all("task-7" in possible_ids(name) for name in names)


@pytest.mark.parametrize(
    ("front_matter", "body", "title"),
    [
        ("title: '  A   long\ttitle '", "# Other\n", "A long title"),
        ("title: 2026", "", "2026"),
        ("title: no", "", "no"),
        ('title: "a\\e[31mb"', "", "a [31mb"),
        ("x: 1", "\n\n## From the text ##\nmore", "From the text"),
        ("title:", "# A heading", "A heading"),
    ],
)
def test_the_title_is_the_field_else_the_heading_that_opens_the_text(
    front_matter: str, body: str, title: str
) -> None:
    assert parsed(front_matter, body).title == title


@pytest.mark.parametrize("body", ["", "Text\n# Later heading\n", "#hashtag\n", "#######  seven\n"])
def test_without_a_title_there_is_no_issue(body: str) -> None:
    assert refusal(f"---\nstate: Todo\n---\n{body}").reason == "no_title"


@pytest.mark.proves("issue.required.filled")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Just notes\n", "no_front_matter"),
        ("---\ntitle: A\n---\n", "no_state"),
        ("---\ntitle: A\nstate:\n---\n", "no_state"),
        ("---\ntitle: A\nstate: ''\n---\n", "invalid_field"),
        ("---\ntitle: A\nstate: [Todo]\n---\n", "invalid_field"),
        ("---\ntitle: A\nstate: true\n---\n", "invalid_field"),
        ('---\ntitle: A\nstate: "To\\ndo"\n---\n', "invalid_field"),
        (f"---\ntitle: A\nstate: {'x' * 201}\n---\n", "invalid_field"),
        ("---\ntitle: A\nstate: Todo\nid: 1.10\n---\n", "invalid_field"),
        ("---\ntitle: [\nstate: Todo\n---\n", "invalid_front_matter"),
        ("---\ntitle: A\nstate: Todo\n", "invalid_front_matter"),
        ("---\n- state\n---\n", "invalid_front_matter"),
        (b"---\ntitle: \xff\nstate: Todo\n---\n", "not_utf8"),
    ],
)
def test_a_file_that_cannot_be_an_issue_says_why(text: str | bytes, reason: str) -> None:
    error = refusal(text)
    assert error.reason == reason
    assert str(error)


def test_state_comes_before_status() -> None:
    text = "---\ntitle: A\nstatus: Done\nstate: Todo\n---\n"
    assert parse_issue_file("one.md", text.encode()).state == "Todo"


@pytest.mark.proves("issue.optional.fallback")
@pytest.mark.parametrize(
    ("written", "priority"),
    [
        ("1", 1),
        ("0", 0),
        ("'4'", 4),
        ("-2", -2),
        ("Urgent", 1),
        ("high", 2),
        ("MEDIUM", 3),
        ("low", 4),
        ("", None),
        ("soon", None),
        ("1.5", None),
        ("true", None),
        ("[1]", None),
        ("99999999999", None),
    ],
)
def test_priorities_are_integers_words_or_unknown(written: str, priority: int | None) -> None:
    assert titled(f"priority: {written}").priority == priority


@pytest.mark.proves("issue.labels.normalised", "issue.labels.duplicates")
@pytest.mark.parametrize(
    ("written", "labels"),
    [
        ("[' A ', b, a, '', 7, {x: 1}]", ("a", "b", "7")),
        ("one, Two,", ("one", "two")),
        ("", ()),
        ("{a: 1}", ()),
    ],
)
def test_labels_are_a_list_or_a_text_with_commas(written: str, labels: tuple[str, ...]) -> None:
    assert titled(f"labels: {written}").labels == labels


@pytest.mark.parametrize(
    ("written", "blockers"),
    [
        ("blocked_by: [a, 7]", ("a", "7")),
        ("blocked_by: a, b", ("a", "b")),
        ("blocked_by: [a]\ndependencies: [a, b]", ("a", "b")),
        ("dependencies: []", ()),
        ("blocked_by: [{id: a}, [b]]", (None,)),
        ("blocked_by: true", (None,)),
    ],
)
def test_blockers_are_kept_even_where_they_name_nothing(
    written: str, blockers: tuple[str | None, ...]
) -> None:
    assert titled(written).blockers == blockers


@pytest.mark.proves("issue.time.parsed")
@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T10:00:00+02:00", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("'2026-03-01 10:30'", datetime(2026, 3, 1, 10, 30, tzinfo=UTC)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("", None),
        ("[2026-03-01]", None),
    ],
)
def test_times_are_instants_or_unknown(written: str, instant: datetime | None) -> None:
    assert titled(f"created_at: {written}").created_at == instant
    assert titled(f"updated_date: {written}").updated_at == instant


@pytest.mark.parametrize(
    ("written", "assignees"),
    [
        ("ada", ("ada",)),
        ("['@ada', Grace Hopper]", ("ada", "Grace Hopper")),
        ("@ada", ("ada",)),
        ("@ada # she knows", ("ada",)),
        ("[@ada, @grace]", ("ada", "grace")),
        ("\n  - @ada\n  - '@grace'", ("ada", "grace")),
        ("[]", ()),
        ("", ()),
    ],
)
def test_assignees_are_names_with_or_without_the_sign_of_a_handle(
    written: str, assignees: tuple[str, ...]
) -> None:
    assert titled(f"assignee: {written}").assignees == assignees


def test_only_bare_handles_get_quotes() -> None:
    text = "---\nassignee: @ada\nx: a@b\ny: 'says @me'\n---\nreporter: @body\n"
    assert with_quoted_handles(text) == text.replace("assignee: @ada", "assignee: '@ada'")


def test_branch_and_url_are_taken_where_they_are_given() -> None:
    issue = titled("branch: feature/x\nurl: https://example.org/7")
    assert (issue.branch_name, issue.url) == ("feature/x", "https://example.org/7")


def test_a_byte_order_mark_and_other_line_endings_hide_nothing() -> None:
    issue = parse_issue_file(
        "one.md", b"\xef\xbb\xbf---\r\ntitle: A\r\nstate: Todo\r\n---\r\nText\r\n"
    )
    assert (issue.title, issue.state, issue.description) == ("A", "Todo", "Text")

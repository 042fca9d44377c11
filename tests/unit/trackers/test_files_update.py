"""What a change of an issue does to the text of its file."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symphony.documents.front_matter import parse_document
from symphony.trackers.files.normalize import parse_issue_file
from symphony.trackers.files.update import UpdatedText, updated, with_comment
from symphony.trackers.issue_update import IssueUpdate, RefusedError, read_arguments

NOW = datetime(2026, 11, 21, 5, 6, 7, tzinfo=timezone(timedelta(hours=2)))
# A loaded machine is slow, not wrong.
PATIENTLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

KNOWN = ("To Do", "In Progress", "Done")

TASK = """\
---
id: TASK-7
title: 'A title' # kept
status: To Do
assignee: @ada
updated_date: '2026-05-11 14:01'
labels: []
---

Text
"""


def change(
    text: str,
    *,
    state: str | None = None,
    labels: tuple[str, ...] | None = None,
    comment: str | None = None,
) -> UpdatedText:
    update = IssueUpdate(state=state, labels=labels, comment=comment)
    return updated("task-7.md", text.encode(), update, KNOWN, NOW)


def test_the_spelling_and_the_form_of_the_file_are_kept() -> None:
    done = change(TASK, state="in progress", labels=("UI",))
    assert done.data.decode() == (
        TASK.replace("To Do", "In Progress")
        .replace("@ada", "'@ada'")
        .replace("2026-05-11 14:01", "2026-11-21 03:06")
        .replace("[]", "[UI]")
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("updated_at: 2026-01-01T00:00:00Z", "updated_at: 2026-11-21T03:06:07Z"),
        ("updated_at:", "updated_at: '2026-11-21T03:06:07Z'"),
        ("updated_at: 2026-01-01", "updated_at: 2026-11-21"),
        ("updated_date:", "updated_date: '2026-11-21 03:06'"),
    ],
)
def test_a_time_of_update_is_renewed_in_its_own_form(before: str, after: str) -> None:
    text = f"---\ntitle: A\nstate: To Do\n{before}\n---\n"
    assert after in change(text, state="Done").data.decode().split("\n")


def test_a_file_without_a_time_of_update_gets_none() -> None:
    text = "---\ntitle: A\nstate: To Do\n---\n"
    assert change(text, state="Done").data.decode() == text.replace("To Do", "Done")


def test_where_nothing_changes_not_a_character_does() -> None:
    done = change(TASK.replace("@ada", "ada"), state="TO DO", labels=())
    assert done.changed == {}
    assert done.data.decode() == TASK.replace("@ada", "ada")


def test_labels_are_added_where_the_file_has_none() -> None:
    text = "---\ntitle: A\nstate: To Do\n---\nText\n"
    expected = "---\ntitle: A\nstate: To Do\nlabels: [a, b]\n---\nText\n"
    assert change(text, labels=("a", "b")).data.decode() == expected


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(RefusedError, match="Doen"):
        change(TASK, state="Doen")


def test_comments_gather_under_one_heading_with_their_times() -> None:
    text = with_comment("---\nstate: x\n---\nText", "First.\n\nMore.", NOW)
    text = with_comment(text, "Second.", NOW + timedelta(minutes=1))
    assert text == (
        "---\nstate: x\n---\nText\n\n## Comments\n\n### 2026-11-21 03:06:07 UTC\n\n"
        "> First.\n>\n> More.\n\n### 2026-11-21 03:07:07 UTC\n\n> Second.\n"
    )


def test_a_heading_inside_a_comment_does_not_end_the_comments() -> None:
    text = with_comment("---\nstate: x\n---\n", "## Result\n```\nopen fence", NOW)
    assert with_comment(text, "Second.", NOW).count("## Comments") == 1


def test_comments_get_a_heading_again_after_another_section() -> None:
    text = with_comment("---\nstate: x\n---\n", "First.", NOW) + "\n## Final Summary\n\nDone.\n"
    assert with_comment(text, "Second.", NOW).count("## Comments") == 2


def test_a_comment_takes_the_line_endings_of_the_file() -> None:
    text = with_comment("---\r\nstate: x\r\n---\r\nText\r\n", "One\ntwo", NOW)
    assert text.count("\n") == text.count("\r\n")


@PATIENTLY
@given(st.text(min_size=1, max_size=200))
def test_no_comment_touches_the_metadata_or_the_text_before_it(comment: str) -> None:
    try:
        call = read_arguments("issue_update", {"comment": comment})
    except RefusedError:
        return
    data = updated("task-7.md", TASK.encode(), call, KNOWN, NOW).data
    before, after = parse_issue_file("t.md", TASK.encode()), parse_issue_file("t.md", data)
    assert (after.state, after.labels, after.title) == (before.state, before.labels, before.title)
    assert parse_document(data, path=None).body.startswith("\nText\n\n## Comments\n")

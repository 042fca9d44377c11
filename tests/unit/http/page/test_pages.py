"""The pages as documents: what they say, and that nobody else's text becomes part of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symphony.http.page.assets import load_assets
from symphony.http.page.board import MAX_ROWS
from symphony.http.page.foreign import Foreign
from symphony.http.page.log_tail import read_tail
from symphony.http.page.rendering import Pages, Trouble
from symphony.http.page.session import make_session_page
from symphony.observability.redaction import MASK, Redactor
from symphony.scheduler.snapshot import Snapshot
from tests.support import page_boards as boards
from tests.support.demo_snapshots import EMPTY, START, issue, running, waiting
from tests.support.http_view import MemoryView
from tests.support.page_html import Document, assert_harmless, read_html
from tests.support.page_logs import log_lines
from tests.support.page_malice import HOSTILE_LINKS, MARKUP, hostile

PAGES = Pages(load_assets())


def board_html(snapshot: Snapshot, view: MemoryView | None = None) -> str:
    view = view or MemoryView(snapshot)
    return PAGES.board(snapshot, view.settings(), view).decode()


def board(snapshot: Snapshot) -> Document:
    return assert_harmless(board_html(snapshot))


def session_html(snapshot: Snapshot, identifier: str, log: Path | None = None) -> str:
    view = MemoryView(snapshot)
    tail = None if log is None else read_tail(str(log), Foreign(view.redact))
    page = make_session_page(snapshot, identifier, tail, view.redact)
    assert page is not None
    return PAGES.session(page).decode()


@pytest.mark.proves("http.dashboard.content")
def test_a_busy_board_says_what_runs_and_why_the_rest_does_not() -> None:
    text = board(boards.busy(START)).text
    for said in (
        "5 of 5 slots in use, 1 needs you, 2 to retry, 4 waiting",
        "Totals of an invoice are off by a cent when a discount applies",
        "runs: .venv/bin/pytest -q tests/billing/test_totals.py 3s ago",
        "284,031",
        "17m 24s",
        "its issue is finished: being ended",
        "prepares the workspace",
        "How long should an invitation stay valid?",
        "failed: the model's provider answered 503 five times",
        "in 1m 18s",
        "waits for a free slot",
        "all slots are in use no_global_slot",
        "hold it back (a blocker or the assignee): APP-131 (In Progress)",
        "8,815,025",
        "8h 41m",
        "5-hour window: 62% used",
        "begins again at 01:13:00 UTC , in 1h 13m",
        "31 Dec 23:59 UTC , 14 found",
        "00:00:18 UTC , in 18s",
    ):
        assert said in text


def test_an_idle_board_says_that_nothing_runs_and_when_it_looks_again() -> None:
    document = board(boards.idle(START))
    assert "Nothing runs. The last poll found 0 candidates. Polling again in 18s ." in document.text
    assert "None reported yet." in document.text


def test_a_board_before_the_first_poll_says_so() -> None:
    text = board(EMPTY).text
    assert "The tracker was not polled yet." in text
    assert "not planned" in text


def test_trouble_comes_first_with_what_to_do_about_it() -> None:
    snapshot = boards.trouble(START)
    text = board(snapshot).text
    assert text.index("agent.max_turns: expected a whole number") < text.index("Running 1 of 5")
    assert "Correct the file: it is read again as soon as it is saved." in text
    assert "linear answered 503" in text
    assert "problem, 1 running" in text
    mended = replace(snapshot, workflow_problem=None)
    assert "Polling again at 00:00:09 UTC , in 9s ." in board(mended).text


def test_a_daemon_that_stops_says_so_and_so_does_one_that_was_told_to_wait() -> None:
    assert "The daemon is stopping" in board(replace(EMPTY, draining=True)).text
    held = replace(boards.idle(START), reads_held_ms=90_000)
    assert "the tracker wants quiet for 1m 30s" in board(held).text


def test_unknown_tokens_are_not_shown_as_zero() -> None:
    html = board_html(replace(EMPTY, running=(running(issue(), tokens=None),)))
    assert 'data-label="tokens">unknown<' in html


def test_a_long_queue_is_cut_and_its_length_told() -> None:
    rows = tuple(waiting(issue(f"MT-{number}")) for number in range(MAX_ROWS + 1_000))
    document = board(replace(EMPTY, skipped=rows))
    assert "1,200 waiting" in document.text
    assert "and 1,000 more, in the JSON state" in document.text
    assert "MT-1000" not in document.text


def test_rows_of_one_list_never_share_a_key() -> None:
    rows = tuple(waiting(issue("x" * 500 + str(number))) for number in range(20))
    html = board_html(replace(EMPTY, skipped=rows))
    keys = [
        e.attributes["data-key"] for e in read_html(html).named("tr") if "data-key" in e.attributes
    ]
    assert len(set(keys)) == len(keys) == 20


@pytest.mark.parametrize("page", ["board", "session", "gone", "trouble"])
def test_hostile_texts_stay_texts_on_every_page(page: str, tmp_path: Path) -> None:
    snapshot = hostile(START)
    log = tmp_path / "log.jsonl"
    log.write_text(log_lines(START, MARKUP))
    if page == "board":
        html = board_html(snapshot)
    elif page == "session":
        html = session_html(snapshot, MARKUP, log)
    elif page == "gone":
        html = session_html(EMPTY, MARKUP, log)
    else:
        html = PAGES.trouble(Trouble(status=404, title=MARKUP, text=MARKUP)).decode()
    document = assert_harmless(html)
    assert "<script>document.title='owned'</script>" in document.text


@pytest.mark.parametrize("url", HOSTILE_LINKS)
def test_a_hostile_address_becomes_no_link(url: str) -> None:
    snapshot = hostile(START, text="MT-1", url=url)
    assert_harmless(board_html(snapshot))
    assert "open in the tracker" not in assert_harmless(session_html(snapshot, "MT-1")).text
    assert "open in the tracker" not in board(snapshot).text


def shape(text: str) -> list[str]:
    """The elements of a board that says this, without those that an empty line does not get."""
    elements = read_html(board_html(hostile(START, text))).elements
    return [element.name for element in elements if element.name not in {"p", "div", "dt", "dd"}]


PLAIN_SHAPE = shape("plain")


@settings(max_examples=50, deadline=None)
@given(text=st.text(min_size=1, max_size=60))
def test_no_text_at_all_changes_the_structure_of_the_board(text: str) -> None:
    assert shape(text) == PLAIN_SHAPE


@pytest.mark.proves("security.secret.http")
def test_credentials_are_masked_wherever_they_come_from() -> None:
    secret = "s3cret-of-the-tracker"
    snapshot = hostile(START, f"a {secret} b")
    view = MemoryView(snapshot)
    view.redactor = Redactor([secret])
    html = board_html(snapshot, view)
    # An address has to name the issue as the tracker does, or it would lead nowhere.
    assert secret not in read_html(html).text
    assert MASK in html


def test_the_page_of_a_session_tells_what_happened_newest_first(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(log_lines(START, "All done."))
    document = assert_harmless(session_html(boards.busy(START), "APP-131", log))
    text = document.text
    assert "turn 3 · 284,031 tokens · running for 17m 24s · last heard 3s ago" in text
    assert text.index("changed files: billing/totals.py") < text.index("received the prompt")
    assert "printed something that is no message: not JSON: Segmentation fault" in text
    assert "said: All done." in text
    assert "252,472 in, 31,559 out" in text
    assert "https://tracker.example/issue/APP-131" in document.values("href")


@pytest.mark.parametrize(
    ("identifier", "said"),
    [
        ("APP-118", "How long should an invitation stay valid?"),
        ("APP-119", "attempt 3: in 1m 18s , at 00:01:18 UTC"),
        ("APP-135", "all slots are in use"),
        ("APP-90", "its workspace is being removed"),
    ],
)
def test_an_issue_without_a_session_has_a_page_too(identifier: str, said: str) -> None:
    document = assert_harmless(session_html(boards.busy(START), identifier))
    assert said in document.text
    assert "There is none yet." in document.text


def test_an_issue_that_is_gone_still_shows_its_last_log(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(log_lines(START, "All done."))
    text = assert_harmless(session_html(EMPTY, "MT-9", log)).text
    assert "Not on the board" in text
    assert "said: All done." in text


def test_an_unknown_issue_without_a_log_has_no_page() -> None:
    assert make_session_page(EMPTY, "MT-9", None, str) is None


def test_times_are_marked_so_that_a_script_can_count_on() -> None:
    now = START + timedelta(seconds=100)
    row = replace(running(issue(), seconds=100.0), last_event_at=now)
    document = board(replace(EMPTY, generated_at=now, running=(row,)))
    began = str(int(START.timestamp() * 1000))
    assert document.values("data-since") == [str(int(now.timestamp() * 1000)), began]

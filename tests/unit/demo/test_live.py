"""What the live view shows, read as the text that a terminal gets."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console
from rich.text import Text

from symphony.demo.history import History
from symphony.demo.live import live_view
from symphony.scheduler.snapshot import Snapshot
from tests.support.demo_snapshots import (
    EMPTY,
    blocked,
    issue,
    retry,
    running,
    said,
    waiting,
)


def shown(*snapshots: Snapshot, width: int = 80, height: int = 24, color: bool = False) -> str:
    history = History()
    for snapshot in snapshots:
        history.take(snapshot)
    output = io.StringIO()
    console = Console(
        file=output,
        width=width,
        height=height,
        force_terminal=True,
        color_system="truecolor" if color else None,
        no_color=not color,
        legacy_windows=False,
    )
    console.print(live_view(history, total=8, done=2, height=height, title="symphony demo"))
    return output.getvalue()


BUSY = replace(
    EMPTY,
    running=(
        running(
            issue("DUR-3", state="In Progress"),
            turns=2,
            recent=said("said: days", "is thinking"),
            tokens=4120,
            seconds=2.14,
        ),
        running(issue("DUR-5"), run=2, phase="preparing_workspace", turns=0),
    ),
    retrying=(retry(issue("DUR-7"), due_in_ms=1400),),
    blocked=(blocked(issue("DUR-8")),),
    skipped=(
        waiting(issue("DUR-4", blocked_by=(("DUR-3", "In Progress"),)), "not_dispatchable", "x"),
        waiting(issue("DUR-6")),
    ),
)


def test_before_the_daemon_has_started_the_view_says_so() -> None:
    assert "the daemon starts" in shown()


def test_a_row_says_state_turn_doing_tokens_and_seconds() -> None:
    line = next(line for line in shown(BUSY).splitlines() if line.startswith("DUR-3"))
    words = ("DUR-3", "In Progress", "turn 2", "said: days", "4,120 tok", "2.1 s")
    assert [line.index(word) for word in words] == sorted(line.index(word) for word in words)


def test_a_run_without_an_agent_yet_says_what_is_prepared_and_no_tokens() -> None:
    line = next(line for line in shown(BUSY).splitlines() if line.startswith("DUR-5"))
    assert "prepares its workspace" in line
    assert " - " in line


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("DUR-7", "tried again in 1.4 s: no luck"),
        ("DUR-8", "needs a person: which one?"),
        ("DUR-4", "it comes after DUR-3 (In Progress)"),
        ("DUR-6", "all slots are in use"),
    ],
)
def test_whatever_waits_says_why(name: str, reason: str) -> None:
    assert any(name in line and reason in line for line in shown(BUSY).splitlines())


@pytest.mark.parametrize(
    ("waiting_for", "reason"),
    [("slot", "waits for a free slot"), ("workflow", "waits until WORKFLOW.md is valid again")],
)
def test_a_retry_that_is_due_says_what_it_still_waits_for(waiting_for: str, reason: str) -> None:
    row = retry(issue(), waiting_for=waiting_for)
    assert reason in shown(replace(EMPTY, retrying=(row,)))


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = replace(EMPTY, running=(running(issue("DUR-1", title="x" * 500, state="y" * 90)),))
    for line in shown(EMPTY, long, width=width).splitlines():
        assert len(line) <= width


def test_the_view_leaves_the_last_line_of_the_terminal_free() -> None:
    snapshots = [EMPTY]
    for number in range(60):
        words = said(*(f"ran: {each}" for each in range(number % 20)))
        snapshots.append(replace(BUSY, running=(running(issue("DUR-3"), recent=words),)))
    assert len(shown(*snapshots, height=24).splitlines()) < 24


def test_the_last_happenings_are_those_that_are_shown() -> None:
    early = replace(EMPTY, running=(running(issue("DUR-3")),))
    words = said(*(f"ran: step {each}" for each in range(20)))
    text = shown(early, replace(BUSY, running=(running(issue("DUR-3"), recent=words),)))
    assert "step 19" in text
    assert "step 0" not in text


def test_foreign_text_is_neither_markup_nor_a_command_to_the_terminal() -> None:
    row = running(
        issue("[red]X[/red]", state="\x1b]0;owned\x07odd"), recent=said("said: [bold]hi \x1b[2J")
    )
    text = shown(EMPTY, replace(EMPTY, running=(row,)), width=120)
    assert "[bold]hi" in text
    assert "\x1b" not in text
    assert "\x07" not in text


def test_nothing_is_said_by_colour_alone() -> None:
    assert Text.from_ansi(shown(BUSY, color=True)).plain.split() == shown(BUSY).split()

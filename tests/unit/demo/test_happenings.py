"""The story that two snapshots tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symphony.demo.happenings import happenings
from symphony.demo.history import History
from symphony.domain.run import TokenUsage
from symphony.scheduler.snapshot import Snapshot
from symphony.scheduler.state import LastPoll, RecentEvent
from tests.support.demo_snapshots import (
    EMPTY,
    after,
    blocked,
    issue,
    polled,
    retry,
    running,
    said,
    waiting,
)


def story(before: Snapshot, later: Snapshot) -> list[tuple[str | None, str]]:
    return [(each.identifier, each.text) for each in happenings(before, later)]


def runs(*recent: RecentEvent, state: str = "Todo", turns: int = 1) -> Snapshot:
    row = running(issue(state=state), recent=recent, turns=turns)
    return replace(EMPTY, running=(row,))


def test_a_run_that_starts_is_told_with_its_title() -> None:
    assert story(EMPTY, runs()) == [("DUR-1", "starts: A title")]


def test_a_later_attempt_says_which_one_it_is() -> None:
    again = replace(EMPTY, running=(running(issue(), attempt=1),))
    assert story(EMPTY, again) == [("DUR-1", "starts again (attempt 2): A title")]


def test_acts_of_the_agent_are_told_once_each_when_they_end() -> None:
    early = runs(*said("runs: git push"))
    late = runs(*said("runs: git push", "ran: git push", "said: all done"))
    assert story(early, late) == [("DUR-1", "ran: git push"), ("DUR-1", "said: all done")]
    assert story(late, late) == []


@pytest.mark.parametrize(
    "message",
    ["thread started", "turn started", "received the prompt", "is thinking", "thought", "calls: x"],
)
def test_bookkeeping_of_the_session_is_no_news(message: str) -> None:
    assert story(runs(), runs(*said(message))) == []


def test_events_that_are_no_notification_are_no_news() -> None:
    late = runs(*said("x/y", event="other_message"), *said("t-1", event="session_started"))
    assert story(runs(), late) == []


def test_acts_are_told_once_also_when_older_ones_have_dropped_out() -> None:
    words = [f"ran: {number}" for number in range(30)]
    early, late = runs(*said(*words[:20])), runs(*said(*words[5:25]))
    assert [text for _, text in story(early, late)] == words[20:25]


def test_a_new_state_and_a_later_turn_are_told() -> None:
    late = runs(state="In Progress", turns=2)
    assert story(runs(), late) == [
        ("DUR-1", "is now In Progress (was Todo)"),
        ("DUR-1", "turn 2 begins"),
    ]


def test_a_failure_is_told_with_its_reason_and_the_wait() -> None:
    failed = replace(EMPTY, retrying=(retry(issue(), error="turn_failed: no luck"),))
    assert story(runs(), failed) == [("DUR-1", "failed, tried again in 1.5 s: no luck")]


def test_a_good_end_is_told_as_one() -> None:
    row = retry(issue(state="Done"), kind="continuation", error=None)
    ended = replace(EMPTY, retrying=(row,))
    assert story(runs(), ended) == [("DUR-1", "the run ended well, the issue is Done")]
    assert story(ended, EMPTY) == [("DUR-1", "finished; its workspace is removed")]


def test_a_question_to_a_person_is_told_with_the_question() -> None:
    parked = replace(EMPTY, blocked=(blocked(issue()),))
    assert story(runs(), parked) == [("DUR-1", "needs a person (user_input): which one?")]


def test_a_stop_is_told_in_plain_words() -> None:
    stopping = replace(EMPTY, running=(running(issue(), stopping="terminal"),))
    assert story(runs(), stopping) == [("DUR-1", "its issue is finished, so the run ends")]


def test_what_waits_for_a_blocker_is_told_and_what_waits_for_a_slot_is_not() -> None:
    weeks = issue("DUR-4", blocked_by=(("DUR-3", "Todo"),))
    held = waiting(weeks, "not_dispatchable", "the tracker's own rules")
    late = replace(EMPTY, skipped=(held, waiting(issue("DUR-5"))))
    assert story(EMPTY, late) == [("DUR-4", "waits: it comes after DUR-3 (Todo)")]
    assert story(late, late) == []


def test_a_failed_read_is_told_once_for_each_poll() -> None:
    bad = replace(EMPTY, last_poll=LastPoll(at=after(1), candidates=0, problem="no disk"))
    assert story(EMPTY, bad) == [(None, "the issues could not be read: no disk")]
    assert story(bad, bad) == []


def test_what_an_issue_says_cannot_steer_the_terminal() -> None:
    evil = running(issue(title="\x1b[2Jgone\u202e \x07[red]x"))
    assert story(EMPTY, replace(EMPTY, running=(evil,))) == [("DUR-1", "starts: gone [red]x")]


def test_history_adds_up_all_runs_of_an_issue() -> None:
    history = History()
    first = running(issue(), run=1, turns=1, tokens=100, seconds=2.0)
    second = running(issue(), run=2, turns=2, tokens=50, seconds=1.0, attempt=1)
    history.take(EMPTY)
    history.take(replace(EMPTY, running=(first,)))
    history.take(replace(EMPTY, retrying=(retry(issue()),)))
    history.take(replace(EMPTY, running=(second,)))
    tally = history.tallies["DUR-1"]
    assert (len(tally.runs), tally.turns, tally.tokens, tally.seconds) == (2, 3, 150, 3.0)


def test_a_warning_that_every_session_repeats_is_told_once() -> None:
    history = History()
    history.take(EMPTY)
    history.take(runs())
    first = history.take(runs(*said("warning: no bubblewrap", "ran: x")))
    assert [each.text for each in first] == ["warning: no bubblewrap", "ran: x"]
    history.take(EMPTY)
    history.take(runs())
    again = history.take(runs(*said("warning: no bubblewrap", "ran: x")))
    assert [each.text for each in again] == ["ran: x"]


def test_history_knows_no_tokens_where_none_were_reported() -> None:
    history = History()
    history.take(replace(EMPTY, running=(running(issue()),)))
    assert history.tallies["DUR-1"].tokens is None


def test_history_counts_failures_in_a_row() -> None:
    history = History()
    history.take(replace(EMPTY, retrying=(retry(issue(), attempt=2),)))
    assert history.tallies["DUR-1"].failures == 2
    assert history.tallies["DUR-1"].error == "turn_failed: no luck"
    history.take(replace(EMPTY, retrying=(retry(issue(), kind="continuation"),)))
    assert history.tallies["DUR-1"].failures == 0


def test_history_counts_time_from_its_first_snapshot() -> None:
    history = History()
    history.take(polled(EMPTY, 8))
    late = replace(EMPTY, generated_at=after(2.5), totals=TokenUsage(total_tokens=1))
    history.take(late)
    assert history.seconds(late.generated_at) == 2.5

"""Which candidates are dispatched, and what is said of the others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symphony.domain.ids import IssueId
from symphony.domain.issue import Issue
from symphony.scheduler.commands import ReadCandidates, ReadIssues
from symphony.scheduler.events import PollRequested
from tests.support.scheduling import Driver, issue, settings


@pytest.mark.proves("eligibility.fields.required")
@pytest.mark.parametrize(
    "incomplete",
    [
        replace(issue("A"), id=IssueId(" ")),
        issue("A", identifier=""),
        issue("A", identifier="  "),
        issue("A", title=""),
        issue("A", state=" "),
    ],
    ids=["no id", "no identifier", "blank identifier", "no title", "blank state"],
)
def test_an_incomplete_issue_is_not_dispatched(incomplete: Issue) -> None:
    world = Driver(settings=settings(active=("Todo", "")))
    world.withhold(ReadCandidates)
    world.begin()
    world.offer(incomplete, issue("B"))
    assert world.running == ["B"]
    assert [row.code for row in world.snapshot.skipped] == ["incomplete_issue"]


@pytest.mark.proves("eligibility.fields.required", "retry.refresh.ineligible")
def test_a_retry_whose_issue_became_incomplete_is_released() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.fail("A")
    world.put(issue("A", title=" "))
    world.advance(10)
    assert world.running == []
    assert world.claim("A") is None


@pytest.mark.proves("eligibility.state.active", "state.compare.normalised")
@pytest.mark.parametrize(
    ("state", "configured", "code"),
    [
        ("Todo", "Todo", None),
        ("todo", "TODO", None),
        (" In Progress ", "in progress", None),
        ("Backlog", "Todo", "state_not_active"),
        ("Todos", "Todo", "state_not_active"),
        ("dOnE", "Todo", "state_terminal"),
    ],
)
def test_only_issues_in_an_active_state_are_dispatched(
    state: str, configured: str, code: str | None
) -> None:
    world = Driver(settings=settings(active=(configured,), terminal=("Done",)))
    world.withhold(ReadCandidates)
    world.begin()
    world.offer(issue("A", state=state))
    assert world.running == (["A"] if code is None else [])
    assert world.skipped() == ({} if code is None else {"A": code})


@pytest.mark.proves("eligibility.state.terminal_wins", "state.compare.normalised")
def test_a_state_in_both_lists_is_terminal() -> None:
    world = Driver(issue("A", state="Done"), settings=settings(active=("Todo", "DONE"))).begin()
    assert world.running == []
    assert world.skipped() == {"A": "state_terminal"}


@pytest.mark.proves("eligibility.dispatchable.false")
def test_what_the_tracker_holds_back_is_not_dispatched() -> None:
    world = Driver(issue("A", dispatchable=False), settings=settings()).begin()
    assert world.running == []
    assert world.skipped() == {"A": "not_dispatchable"}


@pytest.mark.proves("eligibility.labels.all", "eligibility.labels.compared")
@pytest.mark.parametrize(
    ("required", "carried", "starts"),
    [
        ((), (), True),
        (("agent",), ("agent", "bug"), True),
        ((" Agent ",), ("agent",), True),
        (("agent",), (), False),
        (("agent", "safe"), ("agent",), False),
        (("agent", "safe"), ("safe", "agent"), True),
        (("agent",), ("agents",), False),
    ],
)
def test_every_required_label_must_be_there(
    required: tuple[str, ...], carried: tuple[str, ...], starts: bool
) -> None:
    world = Driver(issue("A", labels=carried), settings=settings(labels=required)).begin()
    assert (world.running == ["A"]) is starts
    assert starts or world.skipped() == {"A": "label_missing"}


@pytest.mark.proves("eligibility.labels.blank")
@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_required_label_matches_nothing(blank: str) -> None:
    world = Driver(issue("A", labels=("agent",)), settings=settings(labels=("agent", blank)))
    world.begin()
    assert world.running == []


@pytest.mark.proves("issue.id.opaque")
def test_reads_by_id_use_the_id_and_not_the_identifier() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    world.tick()
    assert [read.ids for read in world.of(ReadIssues)] == [("id-A",)]


@pytest.mark.parametrize("claim", ["running", "retrying", "parked"])
def test_two_issues_with_one_identifier_never_share_a_workspace(claim: str) -> None:
    """Also where no run uses it: what a retry or a parked issue left there may be removed."""
    world = Driver(issue("A"), settings=settings()).begin()
    world.prepare("A")
    if claim == "retrying":
        world.fail("A")
    if claim == "parked":
        world.ask("A")
    assert world.claim("A") == claim
    world.withhold(ReadCandidates)
    world.tick()
    world.offer(issue("B", identifier="A"))
    assert [row.code for row in world.snapshot.skipped] == ["identifier_in_use"]


def test_a_parked_issue_keeps_its_workspace_from_a_namesake() -> None:
    """Otherwise its removal would take the directory away under the other's agent."""
    world = Driver(issue("A"), settings=settings()).begin()
    world.prepare("A")
    world.ask("A")
    world.put(issue("B", identifier="A"))
    world.tick()
    assert world.running == []
    world.move("A", "Done")
    world.tick()
    assert world.removals == [("A", "/workspaces/A")]
    world.tick()
    assert {row.issue.id for row in world.snapshot.running} == {"id-B"}


def test_of_two_namesakes_in_one_poll_the_first_runs() -> None:
    world = Driver(
        issue("A", identifier="X", created=2),
        issue("B", identifier="X", created=1),
        settings=settings(),
    ).begin()
    assert [row.issue.id for row in world.snapshot.running] == ["id-B"]


def test_a_retry_waits_while_a_namesake_uses_the_workspace() -> None:
    """Names change: the issue that waits may get the name of one that runs."""
    world = Driver(issue("A"), issue("B", created=1), settings=settings()).begin()
    world.fail("A")
    world.put(issue("A", identifier="B"))
    world.advance(10)
    assert world.running == ["B"]
    world.vanish("B")
    world.tick()
    world.gone("B")
    assert [row.issue.id for row in world.snapshot.running] == ["id-A"]


def test_claimed_issues_are_not_shown_among_the_skipped() -> None:
    world = Driver(issue("A"), issue("B"), issue("C"), settings=settings(slots=2)).begin()
    world.fail("A")
    world.ask("B")
    world.advance(1)
    world.withhold(ReadCandidates)
    world.tick()
    world.offer(issue("A"), issue("B"), issue("C"))
    assert world.skipped() == {}


def test_a_renamed_issue_keeps_the_workspace_that_has_its_old_name() -> None:
    """Its run still works there, and later the directory is removed on its behalf."""
    world = Driver(issue("A"), settings=settings()).begin()
    world.prepare("A")
    world.put(issue("A", identifier="Z"), issue("B", identifier="A"))
    world.tick()
    assert {row.issue.id for row in world.snapshot.running} == {"id-A"}
    world.fail("A")
    world.send(PollRequested())
    world.advance(0)
    assert world.running == []
    world.put(issue("A", identifier="Z", state="Done"))
    world.advance(10)
    assert world.removals == [("Z", "/workspaces/A")]
    world.tick()
    assert {row.issue.id for row in world.snapshot.running} == {"id-B"}


def test_nothing_is_removed_on_behalf_of_an_issue_that_took_the_name_of_another() -> None:
    world = Driver(issue("A"), issue("B"), settings=settings()).begin()
    world.fail("A")
    world.put(issue("A", identifier="B", state="Done"))
    world.advance(10)
    assert (world.claim("A"), world.removals) == (None, [])

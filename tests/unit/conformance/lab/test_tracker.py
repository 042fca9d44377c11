"""One vocabulary over both dialects."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest

from conformance.lab.boards import Handle
from conformance.lab.timeline import Timeline
from conformance.lab.tracker import Tracker
from conformance.manifest.sections import Dialect


@pytest.fixture(params=list(Dialect))
def tracker(request: pytest.FixtureRequest) -> Iterator[Tracker]:
    with running(request.param, seed=3) as tracker:
        yield tracker


@contextmanager
def running(dialect: Dialect, *, seed: int) -> Generator[Tracker]:
    tracker = Tracker(dialect, Timeline(), seed=seed)
    tracker.start()
    try:
        yield tracker
    finally:
        tracker.stop()


def secret(dialect: Dialect, seed: int) -> str:
    with running(dialect, seed=seed) as tracker:
        return tracker.secret


def test_an_issue_is_in_todo_unless_it_is_said_otherwise(tracker: Tracker) -> None:
    tracker.put("ENG-1", title="A thing")
    tracker.put("ENG-2", state="Human Review")
    assert (tracker.state("ENG-1"), tracker.state("ENG-2")) == ("Todo", "Human Review")


def test_a_change_leaves_the_rest_alone(tracker: Tracker) -> None:
    before = tracker.put("ENG-1", labels=["Bug", "red"], priority=2)
    tracker.set_state("ENG-1", "In Progress")
    assert sorted(tracker.labels("ENG-1")) == ["Bug", "red"]
    tracker.set_labels("ENG-1", "blue")
    tracker.put("ENG-1", title="Another title", priority=0)
    assert (tracker.state("ENG-1"), tracker.labels("ENG-1")) == ("In Progress", ["blue"])
    assert tracker.handle("ENG-1") == before


def test_a_deleted_issue_is_gone(tracker: Tracker) -> None:
    tracker.put("ENG-1")
    tracker.remove("ENG-1")
    if tracker.dialect is Dialect.LINEAR:
        with pytest.raises(LookupError):
            tracker.state("ENG-1")


def test_an_unknown_issue_cannot_be_moved(tracker: Tracker) -> None:
    with pytest.raises(LookupError, match="ENG-9"):
        tracker.set_state("ENG-9", "Done")


def test_what_is_held_back_can_be_changed_and_appears_once(tracker: Tracker) -> None:
    tracker.hold_back = True
    first = tracker.put("ENG-1", title="A thing")
    tracker.set_state("ENG-1", "In Progress")
    assert tracker.hidden == ["ENG-1"]
    tracker.show_all()
    assert (tracker.handle("ENG-1"), tracker.state("ENG-1")) == (first, "In Progress")
    assert not tracker.hidden
    tracker.put("ENG-2")
    assert not tracker.hidden


def test_the_credential_is_a_canary_that_follows_from_the_seed() -> None:
    secrets = {secret(each, 3) for each in Dialect}
    assert {secret(each, 3) for each in Dialect} == secrets
    assert all("canary" in each for each in secrets)
    assert secret(Dialect.LINEAR, 4) not in secrets


def test_the_workflow_file_names_the_credential_and_does_not_hold_it(tracker: Tracker) -> None:
    wiring = tracker.wiring(workspace_root="/root", agent_command="agent")
    assert tracker.secret not in str(wiring)
    (name,) = tracker.variables()
    assert f"${name}" in (wiring.api_key, wiring.token)


@pytest.mark.parametrize(
    ("identifier", "own", "foreign"),
    [
        ("ENG-1", "ENG-1", "ENG-10"),
        ("A/1", "A_1-0123456789abcdef", "A_1"),
        ("..", "..-0123456789abcdef", ".."),
    ],
)
def test_a_workspace_is_known_by_its_name(identifier: str, own: str, foreign: str) -> None:
    issue = Handle(name=identifier, identifier=identifier, id="x")
    assert issue.is_workspace(own)
    assert not issue.is_workspace(foreign)


@pytest.mark.parametrize("name", ["GH-7", "7", "acme-lab-7", "acme_lab#7"])
def test_a_workspace_of_a_numbered_issue_ends_in_its_number(name: str) -> None:
    issue = Handle(name="ENG-1", identifier="GH-7", id="7", number=7)
    assert issue.is_workspace(name)
    assert not issue.is_workspace(f"{name}1")
    assert not issue.is_workspace("GH-17")

"""Which scripts the agents of a workspace get, and how an event reads."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from conformance.agents.desk import AgentDesk
from conformance.agents.narration import LONGEST, told
from conformance.agents.steps import TALKS, agent_script, say, turn
from conformance.lab.timeline import Timeline

ONE, TWO, THREE = (agent_script(turn(say(text))) for text in ("one", "two", "three"))


@pytest.fixture
def desk() -> Iterator[AgentDesk]:
    opened = AgentDesk(Timeline())
    opened.start()
    yield opened
    opened.stop()


def started_in(desk: AgentDesk, cwd: str) -> object:
    with socket.socket() as connection:
        return desk.welcome({"event": "start", "cwd": cwd}, connection)[1]


@pytest.mark.parametrize(
    ("identifier", "workspace"),
    [
        ("MT-1", "MT-1"),
        ("MT-1", "MT-1-8f3a"),
        ("MT-1", "MT-1_8f3a"),
        ("MT/1", "MT_1"),
        ("MT/1", "MT_1-8f3a"),
        ("GH-7", "GH-7.x"),
    ],
)
def test_a_workspace_is_found_by_the_identifier(
    desk: AgentDesk, identifier: str, workspace: str
) -> None:
    desk.script(identifier, ONE)
    assert started_in(desk, f"/w/{workspace}") == ONE
    assert [session.name for session in desk.sessions(identifier)] == [workspace]


@pytest.mark.parametrize("workspace", ["MT-10", "MT-1a", "XMT-1", "MT"])
def test_a_workspace_of_another_issue_is_not(desk: AgentDesk, workspace: str) -> None:
    desk.script("MT-1", ONE)
    assert started_in(desk, f"/w/{workspace}") == TALKS
    assert not desk.sessions("MT-1")


def test_the_longest_name_goes_before_a_predicate_and_that_before_any(desk: AgentDesk) -> None:
    desk.script("MT-1-2", TWO)
    desk.script("MT-1", ONE)
    desk.script(lambda cwd: cwd.endswith("2"), THREE)
    desk.script(None, agent_script())
    assert started_in(desk, "/w/MT-1-2") == TWO
    assert started_in(desk, "/w/MT-1") == ONE
    assert started_in(desk, "/w/other-2") == THREE
    assert started_in(desk, "/w/other") == agent_script()


def test_what_is_said_later_begins_with_its_first_script(desk: AgentDesk) -> None:
    desk.script("MT-1", ONE)
    assert started_in(desk, "/w/MT-1") == ONE
    desk.script("MT-1", TWO, THREE)
    assert [started_in(desk, "/w/MT-1") for _ in range(3)] == [TWO, THREE, THREE]
    assert [session.number for session in desk.sessions("MT-1")] == [1, 2, 3, 4]


def test_workspaces_under_one_selector_are_counted_apart(desk: AgentDesk) -> None:
    desk.script(None, ONE, TWO)
    assert [started_in(desk, f"/w/{name}") for name in ("A-1", "B-1", "A-1")] == [ONE, ONE, TWO]


def test_at_least_one_script_has_to_be_said(desk: AgentDesk) -> None:
    with pytest.raises(ValueError, match="at least one script"):
        desk.script("MT-1")


def test_a_line_for_people_is_short_and_one() -> None:
    message = {"method": "turn/start", "params": {"text": "a\nb" * 500}}
    line = told(2, {"event": "received", "message": message})
    assert line.startswith("session 2: received turn/start ")
    assert len(line) == LONGEST
    assert "\n" not in line


def test_an_event_without_words_is_told_by_its_name() -> None:
    assert told(1, {"event": "ignored end"}) == "session 1: ignored end"

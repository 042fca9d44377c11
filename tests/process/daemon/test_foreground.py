"""A daemon that is started on a terminal shows what it does, and outlives the terminal."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import pytest

from tests.support.daemon_gates import StandingAgent
from tests.support.daemon_process import wait_until
from tests.support.daemon_site import HOUR_MS, WAIT, WORKS, Site, Step
from tests.support.terminal import TerminalProcess, screen_of

EVIL: Step = {"do": "message", "text": "gone \x1b[2J\x1b]0;owned\x07are the \x1b[31mwords"}


class Terminals:
    """Starts daemons of a site on terminals."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.started: list[TerminalProcess] = []

    def start(self, *arguments: str, **variables: str) -> TerminalProcess:
        started = TerminalProcess(
            (str(self._site.workflow), *arguments),
            directory=self._site.top,
            environment=self._site.environment(variables),
        )
        self.started.append(started)
        return started


@pytest.fixture
def terminals(site: Site) -> Iterator[Terminals]:
    """Two issues and one slot; the agent of the first one works until it is let go."""
    site.write_script("default", WORKS)
    site.write_workflow(agent={"max_concurrent_agents": 1}, polling={"interval_ms": HOUR_MS})
    site.write_issue("MT-1", title="A title \x1b]0;owned\x07 with an escape")
    site.write_script("MT-1", {"turns": [[EVIL, WAIT]]})
    site.write_issue("MT-2")
    made = Terminals(site)
    yield made
    for each in made.started:
        each.close()


def standing(site: Site, workspace: str) -> StandingAgent:
    """The agent of this workspace, once it works."""
    found: list[StandingAgent] = []

    def look() -> bool:
        agent = site.gates.take(workspace, "working")
        found.extend(() if agent is None else (agent,))
        return bool(found)

    wait_until(look, f"the agent of {workspace} works")
    return found[0]


def start_one(terminals: Terminals, *arguments: str, **variables: str) -> TerminalProcess:
    daemon = terminals.start(*arguments, **variables)
    daemon.wait_for_text("event=session_started")
    return daemon


def test_the_view_stands_below_the_log_lines(terminals: Terminals) -> None:
    daemon = start_one(terminals)
    daemon.wait_for_text("1 of 1 slots in use")
    daemon.wait_for_text("MT-2         no_global_slot")
    screen = daemon.screen()
    log = [line for line in screen if " event=" in line]
    view = screen.index("Running")
    assert screen.index(log[-1]) < view
    daemon.wait_for_text("said: gone are the words")
    assert any(line.startswith("  MT-1         Todo           turn 1") for line in screen[view:])
    daemon.signal(signal.SIGINT)
    assert daemon.wait_for_exit() == 0
    left = [line for line in daemon.screen() if line]
    assert "event=daemon_stopped" in left[-1]
    assert all(" event=" in line for line in left)
    assert not re.search(r"\x1b(?!\[2K|\[1A)", daemon.text())
    assert "owned" not in daemon.text()


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (("--plain",), {}),
        (("--log-format", "json"), {}),
        ((), {"NO_COLOR": "1"}),
        ((), {"TERM": "dumb"}),
        ((), {"CI": "true"}),
    ],
)
def test_log_lines_alone_can_be_had(
    terminals: Terminals, arguments: tuple[str, ...], variables: dict[str, str]
) -> None:
    daemon = terminals.start(*arguments, **variables)
    daemon.wait_for_text("session_started")
    daemon.signal(signal.SIGINT)
    assert daemon.wait_for_exit() == 0
    assert "\x1b" not in daemon.text()
    assert "slots in use" not in daemon.text()


def test_a_resize_is_taken_into_account(terminals: Terminals) -> None:
    daemon = start_one(terminals)
    daemon.wait_for_text("no_global_slot")
    daemon.resize(30, 30)
    seen = len(daemon.text())
    daemon.wait_for(lambda: daemon.text()[seen:].count("Running") >= 3, "it is drawn again")
    drawn = screen_of(daemon.text())
    view = drawn[len(drawn) - 1 - drawn[::-1].index("Running") :]
    assert max(map(len, view)) < 30
    assert daemon.runs
    daemon.resize(5, 1)
    seen = len(daemon.text())
    daemon.resize(100, 30)
    daemon.wait_for(lambda: "slots in use" in daemon.text()[seen:], "it is drawn once more")
    assert daemon.runs


@pytest.mark.proves("cli.terminal.independent")
@pytest.mark.proves("status.surface.independent", "log.sink.survives")
def test_a_closed_terminal_costs_the_view_and_nothing_else(
    site: Site, terminals: Terminals
) -> None:
    root = site.top / "logs"
    daemon = start_one(terminals, "--logs-root", str(root))
    daemon.wait_for_text("slots in use")
    agent = standing(site, "MT-1")
    daemon.hang_up()
    log = root / "symphony.log"
    # The next log line meets a closed terminal, and the work goes on.
    agent.go()
    wait_until(lambda: "event=turn_started" in log.read_text(), "the next turn begins")
    wait_until(lambda: "event=log_sink_failed" in log.read_text(), "the log says what it lost")
    daemon.signal(signal.SIGTERM)
    assert daemon.wait_for_exit() == 0
    assert "event=daemon_stopped" in log.read_text()


@pytest.mark.proves("cli.terminal.independent")
def test_a_terminal_that_takes_nothing_holds_up_nothing(site: Site, terminals: Terminals) -> None:
    root = site.top / "logs"
    daemon = start_one(terminals, "--logs-root", str(root))
    daemon.wait_for_text("slots in use")
    daemon.press("\x13")  # Ctrl-S
    log = root / "symphony.log"
    site.write_workflow(agent={"max_concurrent_agents": 2}, polling={"interval_ms": HOUR_MS})
    wait_until(lambda: "issue_identifier=MT-2" in log.read_text(), "one more is started")
    daemon.signal(signal.SIGTERM)
    wait_until(lambda: not daemon.runs, "the daemon ends")
    assert "event=daemon_stopped" in log.read_text()

"""The desk and its agents under a real daemon, which is to be found without fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.agents.desk import AgentDesk
from conformance.agents.steps import (
    agent_script,
    approve_command,
    ask_permissions,
    ask_user,
    call_tool,
    chatter,
    gate,
    say,
    split,
    subagent,
    turn,
    usage,
)
from conformance.lab.timeline import Timeline
from tests.support.daemon_site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    fresh = Site(tmp_path)
    try:
        yield fresh
        fresh.check()
    finally:
        fresh.close()


def test_the_daemon_works_with_the_agents_of_a_desk(
    site: Site, desk: AgentDesk, timeline: Timeline
) -> None:
    done = call_tool("issue_update", {"state": "Done"})
    desk.script("MT-1", agent_script(turn(say(), usage(10, 1)), turn(subagent(), split(), done)))
    desk.script("MT-2", agent_script(turn(approve_command(), ask_permissions(), gate())))
    desk.script("MT-3", agent_script(turn(ask_user()), strict=True))
    desk.script("MT-4", agent_script(turn(chatter(interval_ms=20), done)))
    site.write_workflow(codex={"command": desk.command()})
    for number in range(1, 5):
        site.write_issue(f"MT-{number}")
    site.start()
    site.until(lambda: site.state("MT-1") == "Done", "MT-1 is done in its second turn")
    site.until(lambda: any(each.at_gate() for each in desk.alive("MT-2")), "MT-2 at its gate")
    site.until(lambda: any(each.at_gate() for each in desk.alive("MT-4")), "MT-4 talks")
    site.write_issue("MT-2", "Done")
    site.until(lambda: not desk.alive("MT-2"), "the agent of MT-2 is stopped")
    desk.sessions("MT-4")[0].open_gate()
    site.until(lambda: site.state("MT-4") == "Done", "MT-4 is done")
    site.until(lambda: [each for each in desk.sessions("MT-3") if each.turns], "MT-3 had its turn")
    (first,) = desk.sessions("MT-1")
    assert len(first.turns) == 2
    assert len(first.thread_starts) == 1
    assert "issue_update" in first.tools
    for session in desk.sessions():
        assert not session.violations
        assert not session.refusals
    assert timeline.dropped == 0

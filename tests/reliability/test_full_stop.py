"""Stopped with many sessions, some of which are stuck: in order, in bounded time, and entirely."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from symphony.processes.tree import KILL_LIMIT_S
from symphony.runtime.sessions import STOP_GRACE_MS
from symphony.workspaces.hooks import HOOK_GRACE_MS
from tests.reliability.arena import Arena, Manners
from tests.reliability.witness import GENERATION_VARIABLE
from tests.support.daemon_process import wait_until
from tests.support.daemon_site import FINISHES, HOUR_MS, WORKS, Script, Site

HOOK_TIMEOUT_MS: Final = 5_000
LONGEST_STOP_S: Final = (
    # The agent: end of input, SIGTERM, SIGKILL. Then `after_run`: its time, SIGTERM, SIGKILL.
    (2 * STOP_GRACE_MS + HOOK_TIMEOUT_MS + HOOK_GRACE_MS) / 1000 + 2 * KILL_LIMIT_S
)
"""What the settings allow; all runs are ended at the same time."""
BUSY: Final = 6
"""How much slower than that a machine may be that has much else to do."""

STARTED_WITHIN_S: Final = 240.0
"""Fifty starts take a busy machine longer than the usual wait lasts."""

DEAF: Final[Script] = {**WORKS, "ignore_end": True, "ignore_term": True}
SILENT: Final[Script] = {**DEAF, "silent": ["initialize"]}
WITH_CHILDREN: Final[Manners] = {"agent": {"deaf": True, "forgetful": True}}
ALONE: Final[Manners] = {}
# A child in a session of its own holds the output and does not listen.
HANG: Final = "setsid bash -c 'trap \"\" TERM HUP; sleep 600; :' & sleep 600"


def _names(kind: str, number: int) -> list[str]:
    return [f"{kind}-{index}" for index in range(number)]


POLITE, STUCK, MUTE = _names("POLITE", 10), _names("STUCK", 15), _names("MUTE", 5)
AFTER, BEFORE = _names("AFTER", 5), _names("BEFORE", 10)
REMOVE: Final = _names("REMOVE", 5)
EVERYBODY: Final = (*POLITE, *STUCK, *MUTE, *AFTER, *BEFORE, *REMOVE)


def _hang_for(kind: str) -> str:
    return f'case "$SYMPHONY_ISSUE_ID" in {kind}-*) {HANG};; esac'


def _prepare(site: Site, names: Sequence[str], children: Manners = WITH_CHILDREN) -> None:
    arena = Arena(site)
    arena.prepare()
    site.write_workflow(
        agent={"max_concurrent_agents": len(names), "max_retry_backoff_ms": 100},
        hooks={
            "before_run": _hang_for("BEFORE"),
            "after_run": _hang_for("AFTER"),
            "before_remove": _hang_for("REMOVE"),
            "timeout_ms": HOOK_TIMEOUT_MS,
        },
        codex={
            "command": arena.under_witness("agent", str(site.launcher)),
            "read_timeout_ms": HOUR_MS,
        },
    )
    for name in names:
        kind = name.partition("-")[0]
        scripts = {"STUCK": DEAF, "MUTE": SILENT, "REMOVE": FINISHES}
        manners = children if kind in {"STUCK", "MUTE"} else ALONE
        arena.behave(name, manners, scripts.get(kind, WORKS))


def _sessions(pids: Sequence[int]) -> set[int]:
    """The process sessions of these processes, without the one of the test."""
    return {os.getsid(pid) for pid in pids if os.path.exists(f"/proc/{pid}")} - {os.getsid(0)}


def _members(sessions: set[int]) -> list[int]:
    """Who lives in one of these sessions, whatever it says of itself."""
    return [pid for pid in _all_pids() if _session_of_living(pid) in sessions]


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _session_of_living(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[3])


@pytest.mark.proves(
    "cli.exit.signal",
    "cli.exit.normal",
    "cli.stop.agents_ended",
    "cli.stop.workspaces_kept",
    "run.end.process_stopped",
    "run.end.tree",
    "run.end.held_pipe",
    "hook.timeout.tree",
    "hook.after_run.cancelled",
)
def test_fifty_sessions_of_which_most_are_stuck_end_in_order_and_leave_nothing(site: Site) -> None:
    _prepare(site, EVERYBODY)
    for name in EVERYBODY:
        if name not in REMOVE:
            site.write_issue(name)
    daemon = site.start(environment={GENERATION_VARIABLE: site.token})
    standing = (*POLITE, *STUCK, *AFTER)
    wait_until(
        lambda: len(daemon.log(event="session_started")) >= len(standing),
        "the agents work",
        seconds=STARTED_WITHIN_S,
    )
    for name in standing:
        site.at_gate(name)
    daemon.wait_for(lambda: all(site.sessions(name) for name in MUTE), "the mute ones have started")
    for name in REMOVE:
        site.write_issue(name)
    for hook, count in (("before_remove", len(REMOVE)), ("before_run", len(BEFORE))):
        daemon.wait_for_log(event="hook_started", hook=hook, count=count)
    living = site.processes()
    assert len(living) >= len(POLITE) + 3 * (len(STUCK) + len(MUTE)) + len(AFTER)
    sessions = _sessions(living)

    daemon.signal(signal.SIGTERM)

    wait_until(lambda: not daemon.runs, "the daemon has ended", seconds=BUSY * LONGEST_STOP_S)
    assert daemon.wait_for_exit() == 0
    assert site.processes() == []
    assert _members(sessions) == []
    ended = {line["issue_identifier"] for line in daemon.log(event="run_ended")}
    assert ended >= {*POLITE, *STUCK, *MUTE, *AFTER, *BEFORE}
    assert daemon.events("daemon_stopped") == ["daemon_stopped"]
    for name in (*POLITE, *STUCK, *MUTE, *AFTER, *BEFORE):
        assert site.workspace(name).is_dir()
    assert daemon.log(event="hook_timed_out", hook="after_run")


@pytest.mark.proves(
    "reconcile.state.inactive",
    "reconcile.state.terminal",
    "reconcile.cleanup.after_exit",
    "run.end.process_stopped",
    "run.end.tree",
    "run.end.held_pipe",
    "hook.timeout.tree",
)
def test_twenty_stuck_runs_that_are_cancelled_together_leave_nothing_behind(site: Site) -> None:
    stuck = [*_names("STUCK", 10), *_names("MUTE", 5), *_names("BEFORE", 5)]
    _prepare(site, stuck)
    for name in stuck:
        site.write_issue(name)
    daemon = site.start(environment={GENERATION_VARIABLE: site.token})
    for name in stuck[:10]:
        site.at_gate(name)
    daemon.wait_for(lambda: all(site.sessions(name) for name in stuck[10:15]), "all have started")
    daemon.wait_for_log(event="hook_started", hook="before_run")
    own = {daemon.pid, *(pid for pid in site.processes() if os.getsid(pid) == pid == _warden(pid))}
    sessions = _sessions([pid for pid in site.processes() if pid not in own])

    for index, name in enumerate(stuck):
        site.write_issue(name, "Done" if index % 2 else "Human Review")

    for index, name in enumerate(stuck):
        event = "workspace_removed" if index % 2 else "claim_released"
        daemon.wait_for_log(event=event, issue_identifier=name)
    daemon.wait_for(lambda: len(site.processes()) == len(own), "only daemon and warden are left")
    assert _members(sessions) == []
    # It has lost nothing that it needs to go on.
    site.write_issue("MT-1")
    daemon.wait_for_log(event="workspace_removed", issue_identifier="MT-1")


def _warden(pid: int) -> int | None:
    return pid if Path(f"/proc/{pid}/comm").read_text().strip() == "symphony-warden" else None


@pytest.mark.proves("cli.stop.agents_ended", "run.end.tree", "cli.exit.signal")
def test_a_stop_without_descriptors_leaves_nothing_either(site: Site) -> None:
    names = [*_names("STUCK", 2), *_names("POLITE", 2)]
    # With their environment: nothing else tells whose they are when nobody could look in time.
    _prepare(site, names, {"agent": {"deaf": True}})
    for name in names:
        site.write_issue(name)
    daemon = site.start(environment={GENERATION_VARIABLE: site.token})
    for name in names:
        site.at_gate(name)
    sessions = _sessions(site.processes())
    # Less than what is in use: nothing can be opened any more, not even the table of processes.
    _, hard = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (1, hard))
    daemon.signal(signal.SIGTERM)
    wait_until(lambda: not daemon.runs, "the daemon has ended", seconds=BUSY * LONGEST_STOP_S)
    assert daemon.wait_for_exit() == 0
    wait_until(lambda: not site.processes(), "the warden has ended the rest")
    assert _members(sessions) == []

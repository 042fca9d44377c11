"""At start, what an earlier daemon of the same root left running is ended."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from symphony.processes.owner import DaemonInstance, OwnerMark
from symphony.processes.sweep import sweep_leftovers
from symphony.processes.table import start_ticks
from tests.support.process_children import LEAVES_AN_ORPHAN, QUIET_FOR_EVER, python
from tests.support.process_tokens import pids_with, runs

Leave = Callable[[OwnerMark], int]


@pytest.fixture
def root(token: str) -> str:
    """A fingerprint that no other test uses."""
    return f"root-{token}"


@pytest.fixture
def leave(token: str) -> Leave:
    """Leave a marked, stubborn process that is not below this one, and give its pid."""

    def start(mark: OwnerMark) -> int:
        arguments = python(LEAVES_AN_ORPHAN, mark.render(), token)
        return int(subprocess.run(arguments, capture_output=True, check=True).stdout)

    return start


@pytest.fixture
def living_daemon(token: str) -> Iterator[DaemonInstance]:
    """Another daemon that runs."""
    with subprocess.Popen(python(QUIET_FOR_EVER, token)) as process:
        try:
            ticks = start_ticks(process.pid)
            yield DaemonInstance(pid=process.pid, started_at_ticks=ticks, nonce="other")
        finally:
            process.kill()


def own_id() -> str:
    ticks = start_ticks(os.getpid())
    return DaemonInstance(pid=os.getpid(), started_at_ticks=ticks, nonce="own").render()


def test_leftovers_of_a_dead_daemon_are_ended_and_named(
    leave: Leave, root: str, token: str
) -> None:
    pid = leave(OwnerMark(root=root, daemon="dead", run="1"))

    report = sweep_leftovers(root, own_id())

    assert [process.pid for process in report.ended] == [pid]
    assert "python" in report.ended[0].command
    assert report.survivors == ()
    assert pids_with(token) == []


def test_a_daemon_whose_pid_now_belongs_to_another_process_is_dead(leave: Leave, root: str) -> None:
    ticks = start_ticks(os.getppid())
    recycled = DaemonInstance(pid=os.getppid(), started_at_ticks=ticks - 1, nonce="old")
    pid = leave(OwnerMark(root=root, daemon=recycled.render(), run="1"))

    report = sweep_leftovers(root, own_id())

    assert [process.pid for process in report.ended] == [pid]
    assert not runs(pid)


def test_children_of_this_daemon_of_other_roots_and_of_living_daemons_are_kept(
    leave: Leave, root: str, living_daemon: DaemonInstance
) -> None:
    own = own_id()
    kept = [
        leave(OwnerMark(root=root, daemon=own, run="1")),
        leave(OwnerMark(root=f"{root}-other", daemon="dead", run="1")),
        leave(OwnerMark(root=root, daemon=living_daemon.render(), run="1")),
    ]

    report = sweep_leftovers(root, own)

    assert report.ended == ()
    assert all(map(runs, kept))


def test_what_descends_from_this_process_is_spared(root: str, token: str) -> None:
    environment = {"SYMPHONY_OWNER": OwnerMark(root=root, daemon="dead", run="1").render()}
    with subprocess.Popen(python(QUIET_FOR_EVER, token), env=environment) as child:
        try:
            assert sweep_leftovers(root, own_id()).ended == ()
            assert runs(child.pid)
        finally:
            child.kill()


def test_without_leftovers_nothing_is_reported(root: str) -> None:
    report = sweep_leftovers(root, own_id())
    assert (report.ended, report.survivors) == ((), ())

"""A number that we noted may belong to somebody else by the time we act on it."""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.daemon_site import WORKS, Script, Site
from tests.support.process_children import QUIET_FOR_EVER, STUBBORN, python
from tests.support.process_tokens import pids_with, runs, wait_until

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
TOP = Path(__file__).parents[2]
ATTEMPTS = 500

# The real daemon's way: the warden first, children later.
DAEMON = f"""
import sys
from symphony.processes.warden import start_warden
token = sys.argv[1]
warden = start_warden(token)
print(warden.pid, flush=True)
sys.stdin.readline()
import os, subprocess
mark = f"r:{{token}}:1"
child = subprocess.Popen(
    [sys.executable, "-c", {STUBBORN!r}, token],
    env={{"SYMPHONY_OWNER": mark}}, start_new_session=True, stdout=subprocess.PIPE,
)
child.stdout.readline()
warden.tell_started(child.pid)
print(child.pid, flush=True)
sys.stdin.readline()
"""


def _may_choose_pids() -> bool:
    try:
        LAST_PID.write_text(LAST_PID.read_text())
    except OSError:
        return False
    return True


choosing = pytest.mark.skipif(
    not _may_choose_pids(), reason="only root on Linux can say which pid comes next"
)


@contextlib.contextmanager
def _bystander_with(pid: int, arguments: tuple[str, ...]) -> Generator[subprocess.Popen[bytes]]:
    """A stranger, leader of its own session, that was given this very pid."""
    clean = {name: value for name, value in os.environ.items() if name != "SYMPHONY_OWNER"}
    for _ in range(ATTEMPTS):
        LAST_PID.write_text(str(pid - 1))
        process = subprocess.Popen(arguments, env=clean, start_new_session=True)
        if process.pid == pid:
            break
        # Somebody else was faster.
        process.kill()
        process.wait()
        time.sleep(0.01)
    else:
        pytest.skip(f"the pid {pid} was not to be had on this busy machine")
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@choosing
@pytest.mark.proves("recovery.process.recycled")
@pytest.mark.proves("recovery.kill.agents_ended")
@pytest.mark.parametrize("warden_is_late", [False, True])
def test_the_warden_of_a_killed_daemon_leaves_a_recycled_pid_alone(
    token: str, warden_is_late: bool
) -> None:
    with subprocess.Popen(
        (sys.executable, "-c", DAEMON, token),
        cwd=TOP,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as daemon:
        assert daemon.stdin is not None
        assert daemon.stdout is not None
        warden = int(daemon.stdout.readline())
        if warden_is_late:
            os.kill(warden, signal.SIGSTOP)
        daemon.stdin.write(b"\n")
        daemon.stdin.flush()
        child = int(daemon.stdout.readline())
        if not warden_is_late:
            wait_until(lambda: _has_read_everything(warden), "the warden has read everything")
            os.kill(warden, signal.SIGSTOP)
        daemon.kill()
        daemon.wait()
        os.kill(child, signal.SIGKILL)
        wait_until(lambda: not os.path.exists(f"/proc/{child}"), "the pid is free")
        with _bystander_with(child, python(QUIET_FOR_EVER)) as bystander:
            os.kill(warden, signal.SIGCONT)
            wait_until(lambda: not runs(warden), "the warden leaves")
            assert bystander.poll() is None
    assert pids_with(token) == []


def _has_read_everything(warden: int) -> bool:
    """Whether the pipe to the warden is empty: its only file beyond the standard ones."""
    (pipe,) = [entry for entry in Path(f"/proc/{warden}/fd").iterdir() if int(entry.name) > 2]
    waiting = array.array("i", [0])
    with pipe.open("rb", buffering=0) as end:
        fcntl.ioctl(end, termios.FIONREAD, waiting)
    return waiting[0] == 0


# The deaf one outlives its daemon; the other one leaves its pid to somebody else.
DEAF: Script = {**WORKS, "ignore_end": True, "ignore_term": True}


@choosing
@pytest.mark.proves("recovery.process.recycled")
@pytest.mark.proves("recovery.kill.agents_ended", "recovery.restart.single_run")
def test_a_start_after_a_kill_takes_no_stranger_for_the_dead(site: Site) -> None:
    site.write_script("POLITE", WORKS)
    site.write_script("DEAF", DEAF)
    site.write_workflow()
    for name in ("POLITE", "DEAF"):
        site.write_issue(name)
    first = site.start()
    polite, deaf = site.at_gate("POLITE").pid, site.at_gate("DEAF").pid
    (warden,) = [pid for pid in site.processes() if _name(pid) == "symphony-warden"]
    os.kill(warden, signal.SIGSTOP)
    first.kill()
    wait_until(
        lambda: not os.path.exists(f"/proc/{polite}"), "the agent leaves at the end of input"
    )
    quiet = python(QUIET_FOR_EVER)
    with _bystander_with(polite, quiet) as one, _bystander_with(first.pid, quiet) as other:
        second = site.start()
        site.at_gate("POLITE")
        site.at_gate("DEAF")
        # Its daemon is dead, although that pid is alive.
        assert second.log(event="leftover_process_ended", pid=str(deaf))
        os.kill(warden, signal.SIGCONT)
        wait_until(lambda: not runs(warden), "the warden leaves")
        assert (one.poll(), other.poll()) == (None, None)
        assert len(site.processes()) == 4, "the second daemon, its warden and two agents"


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()

"""Out of descriptors, out of processes, out of disk: it says so, keeps what runs, and recovers.

A limit is one of the kernel's own, set on the real daemon. Where this machine does not let a test
set one, the test is skipped and says why.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.support.daemon_site import FINISH, WAIT, Script, Site

IN_TWO_TURNS: Final[Script] = {"turns": [[WAIT], [FINISH]]}
"""Stands at the gate first, then sets its issue to Done."""
NOTHING_MORE: Final = 1
"""A limit below what is in use: what is there stays, and nothing is added."""
UNUSED_USER: Final = 61_234
"""A user that owns no process: root itself is not held to the limit on processes."""
FEW_PROCESSES: Final = (5, 8)
"""From what a daemon needs to get to its first tick, to just too few for everything besides."""
BACKOFF: Final = {"max_retry_backoff_ms": 200}


def _prepare(site: Site, names: Sequence[str], **hooks: str) -> None:
    site.write_script("default", IN_TWO_TURNS)
    site.write_workflow(agent=BACKOFF, hooks=hooks)
    for name in names:
        site.write_issue(name)


def _let_everybody_finish(site: Site, names: Sequence[str]) -> None:
    """Open every gate that is reached, until all are done."""

    def done() -> bool:
        for name in names:
            if agent := site.gates.take(name, "working"):
                agent.go()
        return all(_is_done(site, name) for name in names)

    site.until(done, "every issue is done and cleaned up")


def _is_done(site: Site, name: str) -> bool:
    return site.state(name) == "Done" and not site.workspace(name).exists()


def _expect_said(site: Site, events: Sequence[str], number: int) -> None:
    """Wait until one of these events tells of the trouble in the system's own words."""
    words = os.strerror(number)
    site.until(
        lambda: any(
            line.get("event") in events and words in line.get("reason", "")
            for line in site.daemon.log()
        ),
        f"{events}: {words}",
    )


def _set(site: Site, limit: str, soft: int | None) -> None:
    """Change the daemon's limit from outside; None puts back what is allowed at most."""
    pid = site.daemon.pid
    value = "" if soft is None else str(soft)
    if soft is None:
        output = _prlimit(site, "--raw", "--noheadings", "--output=HARD", f"--{limit}")
        value = output.strip()
    _prlimit(site, f"--{limit}={value}:")
    assert os.path.exists(f"/proc/{pid}")


def _prlimit(site: Site, *arguments: str) -> str:
    pid = site.daemon.pid
    done = subprocess.run(
        ("prlimit", f"--pid={pid}", *arguments),
        # Root may be without the right to do this to another user's process.
        user=os.stat(f"/proc/{pid}").st_uid,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _expect_to_live_through(site: Site, limit: str, number: int) -> None:
    """Three runs stand when the limit comes; what comes after them waits until it goes."""
    before, after = ["MT-1", "MT-2", "MT-3"], ["MT-4", "MT-5"]
    _prepare(site, before)
    daemon = site.daemon
    standing = [site.at_gate(name) for name in before]
    _set(site, limit, NOTHING_MORE)
    for name in after:
        site.write_issue(name)
    _expect_said(site, ("run_ended", "candidate_read_failed", "reconcile_read_failed"), number)
    for agent in standing:
        assert os.path.exists(f"/proc/{agent.pid}")
    assert daemon.runs
    _set(site, limit, None)
    for agent in standing:
        agent.go()
    _let_everybody_finish(site, [*before, *after])
    for name in before:
        assert len(daemon.log(event="dispatched", issue_identifier=name)) == 1


_PROVES: Final = pytest.mark.proves(
    "recovery.service.survives", "tracker.error.candidates", "log.failure.visible"
)


@_PROVES
def test_a_daemon_without_descriptors_says_so_keeps_its_runs_and_recovers(site: Site) -> None:
    site.write_workflow(agent=BACKOFF)
    site.start()
    _expect_to_live_through(site, "nofile", errno.EMFILE)


def _as_ordinary_user(command: str) -> str:
    """A shell script that runs `command` as a user who is held to limits."""
    if os.geteuid() != 0:
        return command
    # With the right to all files: what is tested is not whether it can read its own program.
    become = (
        f"setpriv --reuid {UNUSED_USER} --clear-groups "
        "--inh-caps=+dac_override --ambient-caps=+dac_override bash -c"
    )
    tried = subprocess.run(
        ("bash", "-c", f"{become} true"), capture_output=True, text=True, check=False
    )
    if tried.returncode != 0:
        pytest.skip(f"root has no such limit, and cannot be left: {tried.stderr.strip()}")
    return f'exec {become} {shlex.quote(command)} bash "$@"'


@pytest.fixture
def open_site() -> Iterator[Site]:
    """A site in a place that every user can reach, and with issues that it may write."""
    with tempfile.TemporaryDirectory(prefix="site-") as ground:
        os.chmod(ground, 0o755)  # noqa: S103 - the daemon runs as somebody else
        fresh = Site(Path(ground))
        if os.geteuid() == 0:
            for path in (fresh.socket, fresh.top, *fresh.top.rglob("*")):
                os.chown(path, UNUSED_USER, UNUSED_USER)
        try:
            yield fresh
            assert fresh.daemon.stop() == 0
            fresh.wait_until_gone()
        finally:
            fresh.close()


@_PROVES
def test_a_daemon_without_processes_says_so_keeps_its_runs_and_recovers(open_site: Site) -> None:
    open_site.write_workflow(agent=BACKOFF)
    open_site.start(shell=_as_ordinary_user('exec "$@"'))
    _expect_to_live_through(open_site, "nproc", errno.EAGAIN)


@_PROVES
@pytest.mark.parametrize("few", FEW_PROCESSES)
def test_a_daemon_that_is_started_with_few_processes_lives(open_site: Site, few: int) -> None:
    names = ["MT-1", "MT-2", "MT-3", "MT-4"]
    _prepare(open_site, names)
    limit = few + _number_of_threads(os.geteuid() or UNUSED_USER)
    daemon = open_site.start(shell=_as_ordinary_user(f'ulimit -S -u {limit}; exec "$@"'))
    # Long enough for everything that it begins late, such as watching the workflow.
    daemon.wait_for_log(event="run_ended", outcome="failed", count=5 * len(names))
    _set(open_site, "nproc", None)
    _let_everybody_finish(open_site, names)


def _number_of_threads(user: int) -> int:
    """What the system counts for the limit of this user."""
    found = 0
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal() and entry.stat().st_uid == user:
                found += len(list((entry / "task").iterdir()))
    return found


@pytest.mark.proves("recovery.service.survives", "recovery.workspace.deleted")
def test_a_root_that_is_no_directory_for_a_while_stops_new_work_only(site: Site) -> None:
    _prepare(site, ["MT-1"])
    daemon = site.start()
    working = site.at_gate("MT-1")
    aside = site.top / "aside"
    site.workspaces.rename(aside)
    site.workspaces.write_text("in the way")
    daemon.wait_for_log(event="workflow_rejected", code="workspace_root_unusable", level="error")
    site.write_issue("MT-2")
    assert os.path.exists(f"/proc/{working.pid}")
    site.workspaces.unlink()
    aside.rename(site.workspaces)
    daemon.wait_for_log(event="workflow_recovered")
    working.go()
    _let_everybody_finish(site, ["MT-1", "MT-2"])
    assert len(daemon.log(event="dispatched", issue_identifier="MT-1")) == 1


@contextlib.contextmanager
def _small_disk(place: Path) -> Generator[None]:
    """A file system of its own, small enough to be filled."""
    place.mkdir(parents=True)
    made = subprocess.run(
        ("mount", "-t", "tmpfs", "-o", "size=256k,nr_inodes=64", "none", str(place)),
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip(f"no right to mount: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(("umount", "--lazy", str(place)), check=True)


def _fill_blocks(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))


def _fill_inodes(disk: Path) -> None:
    (disk / "filler").mkdir()
    with contextlib.suppress(OSError):
        for number in range(10_000):
            (disk / "filler" / str(number)).touch()


def _free(disk: Path) -> None:
    subprocess.run(("rm", "-rf", str(disk / "filler")), check=True)


def _make_read_only(disk: Path) -> None:
    subprocess.run(("mount", "-o", "remount,ro", str(disk)), check=True)


def _make_writable(disk: Path) -> None:
    subprocess.run(("mount", "-o", "remount,rw", str(disk)), check=True)


Change = Callable[[Path], None]
TROUBLES: Final[dict[str, tuple[Change, Change, int]]] = {
    "no blocks": (_fill_blocks, _free, errno.ENOSPC),
    "no inodes": (_fill_inodes, _free, errno.ENOSPC),
    "read-only": (_make_read_only, _make_writable, errno.EROFS),
}


@pytest.mark.proves("recovery.service.survives", "workspace.populate.surfaced")
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_disk_that_takes_nothing_costs_new_runs_only(site: Site, trouble: str) -> None:
    happen, end, number = TROUBLES[trouble]
    with _small_disk(site.workspaces):
        _prepare(
            site, ["MT-1", "MT-2"], after_create="echo whole > whole", before_run="test -s whole"
        )
        site.write_issue("MT-2", "Backlog")
        daemon = site.start()
        working = site.at_gate("MT-1")
        happen(site.workspaces)
        site.write_issue("MT-2")
        _expect_said(site, ("run_ended",), number)
        assert daemon.log(event="retry_scheduled", issue_identifier="MT-2")
        assert os.path.exists(f"/proc/{working.pid}")
        assert daemon.log(event="run_ended", issue_identifier="MT-1") == []
        end(site.workspaces)
        working.go()
        _let_everybody_finish(site, ["MT-1", "MT-2"])
        assert len(daemon.log(event="dispatched", issue_identifier="MT-1")) == 1
        assert daemon.stop() == 0


@pytest.mark.proves("recovery.service.survives", "log.sink.survives", "log.sink.warned")
def test_logs_on_a_full_disk_cost_the_logs_only(site: Site) -> None:
    disk = site.top / "disk"
    with _small_disk(disk):
        _prepare(site, ["MT-1"])
        _fill_blocks(disk)
        daemon = site.start(str(site.workflow), "--logs-root", str(disk / "logs"))
        working = site.at_gate("MT-1")
        working.go()
        _let_everybody_finish(site, ["MT-1"])
        assert daemon.log(event="log_sink_failed") or daemon.log(event="session_log_failed")

"""The warden outlives the daemon for a moment, to end what a killed daemon left behind.

It is forked at the very start, when the daemon has neither threads nor heavy modules, blocks on a
pipe and does nothing else. When the pipe ends without the word that dismisses it, the daemon has
died in some way (SIGKILL, out of memory, a crash) or could not make sure of all its trees: the
warden ends every process that carries the mark of this daemon instance, looks again until it has
stayed quiet for a while, and exits. The mark is matched by instance, because the workspace root may
have changed by a reload.

Where there is no process table it ends the groups that it was told of. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator
from typing import Final, NoReturn

from symphony.processes.owner import OwnerMark
from symphony.processes.table import (
    PROCESS_TABLE_EXISTS,
    Member,
    is_alive,
    process_table,
    start_ticks,
)
from symphony.processes.tree import OwnedTree

WARDEN_LIMIT_S: Final = 30.0
"""The warden's whole life after the daemon's death."""
WARDEN_QUIET_S: Final = 1.0
"""How long nothing may be found before it leaves: a child that was being started when the daemon
died carries its mark only after `execve`."""
DISMISSAL_LIMIT_S: Final = 5.0
"""How long an orderly exit waits for the warden before it is killed."""
_LOOK_AGAIN_S: Final = 0.1
_DISMISSED: Final = b"bye"
_NAME: Final = "symphony-warden"
"""What `ps -o comm` shows; the kernel allows 15 characters."""


def start_warden(daemon_id: str) -> Warden:
    """Fork the warden of the daemon instance `daemon_id` (`OwnerMark.daemon`).

    Call it once, before threads, event loops and anything with open files of its own exist.
    """
    watched, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        _live_as_warden(watched, daemon_id)
    os.close(watched)
    # A warden that hangs must not stop the daemon.
    os.set_blocking(told, False)
    return Warden(pid, told)


class Warden:
    """The daemon's side. The pipe is closed on `execve`, so no child keeps the warden asleep."""

    def __init__(self, pid: int, told: int) -> None:
        self.pid = pid
        self._told = told
        self._dismissed = False
        self._unconfirmed: set[int] = set()

    def tell_started(self, pgid: int) -> None:
        """A group was started, whose leader is not reaped yet. Does nothing once the warden is
        gone."""
        self._unconfirmed.add(pgid)
        # Looked up here: when a warden that was held up reads the number, it may be another's.
        ticks = 0
        with contextlib.suppress(OSError):
            ticks = start_ticks(pgid)
        self._tell(f"+{pgid} {ticks}")

    def tell_ended(self, pgid: int) -> None:
        """A group was ended and confirmed gone, so its number may be used by others again."""
        self._unconfirmed.discard(pgid)
        self._tell(f"-{pgid}")

    def dismiss(self) -> None:
        """Orderly exit: the warden leaves without ending anything, and is reaped. Idempotent.

        Where a group was never confirmed gone, it stays instead and ends what is left, for at most
        `WARDEN_LIMIT_S`: the daemon may have lacked what it takes to look, such as descriptors.
        """
        if self._dismissed:
            return
        self._dismissed = True
        if self._unconfirmed:
            os.close(self._told)
            return
        self._tell(_DISMISSED.decode())
        os.close(self._told)
        if not self._reaped_within(DISMISSAL_LIMIT_S):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self._reaped_within(DISMISSAL_LIMIT_S)

    def _tell(self, line: str) -> None:
        # A warden that somebody killed cannot be told anything; the next start sweeps instead.
        with contextlib.suppress(BrokenPipeError, BlockingIOError):
            os.write(self._told, f"{line}\n".encode())

    def _reaped_within(self, limit_s: float) -> bool:
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            try:
                if os.waitpid(self.pid, os.WNOHANG) != (0, 0):
                    return True
            except ChildProcessError:
                return True
            time.sleep(0.005)
        return False


def _live_as_warden(watched: int, daemon_id: str) -> NoReturn:
    """Never returns into the daemon's code, whatever happens."""
    try:
        _settle(watched)
        groups = _listen(watched)
        if groups is not None:
            _end_everything(daemon_id, groups)
    finally:
        os._exit(0)


def _settle(watched: int) -> None:
    """Let go of all that is the daemon's: its session, its signals, its files."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    for descriptor in _open_descriptors():
        if descriptor > 2 and descriptor != watched:
            with contextlib.suppress(OSError):
                os.close(descriptor)
    with contextlib.suppress(OSError), open("/proc/self/comm", "w") as name:
        name.write(_NAME)


def _open_descriptors() -> list[int]:
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    return [int(name) for name in os.listdir(folder)]


def _listen(watched: int) -> dict[int, Member] | None:
    """Block until the daemon is gone: the leaders of the groups it has left, by group; None where
    the daemon took leave."""
    groups: dict[int, Member] = {}
    rest = b""
    while data := os.read(watched, 4096):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            if line == _DISMISSED:
                return None
            number, _, ticks = line[1:].partition(b" ")
            group = int(number)
            groups.pop(group, None)
            if line.startswith(b"+"):
                groups[group] = Member(pid=group, started_at_ticks=int(ticks))
    return groups


def _end_everything(daemon_id: str, groups: dict[int, Member]) -> None:
    def carries(mark: OwnerMark) -> bool:
        return mark.daemon == daemon_id

    if not PROCESS_TABLE_EXISTS:
        _kill_groups(groups)
        return
    tree = OwnedTree(carries=carries)
    tree.adopt(_sessions_of(groups))
    now = time.monotonic()
    deadline, quiet_until = now + WARDEN_LIMIT_S, now + WARDEN_QUIET_S
    while (now := time.monotonic()) < min(deadline, quiet_until):
        if tree.look():
            tree.kill_until_gone(deadline - now)
            quiet_until = time.monotonic() + WARDEN_QUIET_S
        time.sleep(_LOOK_AGAIN_S)


def _sessions_of(groups: dict[int, Member]) -> Iterator[Member]:
    """Who shares a session or group with a leader that is still the one we were told of: such a
    process is ours although it may have cleared its environment."""
    leaders = {group for group, leader in groups.items() if is_alive(leader)}
    for entry in process_table().values():
        if entry.session in leaders or entry.group in leaders:
            yield entry.member


def _kill_groups(groups: Iterable[int]) -> None:
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)

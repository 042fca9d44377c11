"""Find the members of process trees, and signal them without hitting a stranger.

A member is found in four ways: it carries the owner mark, it is in the group or session of the
leader, it descends from a member, or it was seen as one before (an orphan keeps being ours).
Signals go through a pidfd that is verified against the recorded start time after it was opened, so
a pid that now belongs to somebody else is never touched. Standard library only: the warden uses it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Generator, Iterable
from typing import Final

from symphony.processes.owner import OwnerMark
from symphony.processes.table import (
    PROCESS_TABLE_EXISTS,
    Member,
    ProcessEntry,
    is_alive,
    process_table,
    read_entry,
    read_marks,
)

KILL_LIMIT_S: Final = 10.0
"""How long killing may go on. Only a process stuck in the kernel survives SIGKILL this long, also
on a machine with much more to do than it can."""
CONFIRMING_LOOKS: Final = 2
"""Empty looks in a row before a tree counts as gone: a process that is just being replaced by
`execve` shows no environment for an instant."""
_FIRST_PAUSE_S: Final = 0.005
_LONGEST_PAUSE_S: Final = 0.1


def lineage(table: dict[int, ProcessEntry], pid: int) -> frozenset[int]:
    """A process and its ancestors: what must never be ended on behalf of that process."""
    found: set[int] = set()
    while pid in table and pid not in found:
        found.add(pid)
        pid = table[pid].parent
    return frozenset(found)


def descendants(table: dict[int, ProcessEntry], roots: Iterable[int]) -> frozenset[int]:
    """The pids in `roots` and everything below them."""
    children: dict[int, list[int]] = {}
    for entry in table.values():
        children.setdefault(entry.parent, []).append(entry.pid)
    found: set[int] = set()
    waiting = [pid for pid in roots if pid in table]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting.extend(children.get(pid, ()))
    return frozenset(found)


class OwnedTree:
    """Everything that belongs together, found again at each `look`.

    `carries` says which marks belong. `leader` is the pid of a session and group leader that has
    not been reaped, so that its number cannot have been given to somebody else. This process and
    its ancestors are never members; with `spare_children` neither is anything below it.

    What started before `since`, in clock ticks, is not looked at: neither can it have been handed
    the mark, nor does it descend from what did. A look spends most of its time with others.

    Without `use_table` the tree is the group of the leader. A zombie would then count as running,
    so `poll_leader` has to reap the leader.
    """

    def __init__(
        self,
        *,
        carries: Callable[[OwnerMark], bool],
        leader: int | None = None,
        since: int = 0,
        poll_leader: Callable[[], object] | None = None,
        spare_children: bool = False,
        use_table: bool = PROCESS_TABLE_EXISTS,
    ) -> None:
        self._carries = carries
        self._leader = leader
        self._since = since
        self._poll_leader = poll_leader
        self._spare_children = spare_children
        self._use_table = use_table
        self._seen: set[Member] = set()

    def adopt(self, members: Iterable[Member]) -> None:
        """Count these as seen before."""
        self._seen |= set(members)

    def look(self) -> frozenset[Member]:
        """The members that run now. Reads the whole process table (milliseconds)."""
        if not self._use_table:
            return self._look_at_group()
        table = process_table(self._since)
        first = [entry.pid for entry in table.values() if self._belongs(entry)]
        spared = lineage(table, os.getpid())
        if self._spare_children:
            spared |= descendants(table, [os.getpid()])
        below = descendants(table, first) - spared
        found = frozenset(table[pid].member for pid in below if table[pid].alive)
        self._seen = set(found)
        return found

    def still_running(self) -> frozenset[Member]:
        """Which members of the last look run on; cheap, and blind for new ones."""
        if not self._use_table:
            return self._look_at_group()
        with contextlib.suppress(OSError):
            return frozenset(member for member in self._seen if is_alive(member))
        return frozenset(self._seen)

    def signal(self, number: signal.Signals) -> None:
        """Signal the group at once, then each member that was found outside of it."""
        if self._leader is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._leader, number)
        for member in self._seen:
            # Out of descriptors: the next pass tries again.
            with contextlib.suppress(OSError):
                if not self._in_group(member):
                    signal_member(member, number)

    def kill_until_gone(self, limit_s: float = KILL_LIMIT_S) -> frozenset[Member]:
        """SIGKILL in passes until nothing is left; returns what is left after `limit_s`.

        A look that fails (no descriptors) finds nothing out: the group is killed all the same, and
        what was seen before counts as left. Blocks, so asynchronous callers use a thread.
        """
        passes = self.killing(limit_s)
        while True:
            try:
                time.sleep(next(passes))
            except StopIteration as end:
                return end.value

    def killing(self, limit_s: float = KILL_LIMIT_S) -> Generator[float, None, frozenset[Member]]:
        """The passes of `kill_until_gone`, for who waits in another way: gives the seconds to wait
        before the next one, and returns what is left. A pass blocks for milliseconds."""
        deadline = time.monotonic() + limit_s
        pause, empty_looks = _FIRST_PAUSE_S, 0
        while True:
            found = self._look_or_guess()
            empty_looks = 0 if found else empty_looks + 1
            if empty_looks == CONFIRMING_LOOKS or (found and time.monotonic() > deadline):
                return found
            if found:
                self.signal(signal.SIGKILL)
            yield pause
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _look_or_guess(self) -> frozenset[Member]:
        try:
            return self.look()
        except OSError:
            guessed = Member(pid=self._leader or os.getpid(), started_at_ticks=0)
            return frozenset(self._seen) or frozenset({guessed})

    def _belongs(self, entry: ProcessEntry) -> bool:
        if self._leader is not None and self._leader in (entry.pid, entry.group, entry.session):
            return True
        return entry.member in self._seen or any(map(self._carries, read_marks(entry.pid)))

    def _in_group(self, member: Member) -> bool:
        if self._leader is None or not self._use_table:
            return self._leader is not None
        entry = read_entry(member.pid)
        return entry is not None and entry.group == self._leader

    def _look_at_group(self) -> frozenset[Member]:
        # Without a process table the group is one member, and all that can be known.
        if self._poll_leader is not None:
            self._poll_leader()
        running = self._leader is not None and group_exists(self._leader)
        leader = self._leader or 0
        self._seen = {Member(pid=leader, started_at_ticks=0)} if running else set()
        return frozenset(self._seen)


def group_exists(group: int) -> bool:
    """Whether any process, zombies included, is in the group."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def signal_member(member: Member, number: signal.Signals) -> bool:
    """Signal this very process. False where it is gone, was replaced, or is not ours to signal."""
    try:
        descriptor = os.pidfd_open(member.pid)
    except ProcessLookupError:
        return False
    except (AttributeError, OSError):
        return _signal_by_pid(member, number)
    try:
        # Looked at after opening: if the pid is still that process, so is the descriptor.
        if not is_alive(member):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _signal_by_pid(member: Member, number: signal.Signals) -> bool:
    """The weaker way of kernels without pidfd: an instant lies between the look and the signal."""
    if not is_alive(member):
        return False
    try:
        os.kill(member.pid, number)
    except OSError:
        return False
    return True

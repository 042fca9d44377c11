"""End at start what an earlier daemon of the same workspace root left running.

Call it with the root's lock held. A process belongs to the past if it carries the fingerprint of
this root and the mark of another daemon instance that does not live any more. A daemon that does
live keeps its children: it may have moved to another root by a reload, or the root directory may
have been replaced under it. This process, its ancestors and its descendants are never touched.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Final

from symphony.processes.owner import OwnerMark, parse_daemon
from symphony.processes.table import Member, command_line, is_alive
from symphony.processes.tree import CONFIRMING_LOOKS, OwnedTree

_BETWEEN_LOOKS_S: Final = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptProcess:
    """A leftover. `command` is the start of its command line, which may hold what the agent was
    asked to do, but none of our secrets."""

    pid: int
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What was ended, and which pids could not be ended (see `StopReport.survivors`)."""

    ended: tuple[SweptProcess, ...] = ()
    survivors: tuple[int, ...] = ()


def sweep_leftovers(root: str, daemon_id: str) -> SweepReport:
    """End what other, dead daemons left of the root with the fingerprint `root`.

    `daemon_id` is this daemon's own instance. Blocks for at most `KILL_LIMIT_S`.
    """

    def is_leftover(mark: OwnerMark) -> bool:
        return mark.root == root and mark.daemon != daemon_id and not _lives(mark.daemon)

    tree = OwnedTree(carries=is_leftover, spare_children=True)
    found = _look_until_sure(tree)
    left = tree.kill_until_gone() if found else frozenset[Member]()
    return SweepReport(
        ended=tuple(
            SweptProcess(pid=member.pid, command=found[member])
            for member in sorted(found, key=lambda member: member.pid)
            if member not in left
        ),
        survivors=tuple(sorted(member.pid for member in left)),
    )


def _look_until_sure(tree: OwnedTree) -> dict[Member, str]:
    """What there is, with its command line. A child that was being started when its daemon died
    carries its mark a moment later."""
    for _ in range(CONFIRMING_LOOKS):
        if found := {member: command_line(member.pid) for member in tree.look()}:
            return found
        time.sleep(_BETWEEN_LOOKS_S)
    return {}


def _lives(daemon: str) -> bool:
    """Whether the daemon instance is another process that still runs."""
    instance = parse_daemon(daemon)
    if instance is None or instance.pid == os.getpid():
        return False
    return is_alive(Member(pid=instance.pid, started_at_ticks=instance.started_at_ticks))

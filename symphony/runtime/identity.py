"""Who this daemon is, as its children and its warden know it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from symphony.processes.owner import (
    DaemonInstance,
    OwnerMark,
    new_daemon_nonce,
    root_fingerprint,
)
from symphony.processes.table import start_ticks
from symphony.processes.warden import Warden


def new_daemon_id() -> str:
    """The id of this life of this daemon."""
    pid = os.getpid()
    instance = DaemonInstance(pid=pid, started_at_ticks=start_ticks(pid), nonce=new_daemon_nonce())
    return instance.render()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """`warden` is None where somebody embeds the daemon and answers for its death."""

    daemon_id: str
    warden: Warden | None = None

    def mark(self, workspace_root: str, name: str) -> OwnerMark:
        """The mark of one process tree; trees that are ended apart need different names."""
        return OwnerMark(root=root_fingerprint(workspace_root), daemon=self.daemon_id, run=name)

    def started(self, group: int) -> None:
        """Tell the warden of a process group."""
        if self.warden is not None:
            self.warden.tell_started(group)

    def ended(self, group: int) -> None:
        """Tell the warden that the group is confirmed gone."""
        if self.warden is not None:
            self.warden.tell_ended(group)

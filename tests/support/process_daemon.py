"""A program that behaves like a daemon: a warden, then trees of processes.

Run as `python -m tests.support.process_daemon MODE DAEMON_ID`. It prints the warden's pid, and
after that the pid of each process that it started; then it reads a line and ends as MODE says.
"""

from __future__ import annotations

import sys

from symphony.processes.warden import start_warden


def main(mode: str, daemon_id: str) -> None:
    warden = start_warden(daemon_id)
    print(warden.pid, flush=True)
    # What the real daemon imports, too, only after the fork.
    import subprocess

    from symphony.processes.environment import child_environment
    from symphony.processes.owner import OwnerMark
    from tests.support.process_children import (
        FORGETFUL_GRANDCHILD,
        PARENT_OF_STUBBORN_ORPHAN,
        python,
    )

    children: list[subprocess.Popen[bytes]] = []
    for number, program in enumerate((PARENT_OF_STUBBORN_ORPHAN, FORGETFUL_GRANDCHILD)):
        owner = OwnerMark(root="root", daemon=daemon_id, run=str(number))
        child = subprocess.Popen(
            python(program),
            env=child_environment({}, drop_names=(), drop_values=(), owner=owner),
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        warden.tell_started(child.pid)
        children.append(child)
        assert child.stdout is not None
        print(child.pid, int(child.stdout.readline()), flush=True)
    sys.stdin.readline()
    if mode == "orderly":
        for child in children:
            warden.tell_ended(child.pid)
        warden.dismiss()
        warden.dismiss()


main(sys.argv[1], sys.argv[2])

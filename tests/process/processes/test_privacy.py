"""A child of the daemon's user cannot read the daemon's environment."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Root may read everything, so parent and child become a user that owns nothing; by fork alone,
# because such a user may not be able to start this interpreter.
SCRIPT = """
import ctypes, os
from symphony.processes.privacy import hide_from_other_processes

def child_reads_parent():
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            with open(f"/proc/{parent}/environ", "rb") as environment:
                os._exit(0 if b"CANARY" in environment.read() else 1)
        except PermissionError:
            os._exit(13)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # Changing the user has hidden it already.
before = child_reads_parent()
assert hide_from_other_processes()
print(before, child_reads_parent())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
@pytest.mark.proves("security.agent_env.removed")
def test_a_child_can_read_the_environment_of_its_parent_until_that_hides() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={"CANARY": "secret"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.split() == ["0", "13"], done.stderr

"""A daemon that gets no more threads still ends its trees, in order and to the last process."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In a process of its own: the test runner needs its threads.
SCRIPT = """
import anyio, os, sys, threading
from symphony.processes.owner import OwnerMark
from symphony.processes.environment import child_environment
from symphony.processes.process import spawn
from symphony.processes.table import process_table, read_marks

STUBBORN = '''
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
os.write(1, b"x")
time.sleep(300)
'''

def refuse(self):
    raise RuntimeError("can't start new thread")

async def main():
    mark = OwnerMark(root="r", daemon=f"{os.getpid()}-0-x", run="1")
    environment = child_environment(os.environ, drop_names=(), drop_values=(), owner=mark)
    process = spawn((sys.executable, "-S", "-c", STUBBORN), cwd="/", environment=environment)
    begun = b""
    while len(begun) < 2:
        begun += await process.receive_stdout(2)
    threading.Thread.start = refuse
    report = await process.stop(grace_ms=100)
    left = [pid for pid in process_table() if mark in read_marks(pid)]
    print(report.confirmed, report.exit_code, left)

anyio.run(main)
"""


@pytest.mark.proves("run.end.process_stopped", "run.end.tree")
def test_a_tree_is_ended_although_no_thread_can_be_started() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.splitlines() == ["True -9 []"], done.stderr + done.stdout

"""Children that misbehave, as Python programs to run with `python -c`."""

from __future__ import annotations

import sys

QUIET_FOR_EVER = "import time; time.sleep(600)"

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
print("ready", flush=True)
while True:
    time.sleep(600)
"""
"""Says `ready`, then ignores the end of its input, SIGTERM and SIGHUP."""

PARENT_OF_STUBBORN_ORPHAN = f"""
import subprocess, sys
orphan = subprocess.Popen(
    [sys.executable, "-c", {STUBBORN!r}], start_new_session=True, stdout=subprocess.PIPE
)
orphan.stdout.readline()
print(orphan.pid, flush=True)
sys.stdin.read()
"""
"""Starts a stubborn process in a session of its own, prints its pid, leaves at the end of input."""

PIPE_HOLDER = """
import subprocess, sys
holder = subprocess.Popen(
    [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
)
print(holder.pid, flush=True)
"""
"""Leaves at once a process behind that holds standard output and error."""

FORGETFUL_GRANDCHILD = f"""
import os, subprocess, sys, time
child = subprocess.Popen(
    [sys.executable, "-c", {STUBBORN!r}, os.environ["SYMPHONY_OWNER"]],
    start_new_session=True, env={{}}, stdout=subprocess.PIPE
)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""
"""As the parent of an orphan, but it stays, and the grandchild has an empty environment. The mark
stands in its command line, for the test to find it."""


def python(program: str, *arguments: str) -> tuple[str, ...]:
    """Arguments that run a program."""
    return (sys.executable, "-c", program, *arguments)


LEAVES_AN_ORPHAN = f"""
import os, subprocess, sys
mark, token = sys.argv[1:]
orphan = subprocess.Popen(
    [sys.executable, "-c", {STUBBORN!r}, token],
    start_new_session=True, env={{"SYMPHONY_OWNER": mark}},
    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
)
orphan.stdout.readline()
print(orphan.pid, flush=True)
os._exit(0)
"""
"""Arguments: a mark and a token. Leaves a stubborn process that descends from nobody."""

LEAVES_A_FORGETFUL_GRANDCHILD = FORGETFUL_GRANDCHILD.replace("time.sleep(600)", "sys.stdin.read()")
"""The same, but the child in between leaves at the end of its input."""

"""A witness in every process tree that a daemon under test starts: hooks and agents run under it.

    python witness.py PLACE after_create|before_run|after_run|before_remove
    python witness.py PLACE agent COMMAND ...

All trees of one issue share one lock below PLACE. A tree takes it at its start and hands it down to
its children, so that the lock is free only when nothing of the tree runs; whoever finds it taken
complains, and goes on. PLACE is outside of everything that the daemon removes. A hook then does its
work, an agent becomes COMMAND. What each does besides (wait, leave children that ignore signals)
stands in `manners/ISSUE`. A workspace that `after_create` has not filled to the end, or finds in
use, is a complaint as well. Standard library only, one file, quick to start.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

Json = dict[str, object]
GENERATION_VARIABLE = "SYMPHONY_TEST_GENERATION"
HAPPENINGS = "happenings"
COMPLAINTS = "complaints"
MADE = "made"
BULK = "bulk"
FORGETFUL = """
import signal, sys, time
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
print(flush=True)
while True:
    time.sleep(600)
"""


class Witness:
    """One tree: what it saw, and what it is to do."""

    def __init__(self, place: Path, kind: str, issue: str) -> None:
        self.place = place
        self.kind = kind
        self.issue = issue
        self.generation = os.environ.get(GENERATION_VARIABLE, "none")
        self.manners = self.read_manners()

    def read_manners(self) -> Json:
        """How this tree is to behave; nothing special where nobody says anything."""
        try:
            all_kinds = json.loads((self.place / "manners" / self.issue).read_text())
        except FileNotFoundError:
            return {}
        manners: Json = all_kinds.get(self.kind, {})
        return manners

    def note(self, file: str, *words: str) -> None:
        """Append one line; short lines of several writers do not mix."""
        line = " ".join((self.kind, self.issue, self.generation, str(os.getpid()), *words))
        with open(self.place / file, "ab", buffering=0) as output:
            output.write(f"{line}\n".encode())

    def complain(self, what: str) -> None:
        self.note(COMPLAINTS, what)

    def take_lock(self) -> int:
        """The descriptor of the lock, taken or not."""
        descriptor = os.open(self.place / "locks" / self.issue, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace")
            self.complain(f"another tree of the issue lives: {holder}")
            return descriptor
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{self.kind} {self.generation} {os.getpid()}".encode(), 0)
        return descriptor

    def leave_children(self, lock: int) -> None:
        """Children in sessions of their own, deaf to signals, which hold the lock as well."""
        if self.manners.get("deaf"):
            fork_deaf_child()
        if self.manners.get("forgetful"):
            forgetful = subprocess.Popen(
                (sys.executable, "-S", "-E", "-c", FORGETFUL, self.generation),
                env={},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                start_new_session=True,
                pass_fds=(lock,),
            )
            assert forgetful.stdout is not None
            forgetful.stdout.readline()

    def rest(self) -> None:
        wait = self.manners.get("seconds", 0)
        assert isinstance(wait, int | float)
        time.sleep(wait)


def fork_deaf_child() -> None:
    """It keeps the environment, the descriptors and so the outputs of its parent."""
    ready, tell = os.pipe()
    if os.fork() == 0:
        with contextlib.suppress(BaseException):
            os.setsid()
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            os.write(tell, b"x")
            time.sleep(600)
        os._exit(0)
    os.read(ready, 1)
    os.close(ready)
    os.close(tell)


def fill(witness: Witness) -> None:
    """`after_create`: everything that a run needs, and the mark of completion at the end."""
    if found := os.listdir("."):
        witness.complain(f"after_create found {sorted(found)[:5]}")
    number = witness.manners.get("files", 0)
    assert isinstance(number, int)
    os.mkdir(BULK)
    for index in range(number):
        os.close(os.open(f"{BULK}/{index}", os.O_CREAT | os.O_WRONLY))
    witness.rest()
    Path(MADE).write_text(str(number))


def inspect(witness: Witness) -> None:
    """`before_run`: is the workspace whole?"""
    try:
        number, found = int(Path(MADE).read_text()), len(os.listdir(BULK))
    except FileNotFoundError as problem:
        witness.complain(f"before_run in a workspace that is not whole: no {problem.filename}")
        return
    if found != number:
        witness.complain(f"before_run in a workspace that has {found} of {number} files")


def main(place: str, kind: str, *command: str) -> None:
    issue = os.environ.get("SYMPHONY_ISSUE_ID") or os.path.basename(os.getcwd())
    witness = Witness(Path(place), kind, issue)
    lock = witness.take_lock()
    os.set_inheritable(lock, True)
    witness.note(HAPPENINGS)
    witness.leave_children(lock)
    if kind == "agent":
        script = witness.manners.get("script")
        more = (f"--script={script}",) if script else ()
        os.execv(command[0], (*command, *more))  # noqa: S606 - no other process is wanted
    if kind == "after_create":
        fill(witness)
    else:
        if kind == "before_run":
            inspect(witness)
        witness.rest()


if __name__ == "__main__":
    main(*sys.argv[1:])

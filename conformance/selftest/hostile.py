"""Programs that pretend to be an implementation: `hostile.py BEHAVIOUR WORKFLOW`.

A program of its own, run by its path, with nothing but the standard library. Guarantees: each
behaves as its name says until it is ended from outside. Must not: import the suite, or anything
that a user of the suite may not have.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

POLL_S = 0.2
REQUEST_S = 5.0
FLOOD_LINE = b"noise " * 170 + b"\n"
_ENDPOINT = re.compile(r"^\s*endpoint: *['\"]?([^'\"\s]+)", re.MULTILINE)
_QUERY = (
    'query { issues(first: 50, filter: {state: {name: {in: ["Todo", "In Progress"]}}}) '
    "{ nodes { id identifier } pageInfo { hasNextPage endCursor } } }"
)


def exits_at_once(_workflow: str) -> None:
    """Says that something is wrong, and is gone."""
    sys.stderr.write("fatal: I would rather not\n")
    sys.exit(7)


def never_polls(_workflow: str) -> None:
    """Starts, and asks the tracker for nothing."""
    sys.stdout.write("ready to serve\n")
    sys.stdout.flush()
    _sleep_for_ever()


def never_dispatches(workflow: str) -> None:
    """Asks for candidates again and again, and starts no agent."""
    _poll_for_ever(workflow)


def floods_its_log(workflow: str) -> None:
    """Polls, and writes as much as anybody takes, also half lines."""
    threading.Thread(target=_flood, args=(1,), daemon=True).start()
    threading.Thread(target=_flood, args=(2,), daemon=True).start()
    _poll_for_ever(workflow)


def ignores_term(workflow: str) -> None:
    """Polls, and takes no signal that can be ignored for an order to stop."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    _poll_for_ever(workflow)


def forks_away(workflow: str) -> None:
    """Leaves its process group and session, and goes on polling as an orphan."""
    if os.fork():
        # Long enough for the orphan to be one when the suite looks.
        time.sleep(2 * POLL_S)
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    _poll_for_ever(workflow)


def leaves_children(workflow: str) -> None:
    """Stops in order when it is told to, and leaves a child behind in a session of its own."""
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _sleep_for_ever()
    signal.signal(signal.SIGTERM, _leave)
    _poll_for_ever(workflow)


def _leave(_number: int, _frame: object) -> None:
    os._exit(0)


def _poll_for_ever(workflow: str) -> None:
    found = _ENDPOINT.search(Path(workflow).read_text(encoding="utf-8"))
    if found is None:
        sys.exit("the workflow names no endpoint")
    request = urllib.request.Request(  # noqa: S310 - on loopback, from our own workflow
        found[1],
        data=json.dumps({"query": _QUERY}).encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": os.environ.get("LINEAR_API_KEY", ""),
        },
    )
    while True:
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError),
            urllib.request.urlopen(request, timeout=REQUEST_S) as response,  # noqa: S310
        ):
            response.read()
        time.sleep(POLL_S)


def _flood(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        while True:
            os.write(descriptor, FLOOD_LINE)
            os.write(descriptor, FLOOD_LINE[:100])


def _sleep_for_ever() -> None:
    while True:
        time.sleep(3600)


BEHAVIOURS: dict[str, Callable[[str], None]] = {
    each.__name__: each
    for each in (
        exits_at_once,
        never_polls,
        never_dispatches,
        floods_its_log,
        ignores_term,
        forks_away,
        leaves_children,
    )
}

if __name__ == "__main__":
    BEHAVIOURS[sys.argv[1]](sys.argv[2])

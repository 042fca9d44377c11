"""Reads messages from standard input until it ends; then the agent is gone, whatever it was at.

`--thinking SECONDS` is how long each of its thoughts takes.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys

from symphony.demo.agent.server import Server
from symphony.demo.agent.wire import Wire


def _leave(_number: int, _frame: object) -> None:
    os._exit(0)


def _thinking_s() -> float:
    parser = argparse.ArgumentParser(prog="symphony.demo.agent", description=__doc__)
    parser.add_argument("--thinking", type=float, default=0.0, metavar="SECONDS")
    return parser.parse_args().thinking


def main() -> None:
    """Serve one client. End of input and SIGTERM both mean: leave at once, with exit code 0."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = Server(Wire(sys.stdout.buffer), thinking_s=_thinking_s())
    for line in sys.stdin.buffer:
        server.receive(line)
    # A turn may still be going on in its thread; nobody is there to hear of it.
    os._exit(0)


if __name__ == "__main__":
    main()

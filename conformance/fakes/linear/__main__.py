"""Runs the fake of Linear as a program of its own: `python -m conformance.fakes.linear`.

Prints one line of JSON that says where it listens, and serves until its standard input ends.
"""

from __future__ import annotations

import argparse
import json
import sys

from conformance.fakes.control import ControlServer
from conformance.fakes.linear.chaos import CALM, legal
from conformance.fakes.linear.control_calls import control_calls
from conformance.fakes.linear.executor import Rights
from conformance.fakes.linear.server import LinearFake
from conformance.fakes.world import World

DEFAULT_KEY = "lin_api_fake"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m conformance.fakes.linear", description=__doc__)
    parser.add_argument("--key", default=DEFAULT_KEY, help="the credential that is accepted")
    parser.add_argument("--read-only-key", help="another one, which may change nothing")
    parser.add_argument("--team", default="ENG", help="key of the team (default: ENG)")
    parser.add_argument("--project", default="demo-0123456789ab", help="slug id of the project")
    parser.add_argument("--chaos", type=int, metavar="SEED", help="legal chaos with this seed")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    world = World(seed=options.chaos or 0)
    world.add_project(options.project, "Demo", world.add_team(options.team))
    user = world.add_user("Ada Example", admin=True)
    keys = {options.key: Rights(user_id=user.id)}
    if options.read_only_key:
        keys[options.read_only_key] = Rights(user_id=user.id, write=False)
    chaos = CALM if options.chaos is None else legal(options.chaos)
    fake = LinearFake(world, keys=keys, chaos=chaos, port=options.port)
    with fake, ControlServer(control_calls(fake)) as control:
        where = {"endpoint": fake.url, "control": list(control.address), "key": options.key}
        sys.stdout.write(json.dumps(where) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()

"""Play the scenario of a file, in a process of its own: `python -m ... FILE DIRECTORY`.

It registers with the suite, so that no other test may share a process with it. Prints the outcomes
by id, as JSON.
"""

from __future__ import annotations

import json
import runpy
import sys
from functools import partial
from pathlib import Path

import anyio

from conformance.lab.machine import Machine
from conformance.lab.play import Played, play
from conformance.manifest.sections import Dialect
from conformance.scenario import registered
from tests.support.conformance_lab import PATIENCE, our_manifest, outcomes, told


def main(path: str, directory: str) -> None:
    runpy.run_path(path, run_name="an_example")
    (example,) = (each for each in registered() if each.play.__module__ == "an_example")
    act = partial(
        play,
        example,
        manifest=our_manifest(),
        dialect=Dialect.LINEAR,
        directory=Path(directory),
        machine=Machine(PATIENCE),
    )
    played: Played = anyio.run(act)
    print(json.dumps(outcomes(played)))
    print(told(played), file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Rounds against the real daemon: killed by SIGKILL at a bad moment, started again at once.

    python -m tests.reliability.rounds [--rounds N] [--seed N] [--lanes N] [--only ROUND]

A round brings its own issues, waits for the stage that its plan names, kills, does some damage, and
starts the next daemon on the same root. It has passed when every issue has run to its end, nothing
of the killed generation is left after `GONE_WITHIN_S`, no witness has complained, and the bystander
lives. The figures are printed as one line of JSON; the exit code is 1 where a round has failed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from tests.reliability.arena import Arena, bystander
from tests.reliability.plans import plan_of
from tests.reliability.round import GONE_WITHIN_S, Round, wait_until_gone
from tests.support.daemon_site import Site

DEFAULT_SEED: Final = 1


@dataclass(slots=True, kw_only=True)
class Figures:
    """What the rounds came to. `faults` is empty where all promises were kept."""

    seed: int
    rounds: int = 0
    seconds: float = 0.0
    kills: int = 0
    stages: dict[str, int] = field(default_factory=dict[str, int])
    damages: dict[str, int] = field(default_factory=dict[str, int])
    wardens_killed: int = 0
    strays_ended: int = 0
    second_daemons_refused: int = 0
    refused_at_once: int = 0
    issues_finished: int = 0
    trees_witnessed: int = 0
    survivors: int = 0
    longest_until_gone_s: float = 0.0
    faults: list[str] = field(default_factory=list[str])

    def add(self, other: Figures) -> None:
        """Take the figures of other rounds in."""
        self.stages = dict(Counter(self.stages) + Counter(other.stages))
        self.damages = dict(Counter(self.damages) + Counter(other.damages))
        self.longest_until_gone_s = max(self.longest_until_gone_s, other.longest_until_gone_s)
        self.faults += other.faults
        self.rounds += other.rounds
        self.kills += other.kills
        self.wardens_killed += other.wardens_killed
        self.strays_ended += other.strays_ended
        self.second_daemons_refused += other.second_daemons_refused
        self.refused_at_once += other.refused_at_once
        self.issues_finished += other.issues_finished
        self.trees_witnessed += other.trees_witnessed
        self.survivors += other.survivors

    def render(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))


def play_rounds(ground: Path, *, rounds: int, seed: int, first: int = 0) -> Figures:
    """Play until a round fails or all are done; `ground` keeps what they left."""
    figures = Figures(seed=seed)
    began = time.monotonic()
    arena = Arena(Site(ground))
    try:
        arena.prepare()
        with bystander() as pid:
            arena.start().daemon.wait_for_log(event="daemon_started")
            for number in range(first, first + rounds):
                _play(Round(arena, plan_of(seed, number), pid), figures)
            _end(arena)
    except (AssertionError, OSError) as fault:
        figures.faults.append(f"round {first + figures.rounds}: {fault}")
    finally:
        arena.site.close()
    figures.trees_witnessed = len(arena.happenings())
    figures.seconds = round(time.monotonic() - began, 1)
    return figures


def play_in_lanes(ground: Path, lanes: int, *, rounds: int, seed: int, first: int) -> Figures:
    """The same rounds, shared out among sites that know nothing of each other."""
    bounds = [first + rounds * lane // lanes for lane in range(lanes + 1)]
    began = time.monotonic()
    with ProcessPoolExecutor(lanes, mp_context=get_context("spawn")) as pool:
        played = [
            pool.submit(_play_lane, ground / str(lane), rounds=end - start, seed=seed, first=start)
            for lane, (start, end) in enumerate(pairwise(bounds))
        ]
        figures = Figures(seed=seed)
        for lane in played:
            figures.add(lane.result())
    figures.seconds = round(time.monotonic() - began, 1)
    return figures


def _play_lane(ground: Path, *, rounds: int, seed: int, first: int) -> Figures:
    ground.mkdir()
    return play_rounds(ground, rounds=rounds, seed=seed, first=first)


def _play(each: Round, figures: Figures) -> None:
    each.play()
    plan = each.plan
    figures.rounds += 1
    figures.stages[plan.stage] = figures.stages.get(plan.stage, 0) + 1
    figures.damages[plan.damage] = figures.damages.get(plan.damage, 0) + 1
    figures.kills += len(each.killed)
    figures.wardens_killed += plan.warden_dies
    figures.strays_ended += plan.stray
    figures.second_daemons_refused += plan.second
    figures.refused_at_once += each.refused_at_once
    figures.issues_finished += len(each.finished)
    figures.survivors += len(each.survivors)
    slowest = max(generation.gone_after_s or 0.0 for generation in each.killed)
    figures.longest_until_gone_s = round(max(figures.longest_until_gone_s, slowest), 2)
    assert not each.survivors, f"left {GONE_WITHIN_S} s after the kill: {each.survivors}"


def _end(arena: Arena) -> None:
    """The last one stops in order, and leaves nothing."""
    assert arena.current.daemon.stop() == 0
    wait_until_gone(arena.current)
    arena.site.check()


def main(arguments: list[str] | None = None) -> int:
    """Play, and print the figures; the directory of a failed round is kept."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--lanes", type=int, default=1, help="how many sites at the same time")
    parser.add_argument("--only", type=int, help="the number of one round, from 0")
    options = parser.parse_args(arguments)
    ground = Path(tempfile.mkdtemp(prefix="rounds-"))
    rounds, first = (options.rounds, 0) if options.only is None else (1, options.only)
    figures = play_in_lanes(ground, options.lanes, rounds=rounds, seed=options.seed, first=first)
    print(figures.render())
    if figures.faults:
        print(f"what the daemons said: {ground}", file=sys.stderr)
        return 1
    shutil.rmtree(ground)
    return 0


if __name__ == "__main__":
    sys.exit(main())

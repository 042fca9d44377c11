"""SIGKILL at a bad moment, again and again; `SYMPHONY_KILL_ROUNDS` says how often."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.reliability.plans import STAGES, plan_of
from tests.reliability.round import GONE_WITHIN_S
from tests.reliability.rounds import DEFAULT_SEED, play_rounds

ROUNDS_VARIABLE = "SYMPHONY_KILL_ROUNDS"
SEED_VARIABLE = "SYMPHONY_KILL_SEED"
FEW_ROUNDS = 6


def test_a_seed_gives_the_same_rounds_again_and_every_stage_has_its_turn() -> None:
    plans = [plan_of(DEFAULT_SEED, number) for number in range(2 * len(STAGES))]
    assert plans == [plan_of(DEFAULT_SEED, number) for number in range(2 * len(STAGES))]
    assert plans != [plan_of(DEFAULT_SEED + 1, number) for number in range(2 * len(STAGES))]
    for block in (plans[: len(STAGES)], plans[len(STAGES) :]):
        assert {plan.stage for plan in block} == set(STAGES)


@pytest.mark.proves(
    "recovery.kill.agents_ended",
    "recovery.restart.redispatch",
    "recovery.restart.single_run",
    "recovery.root.exclusive",
    "recovery.workspace.deleted",
    "recovery.service.survives",
    "hook.after_create.again",
    "startup.cleanup.terminal",
    "cli.exit.normal",
)
def test_a_daemon_that_is_killed_at_any_moment_goes_on_and_nothing_of_it_lives_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = int(os.environ.get(ROUNDS_VARIABLE, FEW_ROUNDS))
    seed = int(os.environ.get(SEED_VARIABLE, DEFAULT_SEED))
    figures = play_rounds(tmp_path, rounds=rounds, seed=seed)
    with capsys.disabled():
        print(f"\n{figures.render()}")
    assert figures.faults == []
    assert figures.rounds == rounds
    assert figures.survivors == 0
    assert figures.longest_until_gone_s <= GONE_WITHIN_S
    assert figures.issues_finished >= 2 * rounds

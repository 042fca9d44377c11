"""What happens in a round, drawn from a seed. One seed and one number always give one plan."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

Stage: TypeAlias = Literal[
    "start", "idle", "hook", "handshake", "turn", "ending", "cleanup", "removal", "reload"
]
Damage: TypeAlias = Literal["none", "removed", "unfinished", "note_only", "file"]

STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
DAMAGES: Final[tuple[Damage, ...]] = get_args(Damage)
HOOKS: Final = ("after_create", "before_run", "after_run")

LONGEST_WAIT_S: Final[dict[Stage, float]] = {
    "start": 0.8,
    "idle": 0.3,
    "hook": 0.5,
    "handshake": 0.3,
    "turn": 0.3,
    "ending": 2.5,
    "cleanup": 0.4,
    "removal": 0.03,
    "reload": 0.15,
}
"""From the sign of a stage to the kill, at most: a little more than the stage takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One round. `wait_s` passes between the sign that the stage is reached and the kill.

    `warden_dies`: the warden is killed together with the daemon, so that only the next start can
    end what is left. `damage` is done to the first issue's workspace before that start. `reopened`:
    issues that were done by then are set back. `stray`: a process is left that carries the mark of
    a daemon whose pid now belongs to a bystander. `second`: another daemon tries the same root.
    `bad_edit`: what is reloaded is no valid workflow.
    """

    number: int
    stage: Stage
    wait_s: float
    issues: int
    hook: str
    warden_dies: bool
    damage: Damage
    reopened: bool
    stray: bool
    second: bool
    bad_edit: bool


def plan_of(seed: int, number: int) -> Plan:
    """The plan of round `number`, from 0. Every stage comes once in as many rounds as there are."""
    block, place = divmod(number, len(STAGES))
    stage = random.Random(f"{seed}/order/{block}").sample(STAGES, len(STAGES))[place]  # noqa: S311 - to be drawn again
    draw = random.Random(f"{seed}/round/{number}")  # noqa: S311 - to be drawn again
    return Plan(
        number=number,
        stage=stage,
        wait_s=draw.uniform(0, LONGEST_WAIT_S[stage]),
        issues=draw.randint(2, 3),
        hook=draw.choice(HOOKS),
        warden_dies=draw.random() < 1 / 3,
        damage=draw.choice(DAMAGES),
        reopened=draw.random() < 2 / 3,
        stray=draw.random() < 1 / 4,
        second=draw.random() < 1 / 5,
        bad_edit=draw.random() < 1 / 2,
    )

"""Steps and scripts as scenarios write them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import cast

import pytest

from conformance.agents import APP_SERVER, steps
from conformance.agents.steps import Step, agent_script, say, step, turn

EXAMPLES: dict[str, tuple[object, ...]] = {
    "call_tool": ("look", {}),
    "call_tools": (("look", {}),),
    "run": ("true",),
    "usage": (1, 1),
    "notify": ("x/y", {}),
    "ask": ("x/y",),
    "raw": ("x",),
    "raw_bytes": (b"x",),
    "raw_error": ("x",),
}
NOT_STEPS = {"agent_script", "turn", "step"}


def builders() -> list[str]:
    found = inspect.getmembers(steps, inspect.isfunction)
    return [name for name, each in found if each.__module__ == steps.__name__]


@pytest.mark.parametrize("name", sorted(set(builders()) - NOT_STEPS))
def test_every_step_exists_in_the_agent(name: str) -> None:
    build = cast("Callable[..., Step]", getattr(steps, name))
    built = build(*EXAMPLES.get(name, ()))
    assert f"    def step_{built['do']}(" in APP_SERVER.read_text(encoding="utf-8")


def test_every_step_of_the_agent_can_be_built_but_noise_that_stops_by_the_clock() -> None:
    known = set(re.findall(r"def step_(\w+)\(", APP_SERVER.read_text(encoding="utf-8")))
    build = [cast("Callable[..., Step]", getattr(steps, name)) for name in builders()]
    built = {
        str(each(*EXAMPLES.get(each.__name__, ()))["do"])
        for each in build
        if each.__name__ not in NOT_STEPS
    }
    fixed = {str(steps.TOGETHER["do"]), str(steps.END_FIRST["do"])}
    assert known - built - fixed == {"noise"}


def test_members_that_are_not_said_are_left_out() -> None:
    assert step("fail", message=None, kind="x") == {"do": "fail", "kind": "x"}


def test_a_script_has_turns_and_more() -> None:
    script = agent_script(turn(say("a")), turn(), ignore_term=True)
    assert script == {"turns": ((say("a"),), ()), "ignore_term": True}


def test_a_script_without_turns_leaves_them_to_the_agent() -> None:
    assert agent_script() == {}


def test_an_unknown_member_of_a_script_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"no member 'ignore_trem'; there are: .*ignore_term"):
        agent_script(ignore_trem=True)

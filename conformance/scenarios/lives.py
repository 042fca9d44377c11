"""Short lives of an implementation that should not get far: what it said, and how it ended.

Guarantees: a life that does not end by itself is stopped. Must not: judge.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.lab.judging import UnmetError
from conformance.lab.lab import Lab

DISPATCH_S: Final = 5.0
"""What has read the tracker once gets that long for a prompt, or for polls without any agent."""
FRUITLESS_POLLS: Final = 3
"""After so many without an agent nothing is going to be dispatched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """`cause` names what is wrong with the settings. `code` is None where it had to be stopped.
    `asked` counts requests to the tracker, `polls` reads of the candidates; `prompts` are those of
    agents. `output` is what it printed."""

    cause: str
    code: int | None
    asked: int
    polls: int
    sessions: int
    prompts: tuple[str, ...]
    output: str

    @property
    def is_at_work(self) -> bool:
        """Whether it did what only valid settings allow."""
        return bool(self.polls or self.sessions)

    def says(self, pattern: str) -> bool:
        """Whether its output has something that matches, in any case."""
        return re.search(pattern, self.output, re.IGNORECASE) is not None

    def __str__(self) -> str:
        end = "it had to be stopped" if self.code is None else f"it exited with {self.code}"
        words = " ".join(self.output.split())[-300:]
        return (
            f"{self.cause}: {end}, after {self.asked} requests, {self.polls} polls and "
            f"{self.sessions} sessions; it said: {words or 'nothing'}"
        )


async def brief_life(
    lab: Lab,
    cause: str,
    *,
    variables: Mapping[str, str] | None = None,
    workflow: Path | None = None,
    without_workflow: bool = False,
    directory: Path | None = None,
    is_hopeful: bool = False,
) -> Life:
    """Start it with the workflow file as it is now, and see what becomes of it.

    It has until it is overdue to exit or to read the tracker, and then `DISPATCH_S` to dispatch
    something. `is_hopeful`: it should, and gets all the time that it may need.
    """
    before, mark, asked = lab.output(), lab.timeline.last, len(lab.tracker.requests())
    sessions = len(lab.sessions())
    await lab.start(
        ready=False,
        variables=variables,
        workflow=workflow,
        without_workflow=without_workflow,
        directory=directory,
    )

    def has_asked() -> bool:
        return len(lab.tracker.requests()) > asked

    def is_at_work() -> bool:
        begun = lab.sessions()[sessions:]
        fruitless = len(lab.tracker.polls(after=mark)) > FRUITLESS_POLLS and not begun
        return (fruitless and not is_hopeful) or any(each.turns for each in begun)

    with contextlib.suppress(UnmetError):
        await lab.until(lambda: has_asked() or not lab.target.alive, "it ends, or begins to work")
        await lab.until(
            lambda: is_at_work() or not lab.target.alive,
            "it dispatches",
            within=None if is_hopeful else DISPATCH_S,
        )
    has_ended = not lab.target.alive
    status = await lab.stop()
    own = lab.sessions()[sessions:]
    return Life(
        cause=cause,
        code=status.code if has_ended else None,
        asked=len(lab.tracker.requests()) - asked,
        polls=len(lab.tracker.polls(after=mark)),
        sessions=len(own),
        prompts=tuple(prompt for each in own for prompt in each.prompts()),
        output=printed_since(lab, before),
    )


def printed_since(lab: Lab, before: str) -> str:
    """The lines of its output and log files that are new since `lab.output()` was `before`."""
    known = Counter(before.splitlines())
    new: list[str] = []
    for line in lab.output().splitlines():
        if known[line]:
            known[line] -= 1
        else:
            new.append(line)
    return "\n".join(new)

"""Waiting, with a bound, for what other processes bring about.

Guarantees: nothing is waited for without a bound; what does not come about is `UnmetError` with
what was seen instead; a negative is proved by polls that came and went, never by time alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio

from conformance.fakes.json_values import texts
from conformance.lab.boards import Handle
from conformance.lab.files import Files
from conformance.lab.judging import UnmetError
from conformance.lab.machine import Machine
from conformance.lab.settings import poll_interval_ms
from conformance.lab.timeline import Timeline
from conformance.lab.tracker import Tracker
from conformance.manifest.model import Manifest
from conformance.target.process import Target

PATIENCE_S: Final = 10.0
"""Until what should come about counts as not coming; times `scale`."""
LOOK_AGAIN_S: Final = 0.02

T = TypeVar("T")


class Waiting:
    """What a lab knows of waiting. `should_live`: an end of the target is no end of the wait but of
    the hope."""

    manifest: Manifest
    timeline: Timeline
    tracker: Tracker
    files: Files
    target: Target
    machine: Machine
    should_live: bool = False

    async def until(
        self,
        condition: Callable[[], T],
        expected: str,
        *,
        within: float | None = None,
        seen: Callable[[], object] | None = None,
    ) -> T:
        """What `condition` gives as soon as it is true of anything.

        It is asked every 20 ms, for `within` seconds (10 by default) of a quick machine. Raises
        `UnmetError` with what `seen` says; also at once where the implementation ended by itself.
        """
        patience = self.machine.patience(PATIENCE_S if within is None else within)
        while True:
            self.files.look()
            if found := condition():
                return found
            shown = "" if seen is None else f"; {seen()}"
            if self.should_live and not self.target.alive:
                await anyio.sleep(LOOK_AGAIN_S)
                if found := condition():
                    return found
                raise UnmetError(expected, f"the implementation ended by itself{shown}")
            if patience.is_over():
                raise UnmetError(expected, f"not within {patience.lasted_s:.3g} s{shown}")
            await anyio.sleep(LOOK_AGAIN_S)

    async def until_answered(
        self,
        ask: Callable[[], Awaitable[T]],
        expected: str,
        *,
        within: float | None = None,
    ) -> T:
        """What `ask` gives as soon as that is true of anything; for what has to be asked for, such
        as the HTTP interface. An `UnmetError` of `ask` means: not yet."""
        patience = self.machine.patience(PATIENCE_S if within is None else within)
        while True:
            seen = "nothing of the kind"
            try:
                if found := await ask():
                    return found
            except UnmetError as unmet:
                seen = unmet.seen
            if patience.is_over() or (self.should_live and not self.target.alive):
                raise UnmetError(expected, seen)
            await anyio.sleep(LOOK_AGAIN_S)

    async def polls(self, count: int = 2) -> None:
        """A fence: `count` reads of the candidates begin after now and come to their end."""
        mark = self.timeline.last
        # The beginning of the next one is what shows that the last one is done with.
        await self.until(
            lambda: len(self.tracker.polls(after=mark)) > count,
            f"{count} more reads of the candidates",
            within=PATIENCE_S + 2 * count * self._interval_s,
            seen=lambda: f"{len(self.tracker.polls(after=mark))} began",
        )

    async def reads_by_id(self, issue: Handle, count: int = 2) -> None:
        """A fence: this issue is read by its id `count` times after now, and answered."""
        mark = self.timeline.last

        def answered() -> int:
            numbers = [each.data["number"] for each in self.tracker.answers(after=mark)]
            reads = self.tracker.reads("by_id", after=mark)
            return sum(
                issue.id in texts(each.data["ids"]) and each.data["number"] in numbers
                for each in reads
            )

        await self.until(
            lambda: answered() >= count,
            f"{count} more reads of {issue.identifier} by its id",
            seen=lambda: f"{answered()} were answered",
        )

    async def never(
        self,
        condition: Callable[[], object],
        expected: str,
        *,
        polls: int = 2,
        seen: Callable[[], object] | None = None,
    ) -> None:
        """Across a fence of `polls`, `condition` is not true even once. Raises `UnmetError`."""
        mark = self.timeline.last
        happened: list[object] = []

        def is_over() -> bool:
            if found := condition():
                happened.append(found)
            return bool(happened) or len(self.tracker.polls(after=mark)) > polls

        within = PATIENCE_S + 2 * polls * self._interval_s
        await self.until(is_over, f"{polls} more reads of the candidates", within=within)
        if happened:
            raise UnmetError(expected, str(seen()) if seen else "it came about")

    @property
    def _interval_s(self) -> float:
        return poll_interval_ms(self.manifest) / 1000

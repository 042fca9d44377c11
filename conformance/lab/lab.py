"""What a scenario works with: an implementation, its tracker, its agents, and time that is fair.

    lab.workflow("Work on {{ issue.identifier }}", agent={"max_turns": 1})
    issue = lab.tracker.put("ENG-1", title="A thing to do")
    await lab.start()
    session = await lab.session(issue)
    with lab.judging("launch.cwd.workspace") as judge:
        judge.holds(issue.is_workspace(session.name), expected="...", seen=session.cwd)
    lab.finish(issue)

Guarantees: what it writes and starts lies below one directory. Must not: know any implementation.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Final

from conformance.agents.desk import AgentDesk
from conformance.lab.api import Api
from conformance.lab.files import Files
from conformance.lab.judging import Judge, Judgements, UnmetError
from conformance.lab.logs import LogLine, log_lines
from conformance.lab.machine import Machine
from conformance.lab.timeline import Event, Timeline
from conformance.lab.tracker import Tracker
from conformance.lab.workflow_file import WorkflowFile
from conformance.manifest.model import Manifest
from conformance.manifest.sections import Dialect
from conformance.target.launching import free_port
from conformance.target.process import ExitStatus, Target
from conformance.target.table import ProcessRecord

FAREWELL_S: Final = 3.0
"""How long what a target started may take to end after it; times `scale`."""


class NeverReadyError(UnmetError):
    """Not even one request reached the tracker."""


class Lab(WorkflowFile):
    """One scenario's. Made by `open_lab`, which also ends everything again."""

    def __init__(
        self,
        *,
        manifest: Manifest,
        timeline: Timeline,
        tracker: Tracker,
        agents: AgentDesk,
        files: Files,
        target: Target,
        api: Api,
        judgements: Judgements,
        seed: int,
        machine: Machine,
    ) -> None:
        self.manifest = manifest
        self.timeline = timeline
        self.tracker = tracker
        self.agents = agents
        self.files = files
        self.target = target
        self.api = api
        self.judgements = judgements
        self.seed = seed
        self.machine = machine
        self.never_ready = False
        self.was_killed = False
        self.leftovers: Sequence[ProcessRecord] = ()
        self.should_live = False
        self._has_started = False
        self._others_started: list[Target] = []

    @property
    def scale(self) -> float:
        """How slow the machine was lately, at worst; 1 on a quick one."""
        return self.machine.scale

    @property
    def dialect(self) -> Dialect:
        return self.tracker.dialect

    @property
    def secret(self) -> str:
        """The tracker's credential, which must turn up nowhere but in requests to the tracker."""
        return self.tracker.secret

    def offers(self, capability: str) -> bool:
        """Whether the manifest declares the capability."""
        return self.manifest.offers(capability)

    # The implementation.

    async def start(
        self,
        *,
        ready: bool = True,
        port: int | None = None,
        workflow: Path | None = None,
        without_workflow: bool = False,
        directory: Path | None = None,
        arguments: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start it; with `ready`, wait for its first request to the tracker.

        `port` asks for the HTTP interface by flag, 0 for any port; take `free_port()` to know which
        it is. `workflow` is another path for the command line, `without_workflow` names none.
        `directory` is where it starts. Where others are starting, the first start waits for its
        turn; a later one takes the place of what ended. Raises `NeverReadyError`.
        """
        if not self.is_file_decided:
            self.workflow()
        turn = contextlib.nullcontext() if self._has_started else self.machine.starting
        self._has_started = True
        async with turn:
            mark = self.timeline.last
            self.tracker.life_began()
            await self.target.start(
                port=port,
                workflow=workflow,
                without_workflow=without_workflow,
                directory=directory,
                arguments=arguments,
                variables=variables,
            )
            if ready:
                await self._until_ready(mark)
        self.should_live = ready

    async def stop(self) -> ExitStatus:
        """Stop it as its manifest says."""
        self.should_live = False
        return await self.target.stop()

    async def kill(self) -> None:
        """End it by SIGKILL, and nothing else with it."""
        self.should_live = False
        self.was_killed = True
        await self.target.kill()

    async def restart(self) -> None:
        """Stop it, and start it again."""
        await self.stop()
        await self.start()

    def another(self, name: str = "second") -> Target:
        """A second one on the same workflow file, with a home of its own. Start it and look at it
        by itself; it is ended with the lab."""
        own = self.target.places
        places = replace(own, ground=own.ground / name)
        target = Target(self.manifest, places, self.timeline, variables=self.tracker.variables())
        self._others_started.append(target)
        return target

    def free_port(self) -> int:
        """A port that nobody listens on now."""
        return free_port()

    async def exited(self, *, within: float | None = None) -> int:
        """The exit code, once it ends by itself; of a start that should fail, say."""
        self.should_live = False
        await self.until(
            lambda: self.target.exit_code is not None, "the implementation ends", within=within
        )
        return self.target.exit_code or 0

    # Verdicts.

    def judging(self, name: str) -> AbstractContextManager[Judge]:
        """Judge the requirement of this id by what follows. See `Judgements.judging`."""
        return self.judgements.judging(name)

    def not_applicable(self, name: str, reason: str) -> None:
        """This id binds only those who declare something that the manifest does not."""
        self.judgements.not_applicable(name, reason)

    def note(self, text: str) -> Event:
        """A line of the scenario's own on the timeline."""
        return self.timeline.add("scenario", "note", text)

    def output(self) -> str:
        """What the implementation has printed in this scenario, and its log files."""
        return self.target.logs()

    def log(self) -> Sequence[LogLine]:
        """The same by lines, with the `key=value` pairs or JSON members of each."""
        return log_lines(self.output())

    # For whoever opened it.

    async def close(self) -> None:
        """End everything. What outlives the stop is a leftover."""
        self.should_live = False
        for other in self._others_started:
            await other.sweep()
        if self.target.alive:
            await self.target.stop()
        with contextlib.suppress(UnmetError):
            await self.until(
                lambda: not self.target.survivors(), "nothing is left", within=FAREWELL_S
            )
        self.leftovers = await self.target.sweep()

    async def _until_ready(self, mark: int) -> None:
        bound = self.manifest.launch.ready_within_ms / 1000
        expected = "the implementation reads the tracker"
        try:
            await self.until(
                lambda: self._was_asked(mark) or not self.target.alive, expected, within=bound
            )
        except UnmetError as unmet:
            raise NeverReadyError(expected, unmet.seen) from None
        if not self._was_asked(mark):
            raise NeverReadyError(expected, f"it exited with {self.target.exit_code}")
        if self.tracker.hidden:
            await self.until(lambda: self.tracker.polls(after=mark), "a read of the candidates")
            self.tracker.show_all()

    def _was_asked(self, mark: int) -> bool:
        return any(
            each.kind not in ("answered", "fault")
            for each in self.timeline.events("tracker", after=mark)
        )

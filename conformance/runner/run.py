"""One run: chooses, measures the machine, plays, tries again, and records all of it.

Guarantees: whatever can be told before anything starts is told then; what was found is in the
records when the run ends, however it ends, and nothing that was started is left. Must not: print,
or weigh what was found; the verdict is derived from the records.
"""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import anyio

from conformance.baseline import Baseline
from conformance.catalogue import Catalogue, Level, Profile, RequirementId, load_catalogue
from conformance.coverage import load_reasons
from conformance.lab.calibration import calibrate
from conformance.lab.machine import Machine
from conformance.manifest.model import Manifest
from conformance.manifest.sections import Dialect
from conformance.outcomes import Finding, Outcome
from conformance.records import (
    Host,
    Reason,
    Record,
    RecordsError,
    RecordWriter,
    RunReport,
    RunStarted,
    specification_revision,
)
from conformance.runner.attempts import Attempts
from conformance.runner.identity import version_of
from conformance.runner.one import PROBE, Stage, check_launch, places_at, probe
from conformance.runner.rescue import rescue
from conformance.runner.results import RECORDS, SCENARIOS, fresh_results
from conformance.runner.schedule import make_schedule, play_in_lanes
from conformance.runner.selection import Offer, Selection, all_scenarios, select
from conformance.target.errors import TargetError
from conformance.version import suite_version

Listener = Callable[[Record], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What to judge, and how. `results` is a directory that is made, or emptied of an earlier run.
    `launch` are the words of a bare command, empty where there is a manifest file. `retry`: try
    scenarios with unexpected failures once more."""

    manifest: Manifest
    dialect: Dialect
    results: Path
    seed: int
    workers: int
    launch: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    profiles: frozenset[Profile] = frozenset()
    baseline: Baseline = field(default_factory=Baseline)
    strict: bool = False
    retry: bool = True
    scale: float | None = None
    """How slow the machine is; None: measured."""

    @property
    def offer(self) -> Offer:
        return Offer(
            dialect=self.dialect.value,
            capabilities=frozenset(each.value for each in self.manifest.offered),
            profiles=self.manifest.profiles,
        )


def choose(options: RunOptions) -> Selection:
    """What will be played. Raises `SelectionError`."""
    return select(
        all_scenarios(),
        load_catalogue(),
        options.offer,
        patterns=options.patterns,
        profiles=options.profiles,
    )


async def run_suite(options: RunOptions, selection: Selection, *listeners: Listener) -> RunReport:
    """Play what `choose` gave, and return what was recorded; every record goes to `listeners`, too.

    When it is cancelled, what was recorded so far stays, and says that it was interrupted. Raises
    `ResultsError` before anything is recorded, `TargetError` where the implementation cannot be
    started, and `RecordsError` where the results cannot be kept.
    """
    catalogue = load_catalogue()
    check_launch(options.manifest, options.results)
    with fresh_results(options.results):
        scale = options.scale or (await calibrate()).scale
        opening = await _opening(options, catalogue, scale)
        with RecordWriter(options.results / RECORDS, *listeners) as writer:
            writer.write(opening)
            writer.requirements(catalogue)
            _record_reasons(writer, options.manifest, catalogue, selection)
            await _Run(options, catalogue, selection, writer, scale).play()
            return writer.report()


class _Run:
    """Plays, and records how that ends."""

    def __init__(
        self,
        options: RunOptions,
        catalogue: Catalogue,
        selection: Selection,
        writer: RecordWriter,
        scale: float,
    ) -> None:
        self._options = options
        self._writer = writer
        self._selection = selection
        self._begun = time.monotonic()
        self._stage = Stage(
            manifest=options.manifest,
            launch=options.launch,
            dialect=options.dialect,
            seed=options.seed,
            machine=Machine(scale),
            directory=options.results / SCENARIOS,
        )
        self._attempts = Attempts(self._stage, writer, catalogue, options.offer)

    async def play(self) -> None:
        try:
            trouble = await probe(self._stage)
            if trouble is None:
                await self._play_all()
        except anyio.get_cancelled_exc_class():
            # Where the disk is full, that is the error that counts, and it is on its way already.
            with contextlib.suppress(RecordsError):
                self._end(interrupted=True, explanation="interrupted")
            raise
        except TargetError as error:
            self._end(interrupted=True, explanation=str(error))
            raise
        self._end(never_ready=trouble is not None, explanation=trouble or "")

    async def _play_all(self) -> None:
        schedule = make_schedule(self._selection.scenarios, self._options.seed)
        async with anyio.create_task_group() as beside:
            beside.start_soon(self._stage.machine.watch)
            await play_in_lanes(schedule, self._attempts.play, workers=self._options.workers)
            if self._options.retry:
                await rescue(schedule.order, self._attempts, self._options.baseline)
            beside.cancel_scope.cancel()

    def _end(
        self, *, interrupted: bool = False, never_ready: bool = False, explanation: str = ""
    ) -> None:
        self._writer.end(
            duration_s=time.monotonic() - self._begun,
            baseline=self._options.baseline,
            strict=self._options.strict,
            interrupted=interrupted,
            never_ready=never_ready,
            explanation=explanation,
        )


def _record_reasons(
    writer: RecordWriter, manifest: Manifest, catalogue: Catalogue, selection: Selection
) -> None:
    for reason in load_reasons(catalogue).values():
        writer.write(
            Reason(
                record=reason.ground.value,
                id=reason.id,
                reason=reason.text,
                link=manifest.attested_at(reason.id) or "",
            )
        )
    for requirement in catalogue:
        link = manifest.documented_at(requirement.id)
        if requirement.level is Level.DOCUMENT and link is not None:
            writer.write(
                Reason(record="attested", id=requirement.id, reason="documented there", link=link)
            )
    for name, text in selection.not_applicable.items():
        finding = Finding(
            id=RequirementId(name), outcome=Outcome.NOT_APPLICABLE, scenario="", seen=text
        )
        writer.finding(finding, level=catalogue.require(name).level)


async def _opening(options: RunOptions, catalogue: Catalogue, scale: float) -> RunStarted:
    manifest = options.manifest
    return RunStarted(
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        suite=suite_version(),
        specification=specification_revision(catalogue),
        name=manifest.name,
        version=await version_of(manifest, places_at(options.results / SCENARIOS / PROBE)),
        language=manifest.implementation.language,
        source=manifest.implementation.source,
        manifest=_relative(manifest.path),
        dialect=options.dialect.value,
        profiles=_judged_profiles(options),
        capabilities=tuple(sorted(each.value for each in manifest.offered)),
        policies={name: str(value) for name, value in manifest.policies.model_dump().items()},
        patterns=options.patterns,
        seed=options.seed,
        workers=options.workers,
        host=Host(
            cores=os.cpu_count() or 1,
            load=os.getloadavg()[0],
            platform=platform.platform(),
            python=platform.python_version(),
            scale=scale,
        ),
    )


def _relative(path: Path | None) -> str:
    return "" if path is None else os.path.relpath(path)


def _judged_profiles(options: RunOptions) -> tuple[Profile, ...]:
    wanted = options.profiles or options.manifest.profiles
    return tuple(profile for profile in Profile if profile in wanted)

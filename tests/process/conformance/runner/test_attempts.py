"""Attempts are recorded whole: what was found, what was tried again, and whose fault it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.baseline import Baseline
from conformance.catalogue import Profile, load_catalogue
from conformance.lab.lab import Lab
from conformance.lab.machine import Machine
from conformance.manifest.loading import manifest_for_command
from conformance.manifest.sections import Dialect
from conformance.outcomes import Outcome
from conformance.records import Host, RecordWriter, RunReport, RunStarted
from conformance.runner.attempts import Attempts
from conformance.runner.bundle import read_bundle
from conformance.runner.one import Stage
from conformance.runner.rescue import rescue
from conformance.runner.selection import Offer
from conformance.scenario import Lane, Play, Scenario

CATALOGUE = load_catalogue()
ORDER = "order.created.oldest"
TOOLS = "tool.result.no_secret"
OFFER = Offer(dialect="linear", capabilities=frozenset(), profiles=frozenset({Profile.CORE}))


def made(play: Play, *checks: str) -> Scenario:
    return Scenario(
        name=play.__name__,
        title="A scenario that starts nothing",
        checks=tuple(CATALOGUE.require(each).id for each in checks),
        lane=Lane.FAST,
        profile=Profile.CORE,
        needs=frozenset(),
        dialects=frozenset(),
        play=play,
    )


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[RecordWriter]:
    with RecordWriter(tmp_path / "records.ndjson") as open_writer:
        host = Host(cores=1, load=0.0, platform="here", python="3")
        open_writer.write(
            RunStarted(
                started_at="2026-01-01T00:00:00+00:00",
                suite="0",
                specification="0",
                name="nobody",
                dialect="linear",
                profiles=(Profile.CORE,),
                seed=1,
                host=host,
            )
        )
        open_writer.requirements(CATALOGUE)
        yield open_writer


@pytest.fixture
def attempts(tmp_path: Path, writer: RecordWriter) -> Attempts:
    stage = Stage(
        manifest=manifest_for_command(["true", "{workflow}"]),
        launch=("true", "{workflow}"),
        dialect=Dialect.LINEAR,
        seed=1,
        machine=Machine(),
        directory=tmp_path / "scenarios",
    )
    return Attempts(stage, writer, CATALOGUE, OFFER)


def outcome(report: RunReport, name: str) -> Outcome:
    return next(each.outcome for each in report.requirements if each.id == name)


@pytest.mark.anyio
async def test_a_failure_that_passes_alone_is_rescued_and_says_so(
    attempts: Attempts, writer: RecordWriter
) -> None:
    played: list[int] = []

    async def passes_the_second_time(lab: Lab) -> None:
        played.append(1)
        with lab.judging(ORDER) as judge:
            judge.equal(len(played), 2, "the attempt")

    scenario = made(passes_the_second_time, ORDER)
    await attempts.play(scenario)
    assert outcome(writer.report(), ORDER) is Outcome.FAIL
    await rescue([scenario], attempts, Baseline())
    report = writer.report()
    assert outcome(report, ORDER) is Outcome.PASS
    assert report.rescued == (scenario.name,)


@pytest.mark.anyio
async def test_what_fails_twice_stands_with_the_command_that_plays_it_again(
    attempts: Attempts, writer: RecordWriter, tmp_path: Path
) -> None:
    async def fails(lab: Lab) -> None:
        with lab.judging(ORDER) as judge:
            judge.equal(1, 2, "one")

    scenario = made(fails, ORDER)
    await attempts.play(scenario)
    await rescue([scenario], attempts, Baseline())
    found = next(each for each in writer.report().requirements if each.id == ORDER).findings[0]
    assert (found.outcome, found.attempt) == (Outcome.FAIL, 2)
    assert found.replay.startswith("symphony-conformance replay ")
    assert read_bundle(tmp_path / "scenarios" / "fails.2").launch == ("true", "{workflow}")


@pytest.mark.anyio
async def test_an_exception_of_a_scenario_is_the_fault_of_the_suite(
    attempts: Attempts, writer: RecordWriter, tmp_path: Path
) -> None:
    async def breaks(lab: Lab) -> None:
        raise ZeroDivisionError(lab.seed)

    await attempts.play(made(breaks, ORDER))
    assert outcome(writer.report(), ORDER) is Outcome.HARNESS_ERROR
    last = json.loads((tmp_path / "records.ndjson").read_text().splitlines()[-1])
    assert last["outcome"] == "harness_error"
    assert "ZeroDivisionError" in last["explanation"]


@pytest.mark.anyio
async def test_a_profile_that_is_not_offered_is_not_judged_by_the_way(
    attempts: Attempts, writer: RecordWriter
) -> None:
    async def judges_a_tool(lab: Lab) -> None:
        with lab.judging(TOOLS) as judge:
            judge.equal(1, 2, "one")
        with lab.judging(ORDER):
            pass

    await attempts.play(made(judges_a_tool, TOOLS, ORDER))
    assert outcome(writer.report(), TOOLS) is Outcome.NOT_APPLICABLE
    assert outcome(writer.report(), ORDER) is Outcome.PASS

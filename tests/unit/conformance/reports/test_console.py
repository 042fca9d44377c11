"""The console is quiet where all is well, and cannot be steered by what an implementation says."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from conformance.catalogue import Profile
from conformance.outcomes import Outcome
from conformance.records import ScenarioEnded, ScenarioStarted, load_records
from conformance.reports.console import Progress, summary
from conformance.scenario import Lane
from tests.support.run_records import record_sample, run_started


def started(name: str) -> ScenarioStarted:
    return ScenarioStarted(scenario=name, title=name, lane=Lane.FAST, checks=())


def test_scenarios_in_which_all_is_well_leave_no_line() -> None:
    stream = io.StringIO()
    with Progress(stream, scenarios=2, terminal=False) as progress:
        progress.see(run_started())
        for name in ("one", "two"):
            progress.see(started(name))
            progress.see(ScenarioEnded(scenario=name, outcome=Outcome.PASS, duration_s=1.0))
    assert stream.getvalue() == (
        f"checking symphony-sample 1.4.0: linear dialect, profiles {Profile.CORE.value}, seed 7\n"
    )


def test_problems_are_told_when_their_scenario_ends(tmp_path: Path) -> None:
    record_sample(tmp_path / "r.ndjson")
    stream = io.StringIO()
    with Progress(stream, scenarios=3, terminal=False) as progress:
        for record in load_records(tmp_path / "r.ndjson")[0]:
            progress.see(record)
    lines = stream.getvalue().splitlines()
    assert "  ✗ failed       MUST retry.backoff.failure (a_failed_turn_backs_off)" in lines
    assert "  ! warning      SHOULD hook.output.logged (hooks_end_in_time)" in lines
    assert "  labels_and_order passed when it was run again, alone" in lines


def test_a_terminal_shows_how_far_it_is_and_is_left_clean() -> None:
    stream = io.StringIO()
    with Progress(stream, scenarios=2, terminal=True) as progress:
        progress.see(started("one"))
        progress.see(ScenarioEnded(scenario="one", outcome=Outcome.PASS, duration_s=1.0))
    assert "1/2" in stream.getvalue()
    assert stream.getvalue().endswith("\x1b[2K")


def test_the_suites_own_fault_is_told_by_its_last_line() -> None:
    stream = io.StringIO()
    with Progress(stream, scenarios=1, terminal=False) as progress:
        progress.see(started("one"))
        progress.see(
            ScenarioEnded(
                scenario="one",
                outcome=Outcome.HARNESS_ERROR,
                duration_s=1.0,
                explanation="Traceback\n  a line\nKeyError: 'x\x1b[31m'",
            )
        )
    assert stream.getvalue() == "  one: KeyError: 'x�[31m'\n"


@pytest.mark.parametrize("colour", [True, False])
def test_the_verdict_is_the_last_line(colour: bool, tmp_path: Path) -> None:
    last = summary(record_sample(tmp_path / "r.ndjson"), colour=colour).splitlines()[-1]
    assert "symphony-sample 1.4.0: not conforming: 3 MUST broken or not shown" in last
    assert ("\x1b[" in last) is colour


def test_nothing_of_an_implementation_reaches_the_terminal_as_an_escape(tmp_path: Path) -> None:
    text = summary(record_sample(tmp_path / "r.ndjson"))
    assert "\x1b" not in text
    assert "\x00" not in text
    assert "\u202e" not in text

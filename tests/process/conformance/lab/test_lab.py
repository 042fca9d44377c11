"""What the lab promises to scenarios, with our daemon in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from conformance.agents.steps import agent_script, gate, turn
from conformance.lab.judging import HarnessError, UnmetError
from conformance.lab.lab import Lab
from conformance.lab.machine import Machine
from conformance.lab.timeline import Event
from conformance.manifest.sections import Dialect
from conformance.outcomes import Outcome
from tests.support.conformance_lab import PATIENCE, our_manifest, outcomes, play_act, told

pytestmark = pytest.mark.anyio

UNDER_ROOT = "workspace.path.under_root"
KEPT = "cli.stop.workspaces_kept"
DIALECTS = pytest.mark.parametrize("dialect", list(Dialect))


def numbers(events: Sequence[Event]) -> set[str]:
    """Of the requests that the events are about."""
    return {str(each.data["number"]) for each in events}


async def test_what_does_not_come_about_is_the_finding_of_its_own_id(tmp_path: Path) -> None:
    async def act(lab: Lab) -> None:
        await lab.start()
        with lab.judging(UNDER_ROOT):
            await lab.until(lambda: False, "pigs fly", within=0.1, seen=lambda: "they walk")
        with lab.judging(KEPT) as judge:
            judge.holds(True, expected="the scenario goes on")

    played = await play_act(act, tmp_path, UNDER_ROOT, KEPT)
    assert outcomes(played) == {UNDER_ROOT: Outcome.FAIL, KEPT: Outcome.PASS}, told(played)
    finding = next(each for each in played.findings if each.id == UNDER_ROOT)
    assert finding.expected == "pigs fly"
    assert "they walk" in finding.seen
    assert any("started as" in line for line in finding.timeline)


async def test_an_early_end_makes_the_rest_untestable(tmp_path: Path) -> None:
    async def act(lab: Lab) -> None:
        with lab.judging(UNDER_ROOT) as judge:
            judge.holds(True, expected="so far all is well")
        await lab.until(lambda: False, "pigs fly", within=0.1)

    played = await play_act(act, tmp_path, UNDER_ROOT, KEPT)
    assert outcomes(played) == {UNDER_ROOT: Outcome.PASS, KEPT: Outcome.UNTESTABLE}
    assert not played.error


async def test_an_exception_is_an_error_of_the_suite(tmp_path: Path) -> None:
    async def act(_: Lab) -> None:
        raise HarnessError("the scenario is wrong")

    played = await play_act(act, tmp_path, UNDER_ROOT)
    assert outcomes(played) == {UNDER_ROOT: Outcome.HARNESS_ERROR}
    assert "the scenario is wrong" in played.error


async def test_a_program_that_exits_at_once_was_never_ready(tmp_path: Path) -> None:
    async def act(lab: Lab) -> None:
        await lab.start()

    manifest = our_manifest(command=("{python}", "-c", "raise SystemExit(3)", "{workflow}"))
    played = await play_act(act, tmp_path, UNDER_ROOT, manifest=manifest)
    assert played.never_ready
    assert outcomes(played) == {UNDER_ROOT: Outcome.UNTESTABLE}
    assert "it exited with 3" in played.findings[0].seen


async def test_a_program_that_asks_nothing_was_never_ready(tmp_path: Path) -> None:
    async def act(lab: Lab) -> None:
        await lab.start()

    manifest = our_manifest(
        command=("{python}", "-c", "import signal; signal.pause()", "{workflow}"),
        ready_within_ms=300,
    )
    played = await play_act(act, tmp_path, UNDER_ROOT, manifest=manifest, machine=Machine())
    assert played.never_ready
    assert not played.leftovers


async def test_a_start_may_find_no_workflow_file(tmp_path: Path) -> None:
    async def act(lab: Lab) -> None:
        lab.remove_workflow()
        await lab.start(ready=False)
        code = await lab.exited()
        with lab.judging(UNDER_ROOT) as judge:
            judge.holds(code > 0, expected="a failed start", seen=code)
            judge.contains(lab.output(), "WORKFLOW.md", "the report")
        lab.workflow()
        await lab.start()

    played = await play_act(act, tmp_path, UNDER_ROOT)
    assert outcomes(played) == {UNDER_ROOT: Outcome.PASS}, told(played)


async def test_a_second_implementation_is_ended_with_the_lab(tmp_path: Path) -> None:
    async def act(lab: Lab) -> None:
        await lab.start()
        second = lab.another()
        await second.start()
        code = await second.wait(20.0)
        with lab.judging(UNDER_ROOT) as judge:
            judge.holds(code, expected="the second on the same root refuses to start", seen=code)

    played = await play_act(act, tmp_path, UNDER_ROOT)
    assert outcomes(played) == {UNDER_ROOT: Outcome.PASS}, told(played)


async def test_waiting_ends_when_the_implementation_does(tmp_path: Path) -> None:
    async def act(lab: Lab) -> None:
        await lab.start()
        lab.target.signal(9)
        with pytest.raises(UnmetError, match="ended by itself"):
            await lab.polls(1)
        with lab.judging(UNDER_ROOT) as judge:
            judge.holds(True, expected="")

    played = await play_act(act, tmp_path, UNDER_ROOT)
    assert outcomes(played) == {UNDER_ROOT: Outcome.PASS}, told(played)


@DIALECTS
async def test_issues_appear_after_the_start_where_the_manifest_asks_for_it(
    tmp_path: Path, dialect: Dialect
) -> None:
    async def act(lab: Lab) -> None:
        issue = lab.tracker.put("ENG-1", title="A thing")
        lab.tracker.put("ENG-1", title="Another thing")
        lab.script(issue, agent_script(turn(gate())))
        await lab.start()
        session = await lab.at_gate(issue)
        with lab.judging(UNDER_ROOT) as judge:
            judge.contains(session.prompts()[0], "Another thing", "the prompt")
            shown = lab.timeline.events("scenario", "tracker", subject="ENG-1")[-1]
            began = lab.timeline.events("agent", "start")[0]
            judge.before(lab.tracker.reads("candidates")[0], shown, "a poll comes before")
            judge.before(shown, began, "it is seen before it is worked on")

    manifest = our_manifest(issues_after_start=True)
    played = await play_act(act, tmp_path, UNDER_ROOT, dialect=dialect, manifest=manifest)
    assert outcomes(played) == {UNDER_ROOT: Outcome.PASS}, told(played)


@DIALECTS
async def test_a_fault_meets_only_the_reads_that_it_is_for(
    tmp_path: Path, dialect: Dialect
) -> None:
    async def act(lab: Lab) -> None:
        issue = lab.tracker.put("ENG-1", title="A thing")
        lab.script(issue, agent_script(turn(gate())))
        await lab.start()
        await lab.at_gate(issue)
        lab.tracker.fault("status", times=None, only="candidates", status=500)
        mark = lab.timeline.last
        await lab.reads_by_id(issue, 2)
        spoilt = numbers(lab.timeline.events("tracker", "fault"))
        with lab.judging(UNDER_ROOT) as judge:
            asked = numbers(lab.tracker.reads("candidates", after=mark))
            judge.holds(spoilt, expected="a read of the candidates fails", seen=spoilt)
            judge.equal(sorted(spoilt - asked), [], "the other requests that failed")
        lab.tracker.clear_faults()
        await lab.polls(1)

    played = await play_act(act, tmp_path, UNDER_ROOT, dialect=dialect)
    assert outcomes(played) == {UNDER_ROOT: Outcome.PASS}, told(played)


@DIALECTS
async def test_a_reload_is_in_force_when_it_returns(tmp_path: Path, dialect: Dialect) -> None:
    async def act(lab: Lab) -> None:
        lab.script(None, agent_script(turn(gate())))
        lab.workflow("The old prompt")
        await lab.start()
        await lab.reload("The new prompt")
        issue = lab.tracker.put("ENG-1", title="A thing")
        session = await lab.at_gate(issue)
        with lab.judging(UNDER_ROOT) as judge:
            judge.equal(session.prompts()[0], "The new prompt", "the prompt")

    played = await play_act(act, tmp_path, UNDER_ROOT, dialect=dialect)
    assert outcomes(played) == {UNDER_ROOT: Outcome.PASS}, told(played)


@DIALECTS
async def test_what_a_later_life_reads_before_any_candidates_is_for_its_cleanup(
    tmp_path: Path, dialect: Dialect
) -> None:
    async def act(lab: Lab) -> None:
        issue = lab.tracker.put("ENG-1", title="A thing")
        lab.script(issue, agent_script(turn(gate())))
        trace = lab.files.trace("hooks")
        lab.workflow(hooks={"before_remove": trace.hook("removes $PWD")})
        await lab.start()
        await lab.at_gate(issue)
        status = await lab.stop()
        with lab.judging(KEPT) as judge:
            judge.holds(lab.files.workspace(issue), expected="the workspace stays")
            judge.equal(status.code, 0, "the exit code")
        lab.tracker.set_state("ENG-1", "Done")
        mark = lab.timeline.last
        await lab.start()
        await lab.until(lambda: lab.files.workspace(issue) is None, "it is cleaned up")
        with lab.judging(UNDER_ROOT) as judge:
            cleanup = lab.tracker.reads("terminal", after=mark)[0]
            removal = lab.timeline.events("files", "trace", after=mark)[0]
            judge.before(cleanup, removal, "it is asked for, then removed")

    played = await play_act(act, tmp_path, UNDER_ROOT, KEPT, dialect=dialect)
    assert set(outcomes(played).values()) == {Outcome.PASS}, told(played)


@DIALECTS
async def test_an_issue_that_leaves_the_scope_or_is_deleted_is_seen_no_more(
    tmp_path: Path, dialect: Dialect
) -> None:
    async def act(lab: Lab) -> None:
        leaver = lab.tracker.put("ENG-1", title="Leaves")
        deleted = lab.tracker.put("ENG-2", title="Is deleted")
        lab.script(None, agent_script(turn(gate())))
        await lab.start()
        sessions = [await lab.at_gate(leaver), await lab.at_gate(deleted)]
        lab.tracker.move_out("ENG-1")
        lab.tracker.remove("ENG-2")
        for session in sessions:
            await lab.ended(session)
        with lab.judging(UNDER_ROOT):
            await lab.never(lambda: lab.running(), "neither is worked on again")

    played = await play_act(act, tmp_path, UNDER_ROOT, dialect=dialect)
    assert outcomes(played) == {UNDER_ROOT: Outcome.PASS}, told(played)


async def test_a_first_start_waits_while_as_many_others_start_as_the_machine_permits(
    tmp_path: Path,
) -> None:
    machine = Machine(PATIENCE, starts_at_once=1)

    async def act(lab: Lab) -> None:
        await machine.starting.acquire_on_behalf_of("another")
        async with anyio.create_task_group() as group:
            group.start_soon(lab.start)
            while not machine.starting.statistics().tasks_waiting:
                await anyio.lowlevel.checkpoint()
            with lab.judging(UNDER_ROOT) as judge:
                judge.holds(not lab.target.alive, expected="nothing runs yet")
            machine.starting.release_on_behalf_of("another")
        await lab.polls()
        await machine.starting.acquire_on_behalf_of("another")
        await lab.restart()

    played = await play_act(act, tmp_path, UNDER_ROOT, machine=machine)
    assert outcomes(played) == {UNDER_ROOT: Outcome.PASS}, told(played)

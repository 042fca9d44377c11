"""What must hold where runs end: whom a stop meets, what follows it, and what is removed."""

from __future__ import annotations

from symphony.domain.run import StopReason
from symphony.scheduler.commands import RemoveWorkspace, StopRun
from symphony.scheduler.events import ForReconciliation, IssuesRead, OperatorStopped
from tests.support.simulation.facts import Facts, Happening
from tests.support.simulation.runs import SimulatedRun

RELEASING = {StopReason.NOT_ACTIVE, StopReason.NOT_ROUTABLE, StopReason.NOT_VISIBLE}


def judge_stop(facts: Facts, step: Happening, command: StopRun) -> None:
    """One stop; the run knows from here on what it is stopped for."""
    run = facts.runs.get(command.run_id)
    assert run is not None, "a run is stopped that is over"
    assert run.stop is None, "a run is stopped twice"
    run.stop = command.reason
    facts.happened[f"stop: {command.reason.value}"] += 1
    limit = facts.state.settings.codex.stall_timeout_ms
    if command.reason is StopReason.STALLED:
        assert limit > 0, "stalled although there is no limit"
        assert step.now_ms - run.heard_ms > limit, "stalled too early"
    elif command.reason is StopReason.OPERATOR:
        asked = isinstance(step.event, OperatorStopped) and step.event.issue_id == run.issue_id
        assert asked, "stopped for an operator who asked for something else"
    elif isinstance(step.event, IssuesRead):
        purpose = step.event.purpose
        assert isinstance(purpose, ForReconciliation), "stopped by an answer to something else"
        assert (run.issue_id, run.run_id) in purpose.runs, "judged by an old question"


def judge_end(facts: Facts, step: Happening, run: SimulatedRun) -> None:
    """What follows the end of a run, by what it was asked to stop for."""
    removals = [one for one in step.commands if isinstance(one, RemoveWorkspace)]
    claim = facts.state.claim_of(run.issue_id)
    if facts.stopping:
        assert removals == [], "a removal is begun while stopping"
        return
    if run.stop is StopReason.TERMINAL:
        paths = [one.path for one in removals]
        assert run.path is None or paths == [run.path], f"{paths} is removed, not {run.path}"
        return
    assert removals == [], "a workspace is removed that is still of use"
    if run.stop is StopReason.OPERATOR:
        assert claim == "parked", f"{run.issue_id} is {claim} after an operator stopped it"
    elif run.stop in RELEASING:
        assert claim is None, f"{run.issue_id} is {claim} after {run.stop}"
    else:
        assert claim in {"retrying", "parked"}, f"{run.issue_id} is {claim} after its end"


def judge_silence(facts: Facts, now_ms: int) -> None:
    """After a tick nobody is left who was silent for too long."""
    limit = facts.state.settings.codex.stall_timeout_ms
    for run in facts.runs.values():
        silent = now_ms - run.heard_ms
        assert limit <= 0 or run.stop or silent <= limit, f"{run} is not seen to be stalled"


def judge_removal(facts: Facts, command: RemoveWorkspace) -> None:
    """Nobody works where something is removed."""
    issue, path = command.issue, command.path
    assert issue.id not in facts.removing, "a workspace is removed twice"
    name = issue.identifier if path is None else path.rsplit("/", maxsplit=1)[-1]
    for run in facts.runs.values():
        assert run.issue_id != issue.id, "a removal under a run"
        assert run.identifier != name, f"a removal under {run.issue_id}"
    facts.removing[issue.id] = name
